"""Deframer: finds requests in a byte stream, whatever else is in it."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import wire
from trelscope.gateware import protocol
from trelscope.gateware.link.deframer import Deframer
from trelscope.gateware.protocol import HEADER, REQUEST, Kind

from .testbench import pauses, receive, send, simulate

COUNTERS = ("bad_headers", "bad_payloads", "unknown", "sequence_gaps")
SYNC = protocol.SYNC.to_bytes(2, "little")
REST = REQUEST.size + protocol.CRC_SIZE


@dataclass
class Seen:
    requests: list[tuple[int, int, int, int]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    idle: int = 1


def run(data: bytes, seed: int = 0, gaps: int = 3, stall: int = 3) -> Seen:
    """Requests and counts of the deframer for `data`, with random gaps in the input and random delays at the output."""
    dut = Deframer()
    seen = Seen()

    async def host(ctx):
        await send(ctx, dut.rx, data, pauses(seed, gaps))
        await ctx.tick().repeat(30 + stall)
        for name in COUNTERS:
            seen.counters[name] = ctx.get(getattr(dut, name))
        seen.idle = ctx.get(dut.idle)

    async def taker(ctx):
        pause = pauses(seed + 1, stall)
        while True:
            got = await receive(ctx, dut.requests, pause)
            request = got.request
            seen.requests.append((got.kind, got.sequence, request.address, request.value))

    simulate(dut, host, background=[taker])
    return seen


def expect(data: bytes) -> Seen:
    """The expected result, found by examining every position of `data`."""
    seen = Seen()
    expected, n = 0, 0
    counters = seen.counters
    while n + HEADER.size <= len(data):
        head = HEADER.unpack(data[n:])
        if head["sync"] != protocol.SYNC:
            n += 1
        elif head["crc"] != protocol.header_crc(data[n + 2 : n + HEADER.size - 2]):
            counters["bad_headers"] += 1
            n += 1
        elif head["kind"] not in (Kind.READ, Kind.WRITE) or head["length"] != REQUEST.size:
            counters["unknown"] += 1
            n += 1
        else:
            payload = data[n + HEADER.size : n + HEADER.size + REST]
            if len(payload) < REST:
                seen.idle = 0
                break
            n += HEADER.size + REST
            if protocol.payload_crc(payload[:-4]) != int.from_bytes(payload[-4:], "little"):
                counters["bad_payloads"] += 1
                continue
            counters["sequence_gaps"] += head["sequence"] != expected
            expected = (head["sequence"] + 1) & 0xFFFF
            fields = REQUEST.unpack(payload)
            seen.requests.append(
                (head["kind"], head["sequence"], fields["address"], fields["value"])
            )
    return seen


def test_frames_without_error():
    rng = random.Random(0)
    rows = [
        (rng.choice((Kind.READ, Kind.WRITE)), n, rng.randrange(1 << 16), rng.randrange(1 << 32))
        for n in range(30)
    ]
    for gaps, stall in ((0, 0), (4, 0), (0, 40)):
        seen = run(b"".join(wire.request(*row) for row in rows), gaps=gaps, stall=stall)
        assert seen.requests == rows
        assert set(seen.counters.values()) == {0}
        assert seen.idle


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30), st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_no_garbage_hides_a_frame(seed, sizes):
    rng = random.Random(seed)
    frames = [wire.write(n, "level", rng.randrange(1 << 14)) for n in range(len(sizes))]
    data = b"".join(wire.garbage(rng, n) + f for n, f in zip(sizes, frames, strict=True))
    seen = run(data, seed)
    assert seen == expect(data)
    assert [sequence for _, sequence, _, _ in seen.requests] == list(range(len(frames)))
    assert seen.counters["bad_payloads"] == seen.counters["sequence_gaps"] == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30))
def test_damaged_streams_against_the_scan(seed):
    rng = random.Random(seed)
    data = bytearray()
    sequence = 0
    for _ in range(rng.randrange(1, 8)):
        sequence += rng.choice((1, 1, 1, 2, 1 << 15))
        frame = bytearray(wire.write(sequence & 0xFFFF, "period", rng.randrange(1 << 32)))
        for _ in range(rng.choice((0, 0, 1, 2))):
            damage = rng.randrange(3)
            where = rng.randrange(len(frame))
            if damage == 0:
                frame[where] ^= 1 << rng.randrange(8)
            elif damage == 1:
                del frame[where]
            else:
                frame.insert(where, rng.randrange(256))
        data += frame
    data += b"".join(wire.read(n, "magic") for n in (1, 2))
    seen = run(bytes(data), seed)
    assert seen == expect(bytes(data))
    assert seen.requests[-1][1] == 2, "back in step after any damage"


def test_every_cut_of_a_header_before_a_frame():
    frame = wire.write(7, "level", 0x5AA5)
    data = b"".join(frame[:cut] + frame for cut in range(1, HEADER.size))
    seen = run(data)
    assert len(seen.requests) == HEADER.size - 1
    assert seen == expect(data)


def test_sync_inside_a_frame_is_no_sync():
    """A sync word inside a correct frame is not taken for a header, during the frame or after it."""
    rows = [
        (Kind.WRITE, protocol.SYNC, protocol.SYNC, protocol.SYNC << 16 | protocol.SYNC),
        (Kind.WRITE, protocol.SYNC + 1, 0xA55A, 0xA55AA55A),
    ]
    # The CRC-16 is a bijection of the sequence number while the rest stays: one header has the sync word for CRC.
    for sequence in range(1 << 16):
        head = wire.request(Kind.WRITE, sequence, 0)[: HEADER.size]
        if head[-2:] == SYNC:
            rows.append((Kind.WRITE, sequence, 0, 0))
    assert len(rows) == 3
    for row in rows:
        for noise in (b"", bytes(20)):
            seen = run(wire.request(*row) + noise + wire.request(Kind.READ, row[1] + 1, 0))
            assert seen.requests == [row, (Kind.READ, row[1] + 1, 0, 0)]
            assert seen.counters == dict.fromkeys(COUNTERS, 0) | {"sequence_gaps": 1}


@pytest.mark.parametrize(
    "frame",
    [
        protocol.encode_frame(Kind.REPLY, 0, bytes(REQUEST.size)),
        protocol.encode_frame(0, 0, bytes(REQUEST.size)),
        protocol.encode_frame(Kind.WRITE, 0, bytes(REQUEST.size + 1)),
        protocol.encode_frame(Kind.READ, 0, b""),
        protocol.encode_frame(Kind.READ, 0, bytes(REQUEST.size + 256)),
    ],
)
def test_unknown_frames_are_counted_and_passed_over(frame):
    seen = run(frame + wire.read(0, "magic"))
    assert len(seen.requests) == 1
    assert seen.counters == dict.fromkeys(COUNTERS, 0) | {"unknown": 1}


def test_every_broken_bit_is_counted_once():
    frame = wire.write(0, "level", 9_000)
    for bit in range(16, 8 * len(frame), 3):
        broken = bytearray(frame)
        broken[bit // 8] ^= 1 << bit % 8
        seen = run(bytes(broken), gaps=0, stall=0)
        assert not seen.requests, bit
        name = "bad_headers" if bit < 8 * HEADER.size else "bad_payloads"
        assert seen.counters == dict.fromkeys(COUNTERS, 0) | {name: 1}, bit


def test_sequence_numbers_wrap_without_a_gap():
    data = b"".join(wire.read(n & 0xFFFF, "magic") for n in (0xFFFE, 0xFFFF, 0x10000, 3, 4))
    seen = run(data)
    assert len(seen.requests) == 5
    assert seen.counters["sequence_gaps"] == 2


def test_idle_after_noise():
    """After noise, the deframer becomes idle, so that the emulator can fast-forward."""
    for noise in (b"\0", SYNC, wire.read(0, "magic")[:-13], b"\xff" * 30):
        seen = run(noise)
        assert seen.idle, noise
    assert not run(wire.read(0, "magic")[:-1]).idle


@pytest.mark.parametrize("name", COUNTERS)
def test_counters_saturate(name):
    dut = Deframer()
    broken = bytearray(wire.read(0, "magic"))
    broken[-1 if name == "bad_payloads" else 5] ^= 1
    frame = {
        "unknown": protocol.encode_frame(0, 0, b"0"),
        "sequence_gaps": wire.read(9, "magic"),
    }.get(name, bytes(broken))

    async def bench(ctx):
        ctx.set(dut.requests.ready, 1)
        ctx.set(getattr(dut, name), 0xFFFE)
        for _ in range(3):
            await send(ctx, dut.rx, frame)
            await ctx.tick().repeat(4)
            assert ctx.get(getattr(dut, name)) == 0xFFFF

    simulate(dut, bench)
