"""Readout: sends a full buffer in packets."""

import random

import pytest

from trelscope.gateware import protocol
from trelscope.gateware.protocol import CHUNK_BINS, TRACE_DATA, TRACE_HEAD, Kind
from trelscope.gateware.readout import Readout

from .testbench import PATIENCE, pauses, receive, simulate

DEPTH = 4096


def expected_packets(head, memory):
    packets = [(Kind.TRACE_HEAD, TRACE_HEAD.pack(**head))]
    for channel, sums in enumerate(memory):
        for chunk, first in enumerate(range(0, head["bins"], CHUNK_BINS)):
            words = sums[first : min(first + CHUNK_BINS, head["bins"])]
            fixed = TRACE_DATA.pack(frame=head["frame"], channel=channel, chunk=chunk)
            packets.append(
                (Kind.TRACE_DATA, fixed + b"".join(w.to_bytes(4, "little") for w in words))
            )
    return packets


def run(bins, channels=2, refusals=0, frames=1, seed=0):
    """Ship `frames` frames, and check every packet and that every bin is read once."""
    rng = random.Random(seed)
    dut = Readout(DEPTH, channels)
    asked = []
    memory = []
    cycles = 0

    async def ram(ctx):
        """Answers reads after exactly READ_LATENCY cycles and holds the answer."""
        pipe = [None] * Readout.READ_LATENCY
        ports = (dut.read, dut.read_bin, dut.channel)
        async for _, _, reads, number, channel in ctx.tick().sample(*ports):
            if reads:
                assert reads == 1 << channel
                asked.append((channel, number))
            pipe.append(memory[channel][number] if reads else None)
            pipe.pop(0)
            # `pipe[0]` was asked for READ_LATENCY - 1 ticks before this one.
            if pipe[0] is not None:
                ctx.set(dut.read_data, pipe[0])

    async def bench(ctx):
        nonlocal cycles
        pause = pauses(seed, refusals)
        for frame in range(frames):
            memory[:] = [[rng.randrange(1 << 32) for _ in range(bins)] for _ in range(channels)]
            asked.clear()
            head = {n: rng.randrange(1 << 8 * size) for n, size in TRACE_HEAD.sizes.items()}
            head |= {"bins": bins, "frame": frame}
            ctx.set(dut.head, head)
            assert not ctx.get(dut.shipping)
            ctx.set(dut.ship, 1)
            await ctx.tick()
            ctx.set(dut.ship, 0)
            for kind, payload in expected_packets(head, memory):
                assert ctx.get(dut.shipping)
                packet = await receive(ctx, dut.packet, pause)
                assert (packet.kind, packet.length) == (kind, len(payload))
                got = bytearray()
                for _ in payload:
                    assert ctx.get(dut.shipping)
                    got.append(await receive(ctx, dut.payload, pause))
                assert bytes(got) == payload
            await ctx.tick().repeat(1 if bins else 5 * channels)
            assert not ctx.get(dut.shipping), "falls when the last byte has been taken"
            await ctx.tick().repeat(20)
            assert not ctx.get(dut.packet.valid) | ctx.get(dut.payload.valid)
            everything = [(c, n) for c in range(channels) for n in range(bins)]
            assert asked == everything, "every bin read, and so cleared, exactly once"

    simulate(dut, bench, background=[ram])


@pytest.mark.parametrize("refusals", [0, 1, 7])
@pytest.mark.parametrize("bins", [1, 2, 3, 50])
def test_packets(bins, refusals):
    run(bins, refusals=refusals, frames=3, seed=bins)


@pytest.mark.parametrize("bins", [CHUNK_BINS - 1, CHUNK_BINS, CHUNK_BINS + 1])
def test_chunks(bins):
    run(bins, channels=1)


def test_three_chunks_two_channels():
    run(2 * CHUNK_BINS + 1, refusals=1)


def test_no_bins_no_data():
    """A frame without bins ends."""
    run(0, frames=2)


def test_throughput():
    dut = Readout(DEPTH, 1)
    bins = 200

    async def bench(ctx):
        ctx.set(dut.head, {"bins": bins})
        ctx.set(dut.packet.ready, 1)
        ctx.set(dut.payload.ready, 1)
        ctx.set(dut.ship, 1)
        await ctx.tick()
        ctx.set(dut.ship, 0)
        cycles = taken = 0
        while ctx.get(dut.shipping):
            taken += ctx.get(dut.payload.valid)
            cycles += 1
            assert cycles < PATIENCE
            await ctx.tick()
        assert taken == protocol.TRACE_HEAD.size + protocol.TRACE_DATA.size + 4 * bins
        assert cycles - taken - 2 * bins <= 16, "two cycles more for each bin"

    simulate(dut, bench)
