"""Launch phase: the launch clock has the requested phase while `ready` is high, and moves only while it is low."""

from itertools import groupby
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from trelscope.gateware.guard import Guard
from trelscope.gateware.platform.clocks import STEPS_PER_NS
from trelscope.gateware.platform.launch import Launch, LaunchPhase, PhaseStep
from trelscope.gateware.protocol import CYCLE_NS
from trelscope.gateware.pulse import PulseTrain

from .primitives import falling
from .testbench import simulate

LEFT_BY_THE_HOST = 64
"""Cycles from a change of phase to the earliest launch."""


class Pll:
    """Model of the PLL: counts steps at falling edges of PHASESTEP, as its data sheet says."""

    def __init__(self) -> None:
        self.eighths = 0  # of its oscillator's period
        self.high = self.low = 99
        self.level, self.back = 1, 0

    def clock(self, step: int, back: int) -> None:
        """Advance by 8 ns, four periods of the oscillator."""
        if back != self.back:
            assert step, "the direction stands still around a step"
        if self.level and not step:
            assert self.high >= 1
            assert back == self.back, "and is there before it"
            self.eighths += -1 if back else 1
            self.low = 0
        if not self.level and step:
            assert self.low >= 1
            self.high = 0
        self.high += step
        self.low += not step
        self.level, self.back = step, back

    @property
    def ns(self) -> float:
        """Phase of the output in ns, modulo 8 ns."""
        return (self.eighths / STEPS_PER_NS) % 8


def play(phases: list[int]) -> list[int]:
    """Request phases one after the other. Returns the cycles that each took."""
    dut = LaunchPhase()
    took = []

    async def bench(ctx: Any) -> None:
        pll = Pll()
        for phase in phases:
            ctx.set(dut.coming, phase)
            for _ in range(2):
                pll.clock(*(await ctx.tick().sample(dut.step, dut.back))[2:])
            ctx.set(dut.change, 1)
            pll.clock(*(await ctx.tick().sample(dut.step, dut.back))[2:])
            ctx.set(dut.change, 0)
            ctx.set(dut.phase, phase)
            cycles = 0
            while not ctx.get(dut.ready):
                *_, step, back = await ctx.tick().sample(dut.step, dut.back)
                pll.clock(step, back)
                cycles += 1
                assert cycles < 200
            assert pll.ns == phase
            assert ctx.get(dut.late) == (phase >= 4)
            took.append(cycles)
            for _ in range(5):
                *_, step, back = await ctx.tick().sample(dut.step, dut.back)
                pll.clock(step, back)
            assert pll.ns == phase, "and it stays"

    simulate(dut, bench)
    return took


def test_the_round_of_eight_steps_forward_only() -> None:
    took = play([*range(8), *range(8), 0])
    assert took[0] == 0, "there from the beginning"
    assert max(took) <= 25


@pytest.mark.parametrize("first", range(8))
def test_every_move_is_in_time_for_the_launch(first: int) -> None:
    moves = [phase for other in range(8) for phase in (first, other)]
    assert max(play(moves)) <= LEFT_BY_THE_HOST


def test_a_gate_that_is_cut_off_is_low_at_the_pin_before_the_clock_moves() -> None:
    dut = LaunchPhase()
    moved: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.coming, 1)
        await ctx.tick().repeat(2)
        ctx.set(dut.change, 1)  # the last cycle of a period
        await ctx.tick()
        ctx.set(dut.change, 0)
        ctx.set(dut.phase, 1)
        cycle = 1
        while ctx.get(dut.step):
            await ctx.tick()
            cycle += 1
        moved.append(cycle)

    simulate(dut, bench)
    # The train's gate is high up to the third last cycle, -2, of its period.
    last_at_pin = -2 + PulseTrain.LATENCY - 1 + Guard.LATENCY + Launch.LATENCY
    low_ns = CYCLE_NS * (last_at_pin + 1) + CYCLE_NS - 1
    assert CYCLE_NS * moved[0] > low_ns + CYCLE_NS


def test_the_pll_has_12_ns_for_either_half_of_a_step() -> None:
    m = Module()
    falling(m, "sync")
    m.submodules.dut = dut = PhaseStep()
    levels: list[int] = []

    async def bench(ctx: Any) -> None:
        for step in ([1] * LaunchPhase.HIGH + [0] * LaunchPhase.LOW) * 6:
            ctx.set(dut.step, step)
            await ctx.tick("sync")

    async def scope(ctx: Any) -> None:
        while True:
            await ctx.delay(0.5e-9)
            levels.append(ctx.get(dut.pin))

    simulator = Simulator(m)
    simulator.add_clock(CYCLE_NS * 1e-9, domain="sync")
    simulator.add_testbench(bench)
    simulator.add_testbench(scope, background=True)
    simulator.run()
    lengths = [len(list(same)) / 2 for _, same in groupby(levels)][1:-1]
    assert set(lengths) == {12.0}
    assert len(lengths) >= 8


def test_a_change_in_mid_move_is_followed() -> None:
    dut = LaunchPhase()

    async def bench(ctx: Any) -> None:
        pll = Pll()
        for phase in (3, 1, 6):
            ctx.set(dut.coming, phase)
            for _ in range(2):
                pll.clock(*(await ctx.tick().sample(dut.step, dut.back))[2:])
            ctx.set(dut.change, 1)
            pll.clock(*(await ctx.tick().sample(dut.step, dut.back))[2:])
            ctx.set(dut.change, 0)
            ctx.set(dut.phase, phase)
            for _ in range(9):
                assert not ctx.get(dut.ready)
                *_, step, back = await ctx.tick().sample(dut.step, dut.back)
                pll.clock(step, back)
        while not ctx.get(dut.ready):
            *_, step, back = await ctx.tick().sample(dut.step, dut.back)
            pll.clock(step, back)
        assert pll.ns == 6

    simulate(dut, bench)
