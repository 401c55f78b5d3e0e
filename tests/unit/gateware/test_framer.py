"""Framer: sends packets as frames."""

import random

import pytest

from trelscope.gateware import protocol
from trelscope.gateware.link.framer import Framer
from trelscope.gateware.protocol import Kind

from .testbench import PATIENCE, pauses, receive, send, simulate


async def give(ctx, source, packets, pause):
    for kind, payload in packets:
        await send(ctx, source.packet, [{"kind": kind, "length": len(payload)}], pause)
        await send(ctx, source.payload, payload, pause)


def run(packets, wanted, gaps=0, refusals=0, seed=0):
    """The first `wanted` bytes sent if each source has a list of packets (kind, payload)."""
    dut = Framer(len(packets))
    out = bytearray()

    async def reader(ctx):
        pause = pauses(seed, refusals)
        while len(out) < wanted:
            out.append(await receive(ctx, dut.tx, pause))
        await ctx.tick().repeat(20)
        assert ctx.get(dut.idle)
        assert not ctx.get(dut.tx.valid)

    def bench(n):
        async def source(ctx):
            await give(ctx, dut.sources[n], packets[n], pauses(seed + 1 + n, gaps))

        return source

    simulate(dut, reader, *map(bench, range(len(packets))))
    return bytes(out)


def encode(packets, first=0):
    return b"".join(
        protocol.encode_frame(kind, (first + n) & 0xFFFF, payload)
        for n, (kind, payload) in enumerate(packets)
    )


@pytest.mark.parametrize(("gaps", "refusals"), [(0, 0), (5, 0), (0, 5), (3, 3), (0, 40)])
def test_bytes_are_those_of_encode_frame(gaps, refusals):
    rng = random.Random(gaps + refusals)
    packets = [
        (rng.choice(list(Kind)), rng.randbytes(size))
        for size in (1, 2, 9, 255, 256, *(rng.randrange(1, 80) for _ in range(10)))
    ]
    expected = encode(packets)
    assert run([packets], len(expected), gaps, refusals) == expected


def test_the_first_source_goes_first_and_no_frame_is_torn():
    replies = [(Kind.REPLY, bytes([n] * 9)) for n in range(5)]
    traces = [(Kind.TRACE_DATA, bytes([128 + n] * 50)) for n in range(5)]
    expected = encode([*replies, *traces])
    assert run([replies, traces], len(expected)) == expected


@pytest.mark.parametrize("seed", range(3))
def test_two_sources_share_the_link(seed):
    rng = random.Random(seed)
    sources = [
        [(kind, rng.randbytes(rng.randrange(1, 60))) for _ in range(12)]
        for kind in (Kind.REPLY, Kind.TRACE_DATA)
    ]
    size = sum(len(encode(packets)) for packets in sources)
    out = run(sources, size, gaps=30, refusals=3, seed=seed)
    left = [list(packets) for packets in sources]
    for sequence in range(24):
        head = protocol.HEADER.unpack(out)
        kind, payload = left[head["kind"] != Kind.REPLY].pop(0)
        frame = protocol.encode_frame(kind, sequence, payload)
        assert out.startswith(frame)
        out = out[len(frame) :]
    assert not out


def test_tx_is_stable_while_refused():
    dut = Framer(1)

    async def source(ctx):
        await give(ctx, dut.sources[0], [(Kind.REPLY, b"abc")], pauses(0, 0))

    async def watch(ctx):
        rng = random.Random(5)
        taken, held = 0, None
        while taken < len(encode([(Kind.REPLY, b"abc")])):
            ready = rng.random() < 0.3
            ctx.set(dut.tx.ready, ready)
            valid, byte = ctx.get(dut.tx.valid), ctx.get(dut.tx.payload)
            if held is not None:
                assert (valid, byte) == (1, held)
            held = byte if valid and not ready else None
            taken += valid and ready
            await ctx.tick()

    simulate(dut, source, watch)


def test_throughput_is_a_byte_a_cycle():
    dut = Framer(1)
    packets = [(Kind.TRACE_DATA, bytes(100))] * 3

    async def source(ctx):
        await give(ctx, dut.sources[0], packets, pauses(0, 0))

    async def watch(ctx):
        ctx.set(dut.tx.ready, 1)
        cycles = taken = 0
        while taken < len(encode(packets)):
            cycles += 1
            taken += ctx.get(dut.tx.valid)
            await ctx.tick()
            assert cycles < PATIENCE
        assert cycles - taken <= 6 * len(packets) + 1

    simulate(dut, source, watch)


def test_the_last_of_three_sources_has_its_turn_and_replies_do_not_wait():
    """Time tags that fill the link do not keep traces from it, nor traces them."""
    replies = [(Kind.REPLY, bytes([n])) for n in range(2)]
    tags = [(Kind.TIME_TAGS, bytes([n])) for n in range(40)]
    traces = [(Kind.TRACE_DATA, bytes([n])) for n in range(4)]
    expected = list(replies)
    for n, trace in enumerate(traces):
        first, last = Framer.TURN * n - len(replies), Framer.TURN * (n + 1) - len(replies)
        expected += [*tags[max(first, 0) : last], trace]
    expected += tags[last:]
    assert run([replies, tags, traces], len(encode(expected))) == encode(expected)
