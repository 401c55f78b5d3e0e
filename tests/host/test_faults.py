"""A bad wire: every loss is counted or said, nothing is altered, nothing waits for ever."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from trelscope.gateware import protocol
from trelscope.gateware.protocol import HEADER, REGISTERS, REQUEST, Kind, TraceFlag
from trelscope.host.acquisition import instrument as instrument_module
from trelscope.host.acquisition.acquisition import Acquisition, AcquisitionError
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.errors import UserError
from trelscope.host.link import Link, LinkError
from trelscope.host.link.codec import Decoder, Packet
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest
from trelscope.host.serve.faults import Damage, FaultError, Faults, FaultyLink, parse_faults
from trelscope.host.settings import Settings

PULSES = 256
LONGEST = 60.0  # s of the board's time in which everything here must have come to an end


class Wrapped:
    """A link that behaves, for others to spoil; it fails when it is used for ever."""

    def __init__(self, link: Link) -> None:
        self.name = link.name
        self.front_end: FrontEnd = link.front_end
        self.link = link
        self.realtime_factor = None

    def restart_clock(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.link.write(data)

    def read(self, timeout: float) -> bytes:
        assert self.clock() < LONGEST, "this would not have come to an end"
        return self.link.read(timeout)

    def clock(self) -> float:
        return self.link.clock()

    def close(self) -> None:
        self.link.close()


class Picky(Wrapped):
    """Loses the requests and the packets it is told to lose, whole."""

    def __init__(
        self,
        link: Link,
        packet: Callable[[Packet], bool] = lambda packet: False,
        request: Callable[[str, int], bool] = lambda name, value: False,
    ) -> None:
        super().__init__(link)
        self._packet, self._request = packet, request
        self._decoder = Decoder()

    def write(self, data: bytes) -> None:
        request = REQUEST.unpack(data[HEADER.size :])
        name = next(r.name for r in REGISTERS.values() if r.address == request["address"])
        if not self._request(name, request["value"]):
            super().write(data)

    def read(self, timeout: float) -> bytes:
        until = self.clock() + timeout
        while True:
            kept = b"".join(
                protocol.encode_frame(packet.kind, packet.sequence, packet.payload)
                for packet in self._decoder.feed(super().read(timeout))
                if not self._packet(packet)
            )
            if kept or self.clock() >= until:
                return kept


def emulated() -> EmulatorLink:
    return EmulatorLink("hr-1mm2", seed=1, paced=False)


def settings(pulses: int = PULSES, length: float = 4e-6) -> Settings:
    return CaptureRequest(pulses=pulses, window=(-0.2e-6, length), frame_pulses=8).plan(16384)


def finish(acquisition: Acquisition) -> None:
    while not acquisition.done:
        acquisition.poll(0.1)


def run(link: Link, wanted: Settings | None = None) -> tuple[Acquisition, dict[int, NDArray]]:
    """The finished acquisition, and its frames by the number of their first pulse."""
    acquisition = Acquisition(Instrument(Wrapped(link)), wanted or settings())
    frames = {}
    while not acquisition.done:
        for frame in acquisition.poll(0.1):
            frames[frame.first_pulse] = frame.sums
    return acquisition, frames


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All waits a fiftieth as long: seconds of a busy board take it many times as long."""
    for name in ("REPLY_TIMEOUT", "REPLY_PATIENCE", "SILENCE"):
        monkeypatch.setattr(instrument_module, name, getattr(instrument_module, name) / 50)


@pytest.fixture(scope="module")
def clean() -> dict[int, NDArray]:
    acquisition, frames = run(emulated())
    assert acquisition.accounting.pulses_averaged == PULSES
    return frames


def adds_up(acquisition: Acquisition, pulses: int = PULSES) -> bool:
    account = acquisition.accounting
    return (
        account.pulses_emitted
        == account.pulses_averaged + account.pulses_missed + account.pulses_lost
        == pulses
    )


def unaltered(frames: dict[int, NDArray], clean: dict[int, NDArray]) -> bool:
    return all(np.array_equal(sums, clean[first]) for first, sums in frames.items())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("faults", [Faults(drop=1e-5), Faults(corrupt=1e-5)])
def test_what_is_damaged_is_dropped_whole_and_counted(
    clean: dict[int, NDArray], faults: Faults, seed: int
) -> None:
    acquisition, frames = run(FaultyLink(emulated(), faults, seed))
    account = acquisition.accounting
    assert adds_up(acquisition)
    lost = len(clean) - len(frames)
    assert 0 < account.frames_lost <= lost < len(clean)
    assert account.pulses_lost == 8 * lost
    assert account.crc_errors > 0
    assert unaltered(frames, clean)


@pytest.mark.parametrize("seed", range(4))
def test_on_a_very_bad_wire_requests_are_repeated_and_the_counts_still_add_up(seed: int) -> None:
    faults = Faults(drop=2e-4, corrupt=2e-4)
    acquisition, frames = run(FaultyLink(emulated(), faults, seed), settings(length=0.5e-6))
    assert adds_up(acquisition)
    assert acquisition.accounting.pulses_lost > 0
    assert frames
    _, drive = acquisition.traces()
    on = drive.y[drive.t > 0.1e-6]
    assert np.abs(on - 5.0).max() < 0.05


@pytest.mark.parametrize("lost", [1, 3])
def test_a_train_whose_last_frames_are_lost_still_ends(lost: int) -> None:
    last = PULSES // 8 - lost
    link = Picky(
        emulated(),
        lambda p: (
            p.kind is Kind.TRACE_HEAD and protocol.TRACE_HEAD.unpack(p.payload)["frame"] >= last
        ),
    )
    acquisition, _ = run(link)
    account = acquisition.accounting
    assert adds_up(acquisition)
    assert account.pulses_lost == 8 * lost
    assert 1 <= account.frames_lost <= lost


