"""CRCs of the gateware, compared with the library functions that the host uses."""

import binascii
import random
import zlib

from trelscope.gateware.link.crc import COVERED, HeaderCheck, PayloadCheck

from .testbench import simulate


def test_header_check_slides():
    """At every position, the CRC-16 of the latest COVERED bytes."""
    rng = random.Random(1)
    data = bytes(COVERED) + bytes(range(256)) + rng.randbytes(1000)
    dut = HeaderCheck()

    async def bench(ctx):
        for n in range(COVERED, len(data)):
            ctx.set(dut.valid, 1)
            ctx.set(dut.entering, data[n])
            ctx.set(dut.leaving, data[n - COVERED])
            await ctx.tick()
            ctx.set(dut.valid, 0)
            if rng.random() < 0.2:
                await ctx.tick()
            covered = data[n - COVERED + 1 : n + 1]
            assert ctx.get(dut.crc) == binascii.crc_hqx(covered, 0), n

    simulate(dut, bench)


def test_header_check_restarts():
    rng = random.Random(2)
    dut = HeaderCheck()

    async def bench(ctx):
        for _ in range(50):
            data = rng.randbytes(COVERED)
            ctx.set(dut.restart, 1)
            ctx.set(dut.valid, rng.randrange(2))
            await ctx.tick()
            assert ctx.get(dut.crc) == 0
            ctx.set(dut.restart, 0)
            ctx.set(dut.valid, 1)
            for byte in data:
                ctx.set(dut.entering, byte)
                await ctx.tick()
            assert ctx.get(dut.crc) == binascii.crc_hqx(data, 0)

    simulate(dut, bench)


def test_payload_check_is_crc_32():
    rng = random.Random(3)
    dut = PayloadCheck()

    async def bench(ctx):
        for size in [0, 1, 2, 3, 4, 256, *(rng.randrange(100) for _ in range(20))]:
            data = bytes(range(256)) if size == 256 else rng.randbytes(size)
            ctx.set(dut.start, 1)
            ctx.set(dut.valid, rng.randrange(2))
            await ctx.tick()
            ctx.set(dut.start, 0)
            for n, byte in enumerate(data):
                assert ctx.get(dut.crc) == zlib.crc32(data[:n])
                ctx.set(dut.valid, 1)
                ctx.set(dut.data, byte)
                await ctx.tick()
                ctx.set(dut.valid, 0)
                if rng.random() < 0.2:
                    await ctx.tick()
            assert ctx.get(dut.crc) == zlib.crc32(data)

    simulate(dut, bench)


def test_payload_is_sound_only_with_its_own_check():
    rng = random.Random(4)
    dut = PayloadCheck()

    async def sound(ctx, data):
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ctx.set(dut.valid, 1)
        for byte in data:
            ctx.set(dut.data, byte)
            await ctx.tick()
        ctx.set(dut.valid, 0)
        return ctx.get(dut.sound)

    async def bench(ctx):
        for size in (0, 1, 6, 50):
            data = rng.randbytes(size)
            whole = data + zlib.crc32(data).to_bytes(4, "little")
            assert await sound(ctx, whole)
            assert not await sound(ctx, whole + b"\0")
            assert not await sound(ctx, whole[:-1])
            for bit in range(0, 8 * len(whole), 5):
                broken = bytearray(whole)
                broken[bit // 8] ^= 1 << bit % 8
                assert not await sound(ctx, broken)

    simulate(dut, bench)
