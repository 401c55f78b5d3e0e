"""Time tags: every photon has a word or, while the queues are full, is counted as missed."""

import random
from dataclasses import dataclass

import pytest
from amaranth.sim import Simulator, SimulatorContext

from tests.tags import Missed, OverflowBegins, Photon, read
from trelscope.gateware.tags.queue import CYCLE_BITS
from trelscope.gateware.tags.timetags import TimeTags
from trelscope.gateware.tags.wire import TAG_HEAD, WORD_BYTES, WORDS_PER_PACKET

LONG = (1 << CYCLE_BITS) - 1000  # cycles: a period of a second


@dataclass
class Case:
    """A stream of photons. rate: share of cycles that have some. ready: share in which the link takes a byte."""

    rate: float
    ready: float
    cycles: int = 5000
    period: int = 100  # cycles
    skipped: int = 1  # pulses from a period to the next
    first: int = 0  # cycle of the period in which it begins
    single: bool = False  # one photon a cycle at most
    overflows: bool = False


CASES = {
    "sparse": Case(0.02, 1.0),
    "bursts": Case(0.06, 1.0),
    "too many": Case(0.5, 0.7, overflows=True),
    "far too many": Case(1.0, 0.5, overflows=True),
    "one each": Case(0.15, 0.97, single=True),
    "pulses without a photon": Case(0.03, 1.0, period=7, skipped=511),
    "more of them": Case(0.03, 1.0, period=7, skipped=512),
    "so many that a word does not hold them": Case(0.03, 1.0, period=1000, skipped=(1 << 31) + 5),
    "late": Case(0.02, 1.0, period=1 << 20, first=(1 << 18) - 1000),
    "very late": Case(0.03, 1.0, period=1 << 20, first=LONG, cycles=900),
    "missed when late": Case(0.5, 0.3, period=1 << 20, first=(1 << 18) - 1000, overflows=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_words_and_missed_photons_add_up(case: Case) -> None:
    rng = random.Random(1)
    dut = TimeTags()
    shown: list[Photon] = []
    packets: list[bytes] = []
    counted = 0

    async def detector(ctx: SimulatorContext) -> None:
        nonlocal counted
        ctx.set(dut.train, 7)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ctx.set(dut.enable, 1)
        for n in range(case.cycles):
            lanes = rng.getrandbits(8) if rng.random() < case.rate else 0
            if case.single:
                lanes &= -lanes
            pulse, cycle = divmod(n, case.period)
            pulse = pulse * case.skipped & 0xFFFFFFFF
            for port, value in zip(
                (dut.pulse, dut.cycle, dut.photons), (pulse, cycle + case.first, lanes), strict=True
            ):
                ctx.set(port, value)
            ctx.set(dut.flush, n % 500 < 20)
            shown.extend(
                Photon(pulse, 8 * (cycle + case.first) + j) for j in range(8) if lanes >> j & 1
            )
            await ctx.tick()
        ctx.set(dut.photons, 0)
        ctx.set(dut.flush, 1)
        await ctx.tick().until(dut.idle)
        counted = ctx.get(dut.count)

    async def framer(ctx: SimulatorContext) -> None:
        ctx.set(dut.packet.ready, 1)
        packet = bytearray()
        while True:
            ctx.set(dut.payload.ready, rng.random() < case.ready)
            if ctx.get(dut.packet.valid):
                assert not packet
                length = ctx.get(dut.packet.p.length)
            if ctx.get(dut.payload.valid & dut.payload.ready):
                packet.append(ctx.get(dut.payload.payload))
                if len(packet) == length:
                    packets.append(bytes(packet))
                    packet.clear()
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(8e-9)
    simulator.add_testbench(detector)
    simulator.add_testbench(framer, background=True)
    simulator.run()

    assert max(map(len, packets)) <= TAG_HEAD.size + WORDS_PER_PACKET * WORD_BYTES
    assert len(shown) > 50
    assert counted == len(shown)
    position = missed = 0
    overflow = False
    for n, packet in enumerate(packets):
        head = TAG_HEAD.unpack(packet)
        assert (head["train"], head["photons"]) == (7, position), n
        for what in read(packet):
            match what:
                case OverflowBegins():
                    assert not overflow
                    assert what.pulse == shown[position].pulse
                case Missed():
                    assert overflow
                    position += what.photons
                    missed += what.photons
                    assert what.pulse == shown[position - 1].pulse
                case Photon():
                    assert not overflow
                    assert what == shown[position], (n, position)
                    position += 1
            overflow = isinstance(what, OverflowBegins)
    assert not overflow
    assert position == len(shown)
    assert (missed > 0) == case.overflows
