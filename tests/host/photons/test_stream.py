"""Packets to stamps: exact, whatever is lost on the way."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trelscope.host.photons.chunk import Chunk, Why, joined
from trelscope.host.photons.stream import TagStream
from trelscope.host.photons.timing import Timing

from .wire import HEAD, Sender

TIMING = Timing(
    period=1250, period_num=1, period_den=3, dither=8, launch_ns=528, rate=1e5, origin_ns=112
)
SLOW = Timing(
    period=100_000_000,
    period_num=0,
    period_den=1,
    dither=8,
    launch_ns=528,
    rate=1.25,
    origin_ns=112,
)

Photons = list[tuple[int, int]]  # pulse, ns within its period


def stamps(chunks: Sequence[Chunk]) -> Photons:
    """As the sender was given them."""
    return [
        (int(pulse), int(ns) + 640 + int(pulse) % 8)
        for chunk in chunks
        for pulse, ns in zip(chunk.pulse, chunk.ns, strict=True)
    ]


def send(photons: Photons, most: int = 64, timing: Timing = TIMING) -> tuple[Sender, TagStream]:
    sender = Sender(most=most)
    for pulse, ns in photons:
        sender.photon(pulse, ns)
    sender.flush()
    return sender, TagStream(1, timing)


def some(seed: int, photons: int, step: int, period: int = 10_000) -> Photons:
    rng = np.random.default_rng(seed)
    pulses = np.cumsum(rng.integers(0, step + 1, photons))
    found = zip(pulses, rng.integers(0, period, photons), strict=True)
    return sorted((int(pulse), int(ns)) for pulse, ns in found)


@pytest.mark.parametrize("step", [0, 1, 500, 3000])
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_every_photon_gets_its_pulse_and_ns(step: int, batch: int) -> None:
    photons = some(1, 1000, step)
    sender, stream = send(photons)
    chunks = []
    for n in range(0, len(sender.packets), batch):
        chunks += stream.add(sender.packets[n : n + batch])
    chunks += stream.finish(photons[-1][0] + 5, len(photons))
    assert stamps(chunks) == photons
    account = stream.accounting
    assert account.photons_seen == account.photons_stamped == len(photons)
    assert account.pulses_emitted == photons[-1][0] + 5
    assert chunks[0].first == 0
    assert chunks[-1].end == photons[-1][0] + 5
    for one, next_ in pairwise(chunks):
        assert one.end == next_.first
        assert next_.pulse.size == 0 or next_.pulse[0] >= next_.first
    assert not any(chunk.gaps or chunk.broken.size for chunk in chunks)


def test_photons_long_after_their_pulse() -> None:
    photons = some(2, 500, 2, 800_000_000)
    for most in (1, 2, 3, 64):
        sender, stream = send(photons, most, SLOW)
        chunks = stream.add(sender.packets)
        chunks += stream.finish(photons[-1][0] + 1, len(photons))
        assert stamps(chunks) == photons


@given(st.data())
def test_what_is_lost_shifts_nothing_and_is_counted(data: st.DataObject) -> None:
    photons = some(data.draw(st.integers(0, 99)), 200, data.draw(st.sampled_from([0, 1, 5, 900])))
    sender, stream = send(photons, data.draw(st.integers(1, 20)))
    count = len(sender.packets)
    arrived = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    cut = data.draw(st.integers(1, 5))
    kept = [packet for packet, there in zip(sender.packets, arrived, strict=True) if there]
    chunks = []
    for n in range(0, len(kept), cut):
        chunks += stream.add(kept[n : n + cut])
    pulses = photons[-1][0] + 1
    chunks += stream.finish(pulses, len(photons))

    ends = np.cumsum(sender.held)
    wanted = [
        photon
        for there, held, end in zip(arrived, sender.held, ends, strict=True)
        for photon in photons[end - held : end]
        if there
    ]
    assert stamps(chunks) == wanted
    account = stream.accounting
    assert account.photons_lost == len(photons) - len(wanted)
    assert account.photons_seen == len(photons)
    assert sum(gap.photons or 0 for chunk in chunks for gap in chunk.gaps) == account.photons_lost
    # Pulses that are said to be whole are.
    whole = [chunk.whole() for chunk in chunks]
    broken = {p for c in chunks for first, last in c.broken for p in range(first, last + 1)}
    assert stamps(whole) == [photon for photon in photons if photon[0] not in broken]
    assert sum(chunk.whole_pulses for chunk in chunks) == pulses - len(broken)
    assert all(chunk.whole_pulses >= 0 for chunk in chunks)
    gaps = [gap for chunk in chunks for gap in chunk.gaps]
    for gap in gaps:
        inside = [photon for photon in photons if gap.first <= photon[0] <= gap.last]
        assert len(inside) >= (gap.photons or 0)


def test_photons_that_the_instrument_missed() -> None:
    sender, stream = Sender(most=3), TagStream(1, TIMING)
    sender.photon(0, 100)
    sender.photon(3, 100)
    sender.full(3)
    sender.missed(700, 2**29 + 5)
    sender.photon(700, 9000)
    sender.photon(702, 9000)
    sender.full(702)
    sender.missed(702, 1)
    sender.photon(703, 1)
    chunks = []
    for packet in sender.flush():
        chunks += stream.add([packet])
    chunks += stream.finish(705, sender.photons)
    assert stamps(chunks) == [(0, 100), (3, 100), (700, 9000), (702, 9000), (703, 1)]
    account = stream.accounting
    assert account.photons_missed == 2**29 + 6
    assert account.photons_lost == 0
    assert account.photons_seen == sender.photons
    assert {gap.why for chunk in chunks for gap in chunk.gaps} == {Why.MISSED}
    whole = joined(chunks).whole()
    assert stamps([whole]) == [(0, 100), (703, 1)]
    assert joined(chunks).whole_pulses == 705 - 698 - 1
    assert whole.between(1, 703).pulse.size == 0


def test_an_overflow_whose_end_is_lost() -> None:
    sender, stream = Sender(most=2), TagStream(1, TIMING)
    sender.photon(0, 1)
    sender.full(0)
    sender.missed(5, 10)
    sender.photon(5, 1)
    sender.photon(6, 1)
    sender.photon(8, 1)
    sender.flush()
    chunks = [c for n in (0, 2) for c in stream.add([sender.packets[n]])]
    chunks += stream.finish(9, sender.photons)
    assert stamps(chunks) == [(0, 1), (5, 1), (6, 1)]
    assert stream.accounting.photons_lost == 11
    assert joined(chunks).broken.tolist() == [[0, 5], [6, 8]]


def test_counters_that_wrap_around() -> None:
    start = 2**32 - 3
    sender, stream = Sender(most=2), TagStream(1, TIMING)
    sender.missed(0, 2**32 - 2)
    for pulse in range(start, start + 9):
        sender.photon(pulse, 7)
    sender.flush()
    sender.packets.pop(-2)
    after, lost = sender.held[-1], sender.held[-2]
    chunks = [chunk for packet in sender.packets for chunk in stream.add([packet])]
    chunks += stream.finish((start + 9) % 2**32, (2**32 - 2 + 9) % 2**32)
    sent = list(range(start, start + 9))
    assert [p for p, _ in stamps(chunks)] == sent[: 9 - after - lost] + sent[9 - after :]
    account = stream.accounting
    assert account.photons_lost == lost > 0
    assert account.photons_missed == 2**32 - 2
    assert account.pulses_emitted == start + 9


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packet: packet[: HEAD - 1],
        lambda packet: packet[:-1],
        lambda packet: packet[:HEAD] + bytes.fromhex("00020080") + packet[HEAD + 4 :],
        lambda packet: packet[:HEAD] + bytes.fromhex("010000c0") + packet[HEAD + 4 :],
        lambda packet: packet[:HEAD] + bytes.fromhex("ffff1f00") + packet[HEAD + 4 :],
        lambda packet: packet[:4] + bytes.fromhex("ffffffff") + packet[8:],
        lambda packet: packet[:8] + bytes.fromhex("ffffffff") + packet[12:],
    ],
    ids=["head", "word", "late", "overflow", "longer than a period", "pulse", "photons"],
)
def test_a_packet_that_no_instrument_sends_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    photons = some(3, 60, 2)
    sender, stream = send(photons, most=10)
    packets = list(sender.packets)
    packets[2] = spoil(packets[2])
    chunks = stream.add(packets)
    chunks += stream.finish(photons[-1][0] + 1, len(photons))
    assert stream.accounting.packets_refused == 1
    assert stream.accounting.photons_lost == 10
    assert stamps(chunks) == photons[:20] + photons[30:]


def test_packets_of_another_train_and_packets_twice() -> None:
    photons = some(4, 40, 2)
    sender, stream = send(photons, most=10)
    before = Sender(train=0)
    before.photon(77, 1)
    chunks = stream.add([*before.flush(), *sender.packets])
    assert stream.accounting.packets_refused == 0
    chunks += stream.add(sender.packets[1:2])
    assert stream.accounting.packets_refused == 1
    chunks += stream.finish(photons[-1][0] + 1, len(photons))
    assert stamps(chunks) == photons


def test_the_end_of_a_train_that_cannot_be_asked() -> None:
    photons = some(5, 40, 2)
    sender, stream = send(photons)
    chunks = stream.add(sender.packets)
    chunks += stream.finish(0, None)
    assert stamps(chunks) == photons
    last = photons[-1][0]
    assert joined(chunks).broken.tolist() == [[last, last]], "it may have had more"


def test_a_number_of_photons_below_that_of_the_stamps_is_not_believed() -> None:
    photons = some(6, 40, 2)
    sender, stream = send(photons)
    chunks = stream.add(sender.packets) + stream.finish(photons[-1][0] + 3, 39)
    assert stamps(chunks) == photons
    assert stream.accounting.packets_refused == 1
    last = photons[-1][0]
    assert joined(chunks).broken.tolist() == [[last, last + 2]]


def test_an_overflow_whose_beginning_is_lost() -> None:
    sender, stream = Sender(most=4), TagStream(1, TIMING)
    for pulse in (0, 1, 2, 2):
        sender.photon(pulse, 5)
    for pulse in (2, 3, 3):
        sender.photon(pulse, 6)
    sender.full(3)
    sender.missed(5, 10)
    sender.photon(6, 7)
    sender.photon(8, 7)
    for _ in range(4):
        sender.photon(9, 7)
    sender.photon(11, 7)
    first, _, third, _, last = sender.flush()
    chunks = stream.add([first, third, last]) + stream.finish(12, sender.photons)
    gaps = [(gap.why, gap.first, gap.last, gap.photons) for c in chunks for gap in c.gaps]
    assert gaps == [(Why.LOST, 2, 3, 3), (Why.MISSED, 2, 5, 10), (Why.LOST, 8, 9, 4)]
    assert stamps([chunk.whole() for chunk in chunks]) == [(0, 5), (1, 5), (6, 7), (11, 7)]
