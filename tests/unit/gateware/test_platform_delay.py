"""Delay cells of the ADC's pins: they arrive where they are wanted, and no control changes while another acts."""

from typing import Any

import pytest

from trelscope.gateware.platform.delay import DEFAULT, DelaySteps
from trelscope.gateware.protocol import ADC_DELAY_BITS

from .testbench import simulate

LONGEST = 1500
MOST = (1 << ADC_DELAY_BITS) - 1


class Cell:
    """DELAYF: loads its default while LOADN is low, and moves by a tap at each falling edge of MOVE."""

    def __init__(self, taps: int) -> None:
        self.taps = taps
        self.before = (1, 0, 0)
        self.since = DelaySteps.HOLD  # cycles since any of them has changed

    def see(self, now: tuple[int, int, int]) -> None:
        if now != self.before:
            assert self.since >= DelaySteps.HOLD
            assert sum(a != b for a, b in zip(now, self.before, strict=True)) == 1
            self.since = 0
        self.since += 1
        loadn, move, back = now
        if not loadn:
            self.taps = DEFAULT
        elif self.before[1] and not move:
            self.taps += -1 if back else 1
            assert 0 <= self.taps <= MOST
        self.before = now


@pytest.mark.parametrize("wanted", [[0], [MOST], [DEFAULT + 1, DEFAULT - 1, MOST, 0, DEFAULT]])
@pytest.mark.parametrize("lost", [0, 3])
def test_cells_arrive(wanted: list[int], lost: int) -> None:
    """Wherever they were: `lost` taps off, from the move before."""
    dut = DelaySteps()

    async def bench(ctx: Any) -> None:
        cell = Cell(DEFAULT)
        for taps in wanted:
            cell.taps += lost
            ctx.set(dut.taps, taps)
            for _ in range(LONGEST):
                await ctx.tick()
                cell.see((ctx.get(dut.loadn), ctx.get(dut.move), ctx.get(dut.back)))
            assert cell.taps == taps

    simulate(dut, bench)


def test_they_stay_where_they_are() -> None:
    dut = DelaySteps()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.taps, DEFAULT)
        for _ in range(100):
            await ctx.tick()
            assert ctx.get(dut.loadn)
            assert not ctx.get(dut.move)

    simulate(dut, bench)
