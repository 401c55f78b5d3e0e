"""Guard: which outputs it passes on, and what trips it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trelscope.gateware import guard
from trelscope.gateware.guard import Guard
from trelscope.gateware.protocol import LEVEL_MAX, LEVEL_MIN, Trip

from .testbench import simulate

LIMIT = 40
"""Cycles of WIDTH_LIMIT in these tests; the real one takes 237 500."""


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(guard, "WIDTH_LIMIT", LIMIT)


async def on(dut, ctx, level=10_000):
    ctx.set(dut.enable, 1)
    ctx.set(dut.level_in, level)
    await ctx.tick()


async def drive(dut, ctx, gates):
    """Apply one `gate_in` per cycle. Returns (gate, level, cause) of the cycle after each."""
    seen = []
    for gate in gates:
        ctx.set(dut.gate_in, gate)
        await ctx.tick()
        seen.append((ctx.get(dut.gate), ctx.get(dut.level), ctx.get(dut.cause)))
    return seen


def test_level_is_clamped():
    dut = Guard()
    around = [edge + d for edge in (LEVEL_MIN, LEVEL_MAX) for d in range(-3, 4)]
    codes = sorted({0, 1, 2, 4095, 8191, 8192, 16382, 16383, *around, *range(0, 1 << 14, 97)})

    async def bench(ctx):
        await on(dut, ctx)
        ctx.set(dut.gate_in, 3)
        for code in codes:
            ctx.set(dut.level_in, code)
            await ctx.tick()
            clamped = ctx.get(dut.clamped)
            await ctx.tick()
            allowed = 0 if code == 0 else min(max(code, 6_000), 14_000)
            assert ctx.get(dut.level) == allowed, code
            assert clamped == (allowed != code), code
            assert ctx.get(dut.gate) == (3 if code else 0), code

    simulate(dut, bench)


def test_off_from_reset_until_enabled():
    dut = Guard()

    async def bench(ctx):
        ctx.set(dut.level_in, 10_000)
        assert ctx.get(dut.gate) == ctx.get(dut.level) == 0
        assert set(await drive(dut, ctx, [3, 1, 2, 3])) == {(0, 0, 0)}
        assert not ctx.get(dut.driving)
        ctx.set(dut.enable, 1)
        assert await drive(dut, ctx, [3, 1, 2, 0]) == [(g, 10_000, 0) for g in (3, 1, 2, 0)]
        assert ctx.get(dut.driving)
        ctx.set(dut.enable, 0)
        assert await drive(dut, ctx, [3]) == [(0, 0, 0)]

    simulate(dut, bench)


@pytest.mark.parametrize(("port", "cause"), [("trip", Trip.EXTERNAL), ("phase_fault", Trip.PHASE)])
def test_trip_latches_until_acknowledged(port, cause):
    dut = Guard()

    async def bench(ctx):
        await on(dut, ctx)
        assert await drive(dut, ctx, [3]) == [(3, 10_000, 0)]
        ctx.set(getattr(dut, port), 1)
        assert ctx.get(dut.tripped)
        assert not ctx.get(dut.driving)
        assert await drive(dut, ctx, [3]) == [(0, 0, cause)]
        ctx.set(dut.acknowledge, 0xFF)
        assert await drive(dut, ctx, [3]) == [(0, 0, cause)], "still there"
        ctx.set(dut.acknowledge, 0)
        ctx.set(getattr(dut, port), 0)
        ctx.set(dut.enable, 0)
        await ctx.tick()
        ctx.set(dut.enable, 1)
        assert set(await drive(dut, ctx, [3] * 20)) == {(0, 0, cause)}
        ctx.set(dut.acknowledge, 0xFF & ~cause)
        assert set(await drive(dut, ctx, [3] * 3)) == {(0, 0, cause)}, "not the right bit"
        ctx.set(dut.acknowledge, cause)
        assert await drive(dut, ctx, [3]) == [(0, 0, 0)]
        ctx.set(dut.acknowledge, 0)
        assert await drive(dut, ctx, [3, 3]) == [(0, 0, 0), (3, 10_000, 0)], "and a cycle more"

    simulate(dut, bench)


def test_causes_add_up():
    dut = Guard()

    async def bench(ctx):
        await on(dut, ctx)
        for port in ("trip", "phase_fault"):
            ctx.set(getattr(dut, port), 1)
            await ctx.tick()
            ctx.set(getattr(dut, port), 0)
        assert (await drive(dut, ctx, [0]))[0][2] == Trip.EXTERNAL | Trip.PHASE
        ctx.set(dut.acknowledge, Trip.EXTERNAL)
        assert await drive(dut, ctx, [3]) == [(0, 0, Trip.PHASE)]

    simulate(dut, bench)


def test_watchdog():
    dut = Guard()
    silence = 20

    async def bench(ctx):
        await on(dut, ctx)
        ctx.set(dut.gate_in, 3)
        await ctx.tick().repeat(3 * silence)
        assert ctx.get(dut.driving), "0 does not watch"
        ctx.set(dut.watchdog, silence)
        for _ in range(5):
            ctx.set(dut.alive, 1)
            await ctx.tick()
            ctx.set(dut.alive, 0)
            for _ in range(silence - 1):
                assert ctx.get(dut.driving)
                await ctx.tick()
        for _ in range(2):
            assert ctx.get(dut.driving)
            await ctx.tick()
        assert not ctx.get(dut.driving)
        assert await drive(dut, ctx, [3]) == [(0, 0, Trip.WATCHDOG)]
        ctx.set(dut.alive, 1)
        assert set(await drive(dut, ctx, [3] * 5)) == {(0, 0, Trip.WATCHDOG)}, "latched"
        # With the output off nobody need be there; the time counts from the moment it is on.
        ctx.set(dut.alive, 0)
        ctx.set(dut.enable, 0)
        ctx.set(dut.acknowledge, Trip.WATCHDOG)
        await ctx.tick()
        ctx.set(dut.acknowledge, 0)
        assert set(await drive(dut, ctx, [3] * 3 * silence)) == {(0, 0, 0)}
        ctx.set(dut.enable, 1)
        assert set(await drive(dut, ctx, [3] * silence)) == {(3, 10_000, 0)}
        assert await drive(dut, ctx, [3]) == [(0, 0, Trip.WATCHDOG)]

    simulate(dut, bench)


@pytest.mark.usefixtures("short_limit")
@pytest.mark.parametrize("gate", [1, 2, 3])
def test_width_limit(gate):
    dut = Guard()

    async def bench(ctx):
        await on(dut, ctx)
        rest = [0] * LIMIT
        for width in range(1, LIMIT):
            seen = await drive(dut, ctx, [gate] * width + rest)
            assert [g for g, _, _ in seen] == [gate] * width + rest, width
        seen = await drive(dut, ctx, [gate] * (LIMIT + 5))
        assert [g for g, _, _ in seen] == [gate] * LIMIT + [0] * 5
        assert seen[-1][2] & Trip.WIDTH

    simulate(dut, bench)


@pytest.mark.usefixtures("short_limit")
def test_duty_limit():
    dut = Guard()

    async def bench(ctx):
        await on(dut, ctx)
        seen = await drive(dut, ctx, ([3] * 15 + [0]) * 60)
        assert not any(cause for _, _, cause in seen), "15/16 is allowed"
        await drive(dut, ctx, [0] * LIMIT)
        seen = await drive(dut, ctx, ([1] * 16 + [0]) * 60)
        assert seen[-1] == (0, 0, Trip.DUTY)
        tripped = next(n for n, (_, _, cause) in enumerate(seen) if cause)
        assert tripped == (LIMIT - 16) * 17 + 16, "one cycle too much in every seventeen"

    simulate(dut, bench)


@pytest.mark.usefixtures("short_limit")
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), min_size=5, max_size=30))
def test_exposure_is_counted_cycle_by_cycle(pulses):
    """Exposure agrees with a model: it increases by 1 while the gate is high, decreases by 15 while it is low, and
    trips at the limit."""
    dut = Guard()
    gates = [g for high, low in pulses for g in [3] * high + [0] * low]
    exposure, tripped, expected = 0, False, []
    for gate in gates:
        out = 0 if tripped else gate
        expected.append(out)
        exposure = exposure + 1 if out else max(exposure - 15, 0)
        tripped |= exposure >= LIMIT

    async def bench(ctx):
        await on(dut, ctx)
        assert [g for g, _, _ in await drive(dut, ctx, gates)] == expected

    simulate(dut, bench)


def test_the_real_limits():
    assert guard.WIDTH_LIMIT * 8 == 1_900_000
    assert guard.RECOVERY == 15
