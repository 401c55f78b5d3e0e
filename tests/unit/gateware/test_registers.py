"""Register file: requests, replies and the values of the registers."""

import random

import pytest

from trelscope.gateware import protocol
from trelscope.gateware.protocol import (
    LAUNCH_TAIL,
    MAX_PERIOD,
    MIN_PERIOD,
    REGISTERS,
    REPLY,
    Access,
    Feature,
    Kind,
    Outcome,
)
from trelscope.gateware.registers import RegisterFile

from .testbench import pauses, receive, send, simulate

WRITABLE = [r for r in REGISTERS.values() if r.access is not Access.READ]
SETTINGS = [r for r in WRITABLE if r.access is Access.SETTING]
READ_ONLY = [r for r in REGISTERS.values() if r.access is Access.READ]
DEPTH = 1024
FEATURES = Feature.COUNTING | Feature.TIME_TAGS
LIMITS = {r.name: protocol.limits_on(r.name, DEPTH, FEATURES) for r in WRITABLE}
UNUSED = sorted({0x16, 0x1F, 0x2D, 0x40, 0x100, 0x120, 0x8010, 0xFFFF})


def register_file(features=FEATURES):
    return RegisterFile(DEPTH, features)


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
    dut = register_file()
    pause = pauses(1, 4)

    async def bench(ctx):
        model = {r.name: r.init for r in WRITABLE}
        for round_ in range(3):
            for r in rng.sample(WRITABLE, len(WRITABLE)):
                low, high = LIMITS[r.name]
                value = rng.choice((rng.randint(low, high), high))
                if r.name == "run":
                    value = 0  # whether a train may start is another test
                if round_:
                    sequence = rng.randrange(1 << 16)
                    value &= 0xFFFFFFFF
                    outcome, echo = await ask(
                        dut, ctx, Kind.WRITE, r.address, value, sequence, pause
                    )
                    assert (outcome, echo) == (Outcome.DONE, value)
                    if r.name != "acknowledge":
                        model[r.name] = value
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
    dut = register_file()

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
    dut = register_file()

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
    dut = register_file()
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
    dut = register_file()
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
    dut = register_file()
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


WORDS = {
    "enable": (0, 1),
    "run": (0, 1),
    "acknowledge": (0, 255),
    "settle": (0, 0xFFFFFF),
    "adc_delay": (0, 127),
    "period": (64, 125_000_000),
    "period_den": (1, 0xFFFFFFFF),
    "delay": (0, 125_000_000),
    "level": (0, 16_383),
    "dither": (1, 127),
    "window_start": (-1_000_000_000, 1_000_000_000),
    "window_bins": (0, DEPTH),
    "bin_shift": (0, 10),
    "frame_pulses": (0, 524_287),
    "mode": (0, 3),
}
"""Limits; all other registers take every value."""


@pytest.mark.parametrize("name", [r.name for r in WRITABLE])
def test_a_value_outside_the_limits_is_refused_and_changes_nothing(name):
    dut = register_file()
    low, high = WORDS.get(name, (0, 0xFFFFFFFF))
    fits = [low, high]
    most = (1 << 31) - 1 if REGISTERS[name].signed else (1 << 32) - 1
    least = -1 << 31 if REGISTERS[name].signed else 0
    wrong = {low - 1, high + 1, high + 256, 1 << 30, 1 << 31, least, most}
    wrong = {n for n in wrong if least <= n <= most and not low <= n <= high}
    strobes = []

    async def bench(ctx):
        for value in fits:
            outcome = await ask(dut, ctx, Kind.WRITE, REGISTERS[name].address, value & 0xFFFFFFFF)
            assert outcome == (Outcome.DONE, value & 0xFFFFFFFF)
        before = ctx.get(dut.settings.as_value()), ctx.get(dut.controls.as_value())
        strobes.clear()
        for value in sorted(wrong):
            outcome = await ask(dut, ctx, Kind.WRITE, REGISTERS[name].address, value & 0xFFFFFFFF)
            assert outcome == (Outcome.OUT_OF_RANGE, value & 0xFFFFFFFF), value
        assert (ctx.get(dut.settings.as_value()), ctx.get(dut.controls.as_value())) == before
        assert not strobes
        outcome, _ = await ask(dut, ctx, Kind.READ, REGISTERS[name].address, 0xFFFFFFFF)
        assert outcome == Outcome.DONE, "what comes with a READ does not matter"

    async def watch(ctx):
        async for _, _, *values in ctx.tick().sample(dut.restart, dut.acknowledge):
            if any(values):
                strobes.append(values)

    simulate(dut, bench, background=[watch])


