"""Boxcar: samples of one bin are summed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trelscope.gateware.boxcar import BURST_BITS, Boxcar
from trelscope.gateware.protocol import MAX_BIN_SHIFT, SAMPLE_BITS

from .testbench import simulate

DEPTH = 64
CHANNELS = 2

code = st.integers(0, (1 << SAMPLE_BITS) - 1)
sample = st.tuples(code, code)
# A pulse: which buffer, its bins in rising order with their samples, idle cycles before each sample and at the end.
bins = st.dictionaries(
    st.integers(0, DEPTH - 1),
    st.lists(st.tuples(sample, st.integers(0, 2)), min_size=1, max_size=6),
    max_size=6,
).map(lambda found: sorted(found.items()))
pulse = st.tuples(st.integers(0, 1), bins, st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@given(st.lists(pulse, min_size=1, max_size=6))
def test_every_sample_counts_and_every_bin_comes_once(pulses):
    dut = Boxcar(DEPTH, CHANNELS)
    updates = []

    async def bench(ctx):
        async def cycle():
            if ctx.get(dut.update):
                updates.append(
                    (
                        ctx.get(dut.update_buffer),
                        ctx.get(dut.update_bin),
                        *(ctx.get(dut.sums[n]) for n in range(CHANNELS)),
                    )
                )
            await ctx.tick()

        for buffer, contents, rest in pulses:
            for number, samples in contents:
                for codes, idle in samples:
                    ctx.set(dut.flush, 0)
                    for _ in range(idle):  # an ADC that is slower than the clock
                        await cycle()
                    ctx.set(dut.valid, 1)
                    ctx.set(dut.bin, number)
                    ctx.set(dut.buffer, buffer)
                    ctx.set(dut.samples, codes)
                    await cycle()
                    ctx.set(dut.valid, 0)
                    ctx.set(dut.samples, (1, 1))
            ctx.set(dut.flush, 1)
            for _ in range(rest):
                await cycle()
            assert ctx.get(dut.empty) or rest < 2
        await cycle()
        assert ctx.get(dut.empty)

    simulate(dut, bench)
    assert updates == [
        (buffer, number, *(sum(codes[n] for codes, _ in samples) for n in range(CHANNELS)))
        for buffer, contents, _ in pulses
        for number, samples in contents
    ]


def test_the_same_bin_of_the_other_buffer_is_another_bin():
    """The window covers the whole period, so there is no gap between pulses; the buffers are swapped in between."""
    dut = Boxcar(DEPTH, 1)
    updates = []

    async def bench(ctx):
        ctx.set(dut.valid, 1)
        ctx.set(dut.bin, 5)
        for buffer, code in ((0, 1), (0, 20), (1, 300), (1, 4000), (1, 0)):
            ctx.set(dut.buffer, buffer)
            ctx.set(dut.samples, [code])
            if ctx.get(dut.update):
                updates.append((ctx.get(dut.update_buffer), ctx.get(dut.sums[0])))
            await ctx.tick()
        ctx.set(dut.valid, 0)
        ctx.set(dut.flush, 1)
        await ctx.tick()
        assert ctx.get(dut.update)
        updates.append((ctx.get(dut.update_buffer), ctx.get(dut.sums[0])))

    simulate(dut, bench)
    assert updates == [(0, 21), (1, 4300)]


def test_the_widest_bin_fits():
    samples = (1 << MAX_BIN_SHIFT) // 8
    full = (1 << SAMPLE_BITS) - 1
    dut = Boxcar(DEPTH, 1)

    async def bench(ctx):
        ctx.set(dut.valid, 1)
        ctx.set(dut.samples, [full])
        await ctx.tick().repeat(samples)
        ctx.set(dut.valid, 0)
        ctx.set(dut.flush, 1)
        await ctx.tick()
        assert ctx.get(dut.update)
        assert ctx.get(dut.sums[0]) == samples * full < 1 << BURST_BITS

    simulate(dut, bench)
