"""Register file: requests, replies and the values of the registers."""

import random

import pytest

from trelscope.gateware.protocol import REGISTERS, REPLY, Access, Kind, Outcome
from trelscope.gateware.registers import RegisterFile

from .testbench import pauses, receive, send, simulate

WRITABLE = [r for r in REGISTERS.values() if r.access is not Access.READ]
READ_ONLY = [r for r in REGISTERS.values() if r.access is Access.READ]
UNUSED = sorted({0x14, 0x1F, 0x2D, 0x40, 0x100, 0x120, 0x8010, 0xFFFF})


async def ask(dut, ctx, kind, address, value=0, sequence=0, pause=lambda: 0):
    """Send a request and receive the reply."""
    row = {"kind": kind, "sequence": sequence, "request": {"address": address, "value": value}}
    ctx.set(dut.requests.payload, row)
    await ctx.tick()
    ctx.set(dut.coming, 1)
    await ctx.tick()
    ctx.set(dut.coming, 0)
    await send(ctx, dut.requests, [row], pause)
    assert not ctx.get(dut.idle)
    packet = await receive(ctx, dut.packet, pause)
    assert (packet.kind, packet.length) == (Kind.REPLY, REPLY.size)
    reply = REPLY.unpack(bytes([await receive(ctx, dut.payload, pause) for _ in range(REPLY.size)]))
    assert ctx.get(dut.idle)
    assert (reply["sequence"], reply["address"]) == (sequence, address)
    return reply["outcome"], reply["value"]


def test_what_is_written_is_read_and_put_out():
    rng = random.Random(1)
    dut = RegisterFile()
    pause = pauses(1, 4)

    async def bench(ctx):
        model = {r.name: r.init for r in WRITABLE}
        for round_ in range(3):
            for r in rng.sample(WRITABLE, len(WRITABLE)):
                value = rng.choice((rng.randrange(1 << 32), 0xFFFFFFFF))
                if round_:
                    sequence = rng.randrange(1 << 16)
                    outcome, echo = await ask(
                        dut, ctx, Kind.WRITE, r.address, value, sequence, pause
                    )
                    assert (outcome, echo) == (Outcome.DONE, value)
                    if r.name != "acknowledge":
                        model[r.name] = value & ((1 << r.bits) - 1)
                for other in WRITABLE:
                    block = dut.settings if other.access is Access.SETTING else dut.controls
                    got = ctx.get(block[other.name])
                    assert got & ((1 << other.bits) - 1) == model[other.name], other.name
                    assert other.signed or got >= 0
            for r in WRITABLE:
                outcome, got = await ask(dut, ctx, Kind.READ, r.address, rng.randrange(1 << 32))
                assert (outcome, got) == (Outcome.DONE, model[r.name]), r.name

    simulate(dut, bench)


def test_a_negative_setting_is_negative():
    dut = RegisterFile()

    async def bench(ctx):
        await ask(dut, ctx, Kind.WRITE, REGISTERS["window_start"].address, -12345 & 0xFFFFFFFF)
        assert ctx.get(dut.settings.window_start) == -12345
        assert await ask(dut, ctx, Kind.READ, REGISTERS["window_start"].address) == (
            Outcome.DONE,
            -12345 & 0xFFFFFFFF,
        )

    simulate(dut, bench)


def test_status_is_read_and_not_written():
    rng = random.Random(2)
    dut = RegisterFile()

    async def bench(ctx):
        values = {r.name: rng.randrange(1 << r.bits) for r in READ_ONLY}
        ctx.set(dut.status, values)
        before = ctx.get(dut.settings.as_value()), ctx.get(dut.controls.as_value())
        for r in READ_ONLY:
            outcome, _ = await ask(dut, ctx, Kind.WRITE, r.address, 0xFFFFFFFF)
            assert outcome == Outcome.READ_ONLY
            assert await ask(dut, ctx, Kind.READ, r.address) == (Outcome.DONE, values[r.name])
        assert (ctx.get(dut.settings.as_value()), ctx.get(dut.controls.as_value())) == before

    simulate(dut, bench)


@pytest.mark.parametrize("kind", [Kind.READ, Kind.WRITE])
def test_unknown_addresses(kind):
    dut = RegisterFile()
    assert not {r.address for r in REGISTERS.values()} & set(UNUSED)

    async def bench(ctx):
        before = ctx.get(dut.settings.as_value()), ctx.get(dut.controls.as_value())
        for address in UNUSED:
            outcome, _ = await ask(dut, ctx, kind, address, 0xFFFFFFFF)
            assert outcome == Outcome.NO_REGISTER, address
        assert (ctx.get(dut.settings.as_value()), ctx.get(dut.controls.as_value())) == before

    simulate(dut, bench)


def test_strobes():
    """Each request gives one strobe of `alive`; writing 1 to `run` restarts, writing 0 does not; `acknowledge` is
    passed on."""
    dut = RegisterFile()
    strobes = []

    async def bench(ctx):
        for name, value in (("run", 1), ("run", 1), ("run", 0), ("acknowledge", 0x35)):
            await ask(dut, ctx, Kind.WRITE, REGISTERS[name].address, value)
        await ask(dut, ctx, Kind.READ, REGISTERS["run"].address, 1)
        await ask(dut, ctx, Kind.READ, REGISTERS["acknowledge"].address, 0xFF)
        await ask(dut, ctx, Kind.WRITE, 0xFFFF, 1)

    async def watch(ctx):
        ports = (dut.alive, dut.restart, dut.acknowledge)
        async for _, _, *values in ctx.tick().sample(*ports):
            if any(values):
                strobes.append(tuple(values))

    simulate(dut, bench, background=[watch])
    plain = (1, 0, 0)
    assert strobes == [(1, 1, 0), (1, 1, 0), plain, (1, 0, 0x35), plain, plain, plain]


def test_a_trip_clears_enable_and_an_ended_train_clears_run():
    dut = RegisterFile()
    enable, run = REGISTERS["enable"].address, REGISTERS["run"].address

    async def bench(ctx):
        await ask(dut, ctx, Kind.WRITE, enable, 1)
        await ask(dut, ctx, Kind.WRITE, run, 1)
        assert ctx.get(dut.controls.enable)
        ctx.set(dut.disable, 1)
        await ctx.tick()
        assert not ctx.get(dut.controls.enable)
        assert ctx.get(dut.controls.run)
        await ask(dut, ctx, Kind.WRITE, enable, 1)
        assert not ctx.get(dut.controls.enable), "kept at 0"
        ctx.set(dut.disable, 0)
        await ctx.tick().repeat(5)
        assert not ctx.get(dut.controls.enable), "and does not come back"
        ctx.set(dut.finished, 1)
        await ctx.tick()
        ctx.set(dut.finished, 0)
        assert not ctx.get(dut.controls.run)

    simulate(dut, bench)
