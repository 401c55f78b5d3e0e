"""What fits no train that was asked for is refused, whatever it is, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trelscope.gateware import protocol
from trelscope.gateware.protocol import CHUNK_BINS, Kind, TraceFlag
from trelscope.host.acquisition.assembler import Assembler, Frame, Misfit
from trelscope.host.link.codec import Packet
from trelscope.host.planning import CaptureRequest

BEFORE, TRAIN = 6, 7
SETTINGS = CaptureRequest(pulses=0, window=(-1e-6, 1.5e-6), bin=1e-9).plan(16384)
HEAD = {
    "frame": 0,
    "train": TRAIN,
    "first_pulse": 0,
    "pulses": 8,
    "missed": 0,
    "light_clipped": 1,
    "drive_clipped": 2,
    "window_start": -1000 & 0xFFFFFFFF,
    "bins": 1500,
    "bin_shift": 0,
    "dither": 8,
    "flags": 0,
}


def expecting() -> Assembler:
    """An assembler that waits for the train of SETTINGS."""
    assembler = Assembler()
    assembler.expect(SETTINGS.registers(10_000), BEFORE)
    return assembler


def head(**changes: int) -> Packet:
    """The packet of a head."""
    return Packet(Kind.TRACE_HEAD, 0, 0, protocol.TRACE_HEAD.pack(**(HEAD | changes)))


def chunk(channel: int, number: int, size: int, frame: int = 0) -> Packet:
    """The packet of a chunk whose sums count up."""
    begin = protocol.TRACE_DATA.pack(frame=frame, channel=channel, chunk=number)
    return Packet(Kind.TRACE_DATA, 0, 0, begin + np.arange(size, dtype="<u4").tobytes())


def whole() -> list[Packet]:
    """All packets of a frame."""
    sizes = (CHUNK_BINS, 1500 - CHUNK_BINS)
    return [head(), *(chunk(c, n, size) for c in range(2) for n, size in enumerate(sizes))]


def taken(assembler: Assembler, packets: list[Packet]) -> list[Frame]:
    """Frames that these packets make."""
    return [frame for packet in packets if (frame := assembler.add(packet))]


def test_a_frame_is_put_together() -> None:
    (frame,) = taken(expecting(), whole())
    assert frame.sums.shape == (2, 1500)
    assert frame.sums[1].tolist() == [*range(CHUNK_BINS), *range(1500 - CHUNK_BINS)]
    assert (frame.train, frame.pulses, frame.clipped) == (TRAIN, 8, (1, 2))


@pytest.mark.parametrize(
    "changes",
    [
        {"bins": 1499},
        {"bin_shift": 1},
        {"window_start": -999 & 0xFFFFFFFF},
        {"dither": 1},
        {"flags": int(TraceFlag.COUNTING)},
    ],
)
def test_a_head_with_other_settings_is_refused(changes: dict[str, int]) -> None:
    assembler = expecting()
    with pytest.raises(Misfit):
        assembler.add(head(**changes))
    assert taken(assembler, whole()[1:]) == []


@pytest.mark.parametrize("size", [0, 100, CHUNK_BINS - 1, CHUNK_BINS + 1])
def test_a_chunk_of_another_size_is_refused(size: int) -> None:
    assembler = expecting()
    assembler.add(head())
    with pytest.raises(Misfit):
        assembler.add(chunk(0, 0, size))
    assert len(taken(assembler, whole()[1:])) == 1


@pytest.mark.parametrize("key", [(2, 0), (0, 2), (0, 0)])
def test_a_chunk_that_there_is_not_or_that_has_come_is_refused(key: tuple[int, int]) -> None:
    assembler = expecting()
    taken(assembler, whole()[:2])
    with pytest.raises(Misfit):
        assembler.add(chunk(*key, CHUNK_BINS))


def test_the_train_before_and_trains_of_others_are_passed_over() -> None:
    assembler = expecting()
    assert taken(assembler, [head(train=BEFORE), *whole()[1:]]) == []
    assert taken(Assembler(), whole()) == []


def test_a_chunk_without_its_head_is_passed_over() -> None:
    assembler = expecting()
    assembler.add(head(frame=3))
    assert taken(assembler, whole()[1:]) == []


@given(
    st.lists(
        st.builds(
            Packet,
            st.sampled_from(Kind),
            st.just(0),
            st.just(0),
            st.binary(max_size=64) | st.sampled_from([p.payload for p in whole()]),
        ),
        max_size=20,
    )
)
def test_nothing_but_a_misfit_comes_of_any_packet(packets: list[Packet]) -> None:
    assembler = expecting()
    for packet in packets:
        try:
            frame = assembler.add(packet)
        except Misfit:
            continue
        assert frame is None or frame.sums.shape == (2, 1500)
