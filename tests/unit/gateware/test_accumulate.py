"""Trace memory: every update is added, and every bin that is read is cleared."""

import random
from collections import Counter

import pytest

from trelscope.gateware.accumulate import TraceMemory
from trelscope.gateware.boxcar import BURST_BITS
from trelscope.gateware.interleave import InterleavedMemory
from trelscope.gateware.protocol import SUM_BITS

from .testbench import simulate

DEPTH = 32
MEMORIES = [TraceMemory, InterleavedMemory]


async def update(dut, ctx, number, addend, buffer=0):
    ctx.set(dut.update, 1)
    ctx.set(dut.update_bin, number)
    ctx.set(dut.update_buffer, buffer)
    ctx.set(dut.addend, addend)
    await ctx.tick()
    ctx.set(dut.update, 0)


async def read(dut, ctx, number, buffer=0):
    ctx.set(dut.read, 1)
    ctx.set(dut.read_bin, number)
    ctx.set(dut.read_buffer, buffer)
    await ctx.tick()
    ctx.set(dut.read, 0)
    await ctx.tick().repeat(dut.READ_LATENCY - 1)
    return ctx.get(dut.read_data)


async def read_all(dut, ctx, buffer=0, depth=DEPTH):
    return [await read(dut, ctx, number, buffer) for number in range(depth)]


async def settle(dut, ctx):
    await ctx.tick()
    while ctx.get(dut.busy):
        await ctx.tick()


@pytest.mark.parametrize("memory", MEMORIES)
def test_random_updates_against_a_counter(memory):
    rng = random.Random(1)
    dut = memory(DEPTH)

    async def bench(ctx):
        for buffer in (0, 1, 0):
            model = Counter()
            recent = []
            for _ in range(1500):
                free = [n for n in range(DEPTH) if n not in recent]
                number = rng.choice(free) if rng.random() < 0.8 else None
                if number is None:
                    await ctx.tick()
                else:
                    addend = rng.randrange(1 << BURST_BITS)
                    model[number] += addend
                    await update(dut, ctx, number, addend, buffer)
                # A bin may come again LATENCY cycles later, not before.
                recent = [*recent, number][-(TraceMemory.LATENCY - 1) :]
            await settle(dut, ctx)
            assert await read_all(dut, ctx, buffer) == [model[n] for n in range(DEPTH)]
            assert await read_all(dut, ctx, buffer) == [0] * DEPTH, "reading clears"
        assert ctx.get(dut.saturated) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("memory", MEMORIES)
def test_one_buffer_is_read_while_the_other_fills(memory):
    rng = random.Random(1)
    dut = memory(DEPTH)

    async def bench(ctx):
        for n in range(DEPTH):
            await update(dut, ctx, n, 1000 + n, buffer=1)
        await settle(dut, ctx)
        model, got, asked = Counter(), [], []
        for cycle in range(8 * DEPTH):
            number, addend = cycle % DEPTH, rng.randrange(1 << BURST_BITS)
            model[number] += addend
            ctx.set(dut.update, 1)
            ctx.set(dut.update_bin, number)
            ctx.set(dut.update_buffer, 0)
            ctx.set(dut.addend, addend)
            now = cycle % dut.READ_LATENCY == 0 and len(asked) < DEPTH
            ctx.set(dut.read, now)
            ctx.set(dut.read_buffer, 1)
            if now:
                ctx.set(dut.read_bin, len(asked))
                asked.append(cycle)
            if asked and cycle == asked[len(got)] + dut.READ_LATENCY:
                got.append(ctx.get(dut.read_data))
                if len(got) == DEPTH:
                    got_all = list(got)
                    asked.append(1 << 30)
            await ctx.tick()
        assert got_all == [1000 + n for n in range(DEPTH)]
        ctx.set(dut.update, 0)
        await settle(dut, ctx)
        assert await read_all(dut, ctx, 0) == [model[n] for n in range(DEPTH)]
        assert await read_all(dut, ctx, 1) == [0] * DEPTH

    simulate(dut, bench)


def test_read_data_holds():
    dut = TraceMemory(DEPTH)

    async def bench(ctx):
        await update(dut, ctx, 3, 77)
        await settle(dut, ctx)
        assert await read(dut, ctx, 3) == 77
        for n in range(10):
            await update(dut, ctx, n, 5, buffer=1)
            assert ctx.get(dut.read_data) == 77

    simulate(dut, bench)


@pytest.mark.parametrize(("memory", "buffer"), list(zip(MEMORIES, (1, 0), strict=True)))
def test_sums_stop_at_the_ceiling(memory, buffer):
    dut = memory(DEPTH)
    most = (1 << BURST_BITS) - 1
    ceiling = (1 << SUM_BITS) - 1

    async def bench(ctx):
        full, rest = divmod(ceiling, most)
        for addend in [most] * full + [rest]:
            for number in range(TraceMemory.LATENCY):
                await update(dut, ctx, number, addend if number else 1, buffer)
        await settle(dut, ctx)
        assert ctx.get(dut.saturated) == 0, "reached, not passed"
        await update(dut, ctx, 1, 1, buffer)
        await settle(dut, ctx)
        assert ctx.get(dut.saturated) == 1 << buffer
        await update(dut, ctx, 2, most, buffer)
        await settle(dut, ctx)
        ctx.set(dut.clear_saturated, 2 >> buffer)
        await ctx.tick().repeat(2)
        assert ctx.get(dut.saturated) == 1 << buffer
        sums = [await read(dut, ctx, n, buffer) for n in range(4)]
        assert sums == [full + 1] + 3 * [ceiling]
        ctx.set(dut.clear_saturated, 1 << buffer)
        await ctx.tick().repeat(2)
        assert ctx.get(dut.saturated) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("memory", MEMORIES)
def test_sweep_clears_both_buffers(memory):
    dut = memory(DEPTH)

    async def bench(ctx):
        for buffer in (0, 1):
            for n in range(DEPTH):
                await update(dut, ctx, n, n + 1, buffer)
        await settle(dut, ctx)
        ctx.set(dut.sweep, 1)
        for first in range(DEPTH // 2):
            ctx.set(dut.sweep_bin, first)
            await ctx.tick()
        ctx.set(dut.sweep, 0)
        half = DEPTH // 2
        for buffer in (0, 1):
            expected = [0] * half + [n + 1 for n in range(half, DEPTH)]
            assert await read_all(dut, ctx, buffer) == expected

    simulate(dut, bench)


def test_a_row_is_eight_bins_at_once():
    rng = random.Random(3)
    rows = TraceMemory.LATENCY  # each comes again just when it may
    dut = InterleavedMemory(8 * rows)

    async def bench(ctx):
        model = Counter()
        for cycle in range(400):
            row = cycle % rows
            counts = [rng.choice([0, 1, 8, (1 << BURST_BITS) - 1]) for _ in range(8)]
            ctx.set(dut.row_update, 1)
            ctx.set(dut.row, row)
            ctx.set(dut.row_buffer, 1)
            for lane, count in enumerate(counts):
                ctx.set(dut.counts[lane], count)
                model[8 * row + lane] += count
            await ctx.tick()
        ctx.set(dut.row_update, 0)
        await settle(dut, ctx)
        assert await read_all(dut, ctx, 1, 8 * rows) == [model[n] for n in range(8 * rows)]
        assert await read_all(dut, ctx, 0, 8 * rows) == [0] * 8 * rows

    simulate(dut, bench)