def test_lost_first_frames_are_counted() -> None:
    link = Picky(
        emulated(),
        lambda p: p.kind is Kind.TRACE_DATA and protocol.TRACE_DATA.unpack(p.payload)["frame"] < 2,
    )
    acquisition, _ = run(link)
    assert adds_up(acquisition)
    assert acquisition.accounting.frames_lost == 2
    assert acquisition.accounting.pulses_lost == 16


@pytest.mark.usefixtures("impatient")
def test_a_trip_whose_frame_is_lost_is_said() -> None:
    board = emulated()
    link = Picky(
        board,
        lambda p: (
            p.kind is Kind.TRACE_HEAD
            and TraceFlag.END in TraceFlag(protocol.TRACE_HEAD.unpack(p.payload)["flags"])
        ),
    )
    acquisition = Acquisition(Instrument(Wrapped(link)), settings(pulses=0))
    board.trip(True)
    with pytest.raises(AcquisitionError, match="the external interlock is open"):
        finish(acquisition)


@pytest.mark.parametrize("what", ["request", "reply"])
def test_the_train_starts_once_whatever_of_its_start_is_lost(what: str) -> None:
    pending: list[bool] = []  # a start whose reply is to be lost
    first = iter([True])

    def request(name: str, value: int) -> bool:
        if (name, value) != ("run", 1) or not next(first, False):
            return False
        pending.append(True)
        return what == "request"

    def packet(p: Packet) -> bool:
        return (
            what == "reply"
            and p.kind is Kind.REPLY
            and protocol.REPLY.unpack(p.payload)["address"] == REGISTERS["run"].address
            and bool(pending and pending.pop())
        )

    instrument = Instrument(Wrapped(Picky(emulated(), packet, request)))
    acquisition = Acquisition(instrument, settings())
    finish(acquisition)
    assert next(first, None) is None
    assert adds_up(acquisition)
    assert acquisition.accounting.pulses_averaged == PULSES
    assert instrument.read("train") == 1


@pytest.mark.usefixtures("impatient")
def test_a_lost_reply_is_noticed_though_frames_keep_coming() -> None:
    def lose_first_status(packet: Packet) -> bool:
        if packet.kind is not Kind.REPLY or not started:
            return False
        address = protocol.REPLY.unpack(packet.payload)["address"]
        return address == REGISTERS["status"].address and next(first, False)

    started: list[bool] = []
    first = iter([True])
    instrument = Instrument(Wrapped(Picky(emulated(), lose_first_status)))
    instrument.start(settings(pulses=0))
    started.append(True)
    assert instrument.read("status") & protocol.Status.RUNNING
    assert next(first, None) is None
    assert instrument.frames(0)


@pytest.mark.parametrize("after", [1, 33, 700, 20_000, 100_001])
def test_a_broken_connection_is_said_in_one_line(after: int) -> None:
    with pytest.raises(LinkError, match="the connection is lost") as error:
        run(FaultyLink(emulated(), Faults(disconnect=after)))
    assert "\n" not in str(error.value)


def test_a_short_stall_costs_nothing(clean: dict[int, NDArray]) -> None:
    acquisition, frames = run(FaultyLink(emulated(), Faults(stall=(50_000, 0.3))))
    assert adds_up(acquisition)
    assert acquisition.accounting.pulses_lost == 0
    assert unaltered(frames, clean)
    assert len(frames) == len(clean)


@pytest.mark.usefixtures("impatient")
def test_a_stall_longer_than_anybody_waits_is_said_in_one_line() -> None:
    with pytest.raises(InstrumentError, match="no answer") as error:
        run(FaultyLink(emulated(), Faults(stall=(50_000, 30.0))), settings(pulses=0))
    assert "\n" not in str(error.value)


def test_pieces_of_any_size_are_put_together(clean: dict[int, NDArray]) -> None:
    acquisition, frames = run(FaultyLink(emulated(), Faults(slow=97)))
    assert adds_up(acquisition)
    assert len(frames) == len(clean)
    assert unaltered(frames, clean)


def test_damage_is_in_the_same_places_however_the_stream_is_cut() -> None:
    data = bytes(range(256)) * 64
    faults = Faults(drop=1e-3, corrupt=1e-3)

    def damaged(piece: int, seed: int) -> bytes:
        damage = Damage(faults, seed, 0)
        return b"".join(damage.pass_on(data[at : at + piece]) for at in range(0, len(data), piece))

    whole = damaged(len(data), 1)
    assert len(data) - 60 < len(whole) < len(data)
    assert damaged(1, 1) == damaged(97, 1) == whole
    assert damaged(97, 2) != whole


def test_switches() -> None:
    assert parse_faults([]) == Faults()
    said = ["drop=1e-6", "corrupt=1u", "stall=100k:2", "disconnect=1M", "slow=500"]
    assert parse_faults(said) == Faults(1e-6, 1e-6, (100_000, 2.0), 1_000_000, 500)


@pytest.mark.parametrize(
    "switch", ["", "drop", "drop=2", "drop=-1", "stall=100k", "slow=0", "disconnect=1.5", "melt=1"]
)
def test_switches_that_make_no_sense(switch: str) -> None:
    with pytest.raises(FaultError, match="not a fault") as error:
        parse_faults([switch])
    assert isinstance(error.value, UserError)
    assert "\n" not in str(error.value)
