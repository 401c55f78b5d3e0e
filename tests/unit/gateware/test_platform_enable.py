"""Output enable: the guard's gate goes low first, the device is discharged, and then the switch is disabled."""

from typing import Any

from amaranth.hdl import Module

from trelscope.gateware.guard import Guard
from trelscope.gateware.platform.enable import OutputEnable

from .testbench import simulate


def test_after_a_trip_the_gate_falls_first_and_the_switch_is_disabled_5_us_later() -> None:
    m = Module()
    m.submodules.guard = guard = Guard()
    m.submodules.dut = dut = OutputEnable()
    m.d.comb += dut.level.eq(guard.level)

    async def bench(ctx: Any) -> None:
        ctx.set(guard.gate_in, 0b11)
        ctx.set(guard.enable, 1)
        await ctx.tick().repeat(2 * OutputEnable.DRAIN)
        assert not ctx.get(dut.enable), "no level, no switch"
        ctx.set(guard.level_in, 10_000)
        await ctx.tick().repeat(10)
        assert ctx.get(dut.enable)
        assert ctx.get(guard.gate)
        ctx.set(guard.trip, 1)
        await ctx.tick()
        assert not ctx.get(guard.gate)
        for _ in range(OutputEnable.DRAIN):
            assert ctx.get(dut.enable)
            await ctx.tick()
        await ctx.tick().repeat(4)
        assert not ctx.get(dut.enable)

    simulate(m, bench)