def test_a_mode_that_the_instrument_does_not_have_is_refused():
    dut = register_file(Feature.DRIVE_MONITOR)

    async def bench(ctx):
        for value, outcome in ((1, Outcome.OUT_OF_RANGE), (0, Outcome.DONE)):
            reply = await ask(dut, ctx, Kind.WRITE, REGISTERS["mode"].address, value)
            assert reply == (outcome, value)

    simulate(dut, bench)


LATEST = MAX_PERIOD - LAUNCH_TAIL


@pytest.mark.parametrize(
    ("staged", "starts"),
    [
        ({}, True),
        ({"period": 64, "delay": 60, "dither": 8}, True),
        ({"period": 64, "delay": 61, "dither": 1}, False),
        ({"period": 64, "delay": 63, "dither": 1}, False),  # the period's last cycle
        ({"period": 64, "delay": 60, "dither": 9}, False),
        ({"period": 64, "delay": 59, "dither": 16}, True),
        ({"period": 64, "delay": 59, "dither": 17}, False),
        ({"period": 64, "delay": 45, "dither": 127}, True),
        ({"period": 64, "delay": 46, "dither": 127}, False),
        ({"period": MAX_PERIOD, "delay": LATEST}, True),
        ({"period": MAX_PERIOD, "delay": LATEST + 1}, False),
        ({"period": MIN_PERIOD, "delay": MAX_PERIOD}, False),
        ({"period_num": 1, "period_den": 3}, True),
        ({"period_num": 1}, False),
        ({"period_num": 3, "period_den": 3}, False),
        ({"period_num": 0xFFFFFFFE, "period_den": 0xFFFFFFFF}, True),
        ({"period_num": 0xFFFFFFFF, "period_den": 0xFFFFFFFF}, False),
        ({"period_num": 0xFFFFFFFF}, False),
    ],
)
def test_a_train_starts_only_with_settings_that_go_together(staged, starts):
    dut = register_file()
    strobes = []

    async def bench(ctx):
        spoilt, mended = {"delay": MAX_PERIOD}, {"delay": 0} | staged
        for changes, expected in ((staged, starts), (spoilt, False), (mended, starts)):
            for name, value in changes.items():
                await ask(dut, ctx, Kind.WRITE, REGISTERS[name].address, value)
            now = {r.name: ctx.get(dut.settings[r.name]) for r in SETTINGS}
            assert protocol.startable(now) == ctx.get(dut.startable) == expected
            strobes.clear()
            outcome, _ = await ask(dut, ctx, Kind.WRITE, REGISTERS["run"].address, 1)
            assert outcome == (Outcome.DONE if expected else Outcome.OUT_OF_RANGE)
            assert ctx.get(dut.controls.run) == len(strobes) == expected
            outcome, _ = await ask(dut, ctx, Kind.WRITE, REGISTERS["run"].address, 0)
            assert outcome == Outcome.DONE, "a train can always be stopped"

    async def watch(ctx):
        async for _, _, restart in ctx.tick().sample(dut.restart):
            if restart:
                strobes.append(restart)

    simulate(dut, bench, background=[watch])


def test_no_train_starts_while_a_setting_changes():
    """`startable` is low from the cycle in which a setting is written until the new one has been looked at."""
    dut = register_file()
    seen = []

    async def bench(ctx):
        for name, value in (("delay", 5), ("enable", 1), ("run", 1), ("delay", 12_497), ("run", 0)):
            seen.append([])
            await ask(dut, ctx, Kind.WRITE, REGISTERS[name].address, value)

    async def watch(ctx):
        ports = (dut.alive, dut.settings.delay, dut.startable)
        async for _, _, alive, delay, startable in ctx.tick().sample(*ports):
            seen[-1].append((alive, delay, startable))

    simulate(dut, bench, background=[watch])
    steady, changed, *_ = seen[1], seen[0]
    assert {startable for *_, startable in steady + seen[2]} == {1}
    at = [alive for alive, *_ in changed].index(1)
    assert [startable for *_, startable in changed[at - 1 : at + 5]] == [1, 0, 0, 0, 0, 1]
    assert [delay for _, delay, _ in changed[at : at + 2]] == [0, 5]
    at = [alive for alive, *_ in seen[3]].index(1)
    assert {startable for *_, startable in seen[3][at:] + seen[4]} == {0}
