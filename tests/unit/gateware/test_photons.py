"""Photon rows: every photon is counted in its bin, for all positions of the lanes and all bin widths."""

import random
from collections import Counter

import pytest
from amaranth.sim import Simulator, SimulatorContext

from trelscope.gateware.photons import PhotonRows
from trelscope.gateware.protocol import CYCLE_NS


@pytest.mark.parametrize("bin_shift", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("seed", range(4))
def test_every_photon_is_counted_once_in_its_bin(bin_shift: int, seed: int) -> None:
    rng = random.Random(100 * bin_shift + seed)
    dut = PhotonRows(depth=256)
    bins = rng.randint(1, 60)
    length = bins << bin_shift
    expected: Counter[tuple[int, int]] = Counter()
    counted: Counter[tuple[int, int]] = Counter()
    handed_on: Counter[tuple[int, int]] = Counter()  # (pulse, row)

    async def bench(ctx: SimulatorContext) -> None:
        async def tick(pulse: int) -> None:
            if ctx.get(dut.update):
                row, buffer = ctx.get(dut.row), ctx.get(dut.update_buffer)
                handed_on[pulse, row] += 1
                for lane in range(CYCLE_NS):
                    counted[buffer, row * CYCLE_NS + lane] += ctx.get(dut.counts[lane])
            await ctx.tick()

        ctx.set(dut.bin_shift, bin_shift)
        ctx.set(dut.window_bins, bins)
        await ctx.tick()
        for pulse in range(3):
            buffer = pulse & 1
            ctx.set(dut.flush, 0)
            ctx.set(dut.active, 1)
            ctx.set(dut.buffer, buffer)
            for elapsed in range(-rng.randint(0, 30), length + 16, CYCLE_NS):
                photons = rng.choice([0, 0xFF, rng.getrandbits(CYCLE_NS)])
                ctx.set(dut.elapsed, elapsed)
                ctx.set(dut.photons, photons)
                for lane in range(CYCLE_NS):
                    if photons >> lane & 1 and 0 <= elapsed + lane < length:
                        expected[buffer, (elapsed + lane) >> bin_shift] += 1
                await tick(pulse)
            ctx.set(dut.active, 0)
            ctx.set(dut.flush, 1)
            while not ctx.get(dut.empty):
                await tick(pulse)

    simulator = Simulator(dut)
    simulator.add_clock(8e-9)
    simulator.add_testbench(bench)
    simulator.run()
    assert +counted == expected
    assert expected.total() > 10
    assert max(handed_on.values()) == 1  # the memory's pipeline must not meet a row twice
