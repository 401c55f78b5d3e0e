"""Time tags: every photon has a record or, while the queue is full, is counted as missed."""

import random

import pytest
from amaranth.sim import Simulator, SimulatorContext

from trelscope.gateware import protocol
from trelscope.gateware.protocol import TIME_TAG, TagKind
from trelscope.gateware.timetags import TimeTags


@pytest.mark.parametrize(
    ("rate", "ready", "overflows"),
    [(0.05, 1.0, False), (0.09, 1.0, False), (0.5, 0.7, True), (1.0, 0.5, True)],
)
def test_stamps_and_missed_photons_add_up(rate: float, ready: float, overflows: bool) -> None:
    rng = random.Random(int(100 * rate))
    dut = TimeTags()
    shown: list[tuple[int, int, int]] = []
    sent = bytearray()
    lengths: list[int] = []

    async def detector(ctx: SimulatorContext) -> None:
        ctx.set(dut.enable, 1)
        for n in range(5000):
            lanes = rng.getrandbits(8) if rng.random() < rate else 0
            stamp = n // 100, (n % 100) * 8 - 50, lanes
            for port, value in zip((dut.pulse, dut.t_ns, dut.photons), stamp, strict=True):
                ctx.set(port, value)
            ctx.set(dut.flush, n % 500 < 20)
            if lanes:
                shown.append(stamp)
            await ctx.tick()
        ctx.set(dut.photons, 0)
        ctx.set(dut.flush, 1)
        await ctx.tick().until(dut.idle)

    async def framer(ctx: SimulatorContext) -> None:
        ctx.set(dut.packet.ready, 1)
        while True:
            ctx.set(dut.payload.ready, rng.random() < ready)
            if ctx.get(dut.packet.valid):
                lengths.append(ctx.get(dut.packet.p.length))
            if ctx.get(dut.payload.valid & dut.payload.ready):
                sent.append(ctx.get(dut.payload.payload))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(8e-9)
    simulator.add_testbench(detector)
    simulator.add_testbench(framer, background=True)
    simulator.run()

    assert sum(lengths) == len(sent)
    assert max(lengths) <= protocol.TAGS_PER_PACKET * TIME_TAG.size
    kept = iter(shown)
    announced = unseen = 0
    overflow = False
    begun = 0
    for at in range(0, len(sent), TIME_TAG.size):
        tag = TIME_TAG.unpack(sent[at:])
        if tag["kind"] == TagKind.PHOTONS:
            assert not overflow
            t_ns = tag["t_ns"] - ((tag["t_ns"] >> 31) << 32)
            while (stamp := next(kept)) != (tag["pulse"], t_ns, tag["lanes"]):
                unseen += stamp[2].bit_count()
            assert unseen == announced  # exactly the photons between two kept ones
        elif tag["kind"] == TagKind.OVERFLOW_BEGIN:
            overflow = True
            begun += 1
        else:
            assert overflow
            overflow = False
            announced += tag["t_ns"]
    unseen += sum(lanes.bit_count() for _, _, lanes in kept)
    assert unseen == announced
    assert not overflow
    assert (begun > 0) == overflows
