"""Sampling window: the bin that each sample belongs to."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trelscope.gateware.window import Window

from .testbench import simulate

DEPTH = 256


def bin_of(cycle: int, delay: int, latency: int, step: int, start: int, shift: int) -> int:
    """Time of the sample in cycle `cycle` of a period, in bins from the start of the window."""
    launch_ns = 8 * (delay + latency) + step
    return (8 * cycle - launch_ns - start) // 2**shift


@settings(max_examples=60, deadline=None)
@given(
    delay=st.integers(0, 40),
    latency=st.integers(0, 6),
    start=st.integers(-500, 700),
    bins=st.integers(0, DEPTH),
    shift=st.integers(0, 10),
    periods=st.lists(st.tuples(st.integers(20, 150), st.integers(0, 63)), min_size=1, max_size=5),
)
def test_bins_follow_the_formula(delay, latency, start, bins, shift, periods):
    dut = Window(DEPTH, latency)

    async def bench(ctx):
        ctx.set(
            dut.settings,
            {"delay": delay, "window_start": start, "window_bins": bins, "bin_shift": shift},
        )
        ctx.set(dut.prepare, 1)
        await ctx.tick()
        ctx.set(dut.prepare, 0)
        ctx.set(dut.settings, {})  # latched
        ctx.set(dut.settings, {"window_bins": bins, "bin_shift": shift})  # these stay in use
        assert not ctx.get(dut.valid)
        steps = [0, *(step for _, step in periods[1:])]
        ctx.set(dut.begin, 1)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for k, (length, _) in enumerate(periods):
            step = steps[k]
            ctx.set(dut.next_dither, [*steps, 0][k + 1])
            for cycle in range(length):
                last = cycle == length - 1
                more = last and k + 1 < len(periods)
                ctx.set(dut.begin, more)
                ctx.set(dut.close, last and not more)
                expected = bin_of(cycle, delay, latency, step, start, shift)
                assert ctx.get(dut.valid) == (0 <= expected < bins), (k, cycle)
                if ctx.get(dut.valid):
                    assert ctx.get(dut.bin) == expected, (k, cycle)
                else:
                    assert expected < 0 or expected >= bins
                await ctx.tick()
        ctx.set(dut.close, 0)
        for _ in range(100):
            assert not ctx.get(dut.valid), "the train is over"
            assert not ctx.get(dut.open)
            await ctx.tick()

    simulate(dut, bench)


def test_eight_launch_steps_fill_every_nanosecond():
    """The samples of eight pulses are 8 ns apart and their launches 1 ns, so together they fill bins of 1 ns."""
    dut = Window(DEPTH, 2)
    seen = []

    async def bench(ctx):
        ctx.set(dut.settings, {"delay": 5, "window_bins": 80})
        ctx.set(dut.prepare, 1)
        await ctx.tick()
        ctx.set(dut.prepare, 0)
        for step in range(8):
            ctx.set(dut.begin, 1)
            ctx.set(dut.start, step == 0)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            ctx.set(dut.next_dither, step + 1)
            for _ in range(40):
                if ctx.get(dut.valid):
                    seen.append(ctx.get(dut.bin))
                await ctx.tick()

    simulate(dut, bench)
    assert sorted(seen) == list(range(80))
