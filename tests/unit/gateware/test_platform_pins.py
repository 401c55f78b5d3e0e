"""Interfaces between the instrument and the parts at the pins, tested with models of the parts."""

import random
from itertools import pairwise
from typing import Any

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Const, Module, Signal
from amaranth.sim import Simulator

from trelscope.gateware.platform.adc import full_scale
from trelscope.gateware.platform.boards import BOARDS
from trelscope.gateware.platform.clocks import Supervisor, ratios
from trelscope.gateware.platform.dac import LevelCrossing, LevelDac
from trelscope.gateware.platform.sampling import Edges, Gearbox
from trelscope.gateware.protocol import SAMPLE_BITS

from .testbench import simulate


@pytest.mark.parametrize("skew", [-1.5, 0.0, 1.5])
@pytest.mark.parametrize("odd", [0, 1])
def test_samples_keep_their_order_through_the_gearbox(odd: int, skew: float) -> None:
    """Model of a DDR input register: shows the latest two samples of the pin, that of the rising edge first.

    odd: which of the edges of `early` are those of `sync`. skew: ns by which those of `sync` are late.
    """
    rng = random.Random(1)
    wire = [rng.getrandbits(1) for _ in range(4000)]  # one sample a nanosecond
    dut = Gearbox()
    got: list[int] = []

    async def pins(ctx: Any, port: Any, domain: str, late: int) -> None:
        n = 0
        while True:
            await ctx.tick(domain)
            n += 1
            # After the n-th edge, 4 n + late ns from the start, the samples of the edge before and of 2 ns after that
            # are out.
            first = 4 * (n - 1) + late
            ctx.set(port, wire[first] | wire[first + 2] << 1 if first >= 0 else 0)

    async def pin_a(ctx: Any) -> None:
        await pins(ctx, dut.a, "early", 0)

    async def pin_b(ctx: Any) -> None:
        await pins(ctx, dut.b, "late", 1)

    async def bench(ctx: Any) -> None:
        for _ in range(400):
            *_, word = await ctx.tick("sync").sample(dut.samples)
            got.extend(word >> n & 1 for n in range(8))

    m = Module()
    m.submodules.dut = dut
    ticks = Signal()
    m.d.late += ticks.eq(~ticks)  # nothing else in the gearbox is clocked by it
    m.domains.early = ClockDomain()
    m.domains.early_fall = ClockDomain(clk_edge="neg")
    m.d.comb += ClockSignal("early_fall").eq(ClockSignal("early"))
    simulator = Simulator(m)
    simulator.add_clock(4e-9, phase=4e-9, domain="early")
    simulator.add_clock(4e-9, phase=5e-9, domain="late")
    simulator.add_clock(8e-9, phase=(8 + 4 * odd + skew) * 1e-9, domain="sync")
    simulator.add_testbench(bench)
    simulator.add_testbench(pin_a, background=True)
    simulator.add_testbench(pin_b, background=True)
    simulator.run()
    text = "".join(map(str, got[64:3000]))
    at = "".join(map(str, wire)).find(text)
    assert at >= 0, "every sample once, in order"
    assert (at - 4 * odd) % 8 == 0, "lane 0 is the instant of an edge of sync"


@pytest.mark.parametrize("delay", [0, 2])
def test_a_pulse_is_one_photon_however_long(delay: int) -> None:
    rng = random.Random(2)
    wire = [0] * 16
    while len(wire) < 1600:
        wire += [1] * rng.randint(1, 20) + [0] * rng.randint(1, 30)
    wire = wire[:1600]
    dut = Edges(delay)
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        for n in range(0, len(wire), 8):
            ctx.set(dut.samples, sum(bit << k for k, bit in enumerate(wire[n : n + 8])))
            *_, photons = await ctx.tick().sample(dut.photons)
            got.extend(photons >> k & 1 for k in range(8))

    simulate(dut, bench)
    late = 8 * (delay + 1)
    edges = [int(b and not a) for a, b in zip([0, *wire], wire, strict=False)]
    assert got[late:] == edges[: len(edges) - late]
    assert sum(edges) > 20


def test_narrow_codes_keep_the_ends_of_the_range() -> None:
    for bits in (7, 12, 14):
        for code in (0, 1, (1 << bits) // 2, (1 << bits) - 1):
            wide = full_scale(Const(code, bits), bits)
            assert len(wide) == SAMPLE_BITS
            value = _constant(wide)
            assert value >> (SAMPLE_BITS - bits) == code
    assert _constant(full_scale(Const(127, 7), 7)) == (1 << SAMPLE_BITS) - 1


def _constant(value: Any) -> int:
    m, out = Module(), Signal(len(value))
    m.d.comb += out.eq(value)
    found: list[int] = []

    async def bench(ctx: Any) -> None:
        found.append(ctx.get(out))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found[0]


class Ad5641:
    """Model of the DAC by its data sheet: takes 16 bits at falling edges of SCLK while SYNC is low."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.sync = self.sclk = 1
        self.bits: list[int] = []
        self.since = {"sclk": 1e3, "sync": 1e3, "din": 1e3}  # ns since each has changed
        self.last_din = 0

    def pins(self, sync: int, sclk: int, din: int, ns: float) -> None:
        for name in self.since:
            self.since[name] += ns
        if din != self.last_din:
            assert not (not sync and not self.sync and sclk < self.sclk), (
                "data moves at a falling edge"
            )
            self.since["din"] = 0
        if sync != self.sync:
            if not sync:
                assert self.since["sync"] >= 20
                self.bits = []
            self.since["sync"] = 0
        if sclk != self.sclk:
            if not sync and not sclk:
                assert self.since["sync"] >= 10
                assert self.since["din"] >= 5
                assert self.since["sclk"] >= 16
                self.bits.append(din)
                if len(self.bits) == 16:
                    assert self.bits[:2] == [0, 0], "normal mode"
                    self.code = int("".join(map(str, self.bits[2:])), 2)
            self.since["sclk"] = 0
        self.sync, self.sclk, self.last_din = sync, sclk, din


@pytest.mark.parametrize("clock", [25e6, 50e6, 100e6])
def test_the_dac_holds_every_level_it_is_given(clock: float) -> None:
    dut = LevelDac(clock)

    async def bench(ctx: Any) -> None:
        dac = Ad5641()

        async def run(cycles: int) -> None:
            for _ in range(cycles):
                *_, sync, sclk, din = await ctx.tick().sample(dut.sync, dut.sclk, dut.din)
                dac.pins(sync, sclk, din, 1e9 / clock)

        await run(100)
        assert dac.code == 0, "told so, whatever it powered up with"
        for level in (6000, 14000, 1, 16383, 0):
            ctx.set(dut.level, level)
            await run(200)
            assert dac.code == level
        ctx.set(dut.level, 9000)
        await run(20)
        ctx.set(dut.level, 12345)  # in mid-write
        await run(200)
        assert dac.code == 12345
        before = dac.since["sclk"]
        await run(100)
        assert dac.since["sclk"] > before, "nothing moves while the level stays"

    simulate(dut, bench)


@pytest.mark.parametrize("clock", [25e6, 100e6])
def test_a_disturbed_word_does_not_stay(clock: float) -> None:
    """Whatever the DAC holds, within two periods of refreshing it holds the level; and so it does ever after."""
    refresh = 12e-6
    cycles = int(refresh * clock)
    dut = LevelDac(clock, refresh)
    rng = random.Random(3)

    async def bench(ctx: Any) -> None:
        dac = Ad5641()

        async def run(count: int) -> None:
            for _ in range(count):
                *_, sync, sclk, din = await ctx.tick().sample(dut.sync, dut.sclk, dut.din)
                dac.pins(sync, sclk, din, 1e9 / clock)

        for _ in range(8):
            level = rng.choice((0, 6000, 10_000, 14_000))
            ctx.set(dut.level, level)
            await run(rng.randrange(2 * cycles))
            dac.code = rng.choice((None, 16383, 1))  # powered down, or any voltage
            await run(2 * cycles)
            assert dac.code == level

    simulate(dut, bench)


def test_the_level_is_written_every_millisecond() -> None:
    clock = 5e6
    dut = LevelDac(clock)
    starts: list[int] = []

    async def bench(ctx: Any) -> None:
        before = 1
        for cycle in range(int(2.5e-3 * clock)):
            *_, sync = await ctx.tick().sample(dut.sync)
            if before and not sync:
                starts.append(cycle)
            before = sync

    simulate(dut, bench)
    gaps = {after - before for before, after in pairwise(starts)}
    assert len(starts) == 3
    assert max(gaps) <= 1.001e-3 * clock


def test_the_gate_s_partner_in_its_pair_of_pads_is_not_harmed_by_its_edges() -> None:
    pins = BOARDS["ulx3s-85f"].pins
    (gate,) = pins["gate"]
    partner = gate.replace("+", "-")
    harmed = {pin for name in ("dac_sync", "dac_sclk", "interlock", "photon") for pin in pins[name]}
    assert partner not in harmed


def test_a_level_is_taken_over_only_whole_and_goes_off_at_once() -> None:
    dut = LevelCrossing()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.level_in, 6000)
        await ctx.tick().repeat(6)
        assert ctx.get(dut.level) == 6000
        seen = set()
        ctx.set(dut.level_in, 0x1555)  # some bits are late
        seen.add(ctx.get(dut.level))
        await ctx.tick()
        ctx.set(dut.level_in, 14000)
        for _ in range(8):
            await ctx.tick()
            seen.add(ctx.get(dut.level))
        assert seen == {6000, 14000}
        ctx.set(dut.hold_off, 1)
        assert ctx.get(dut.level) == 0
        await ctx.tick().repeat(5)
        ctx.set(dut.hold_off, 0)
        assert ctx.get(dut.level) == 0

    simulate(dut, bench)


def test_nothing_runs_before_the_pll_has_been_locked_for_a_while_nor_after_it_was_lost() -> None:
    dut = Supervisor(20)

    async def bench(ctx: Any) -> None:
        for cycles in (1, 19):
            ctx.set(dut.locked, 1)
            for _ in range(cycles):
                await ctx.tick()
                assert not ctx.get(dut.run)
            ctx.set(dut.locked, 0)
            await ctx.tick().repeat(4)
        ctx.set(dut.locked, 1)
        await ctx.tick().repeat(30)
        assert ctx.get(dut.run)
        ctx.set(dut.locked, 0)
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.run)
        ctx.set(dut.locked, 1)
        for _ in range(100):
            await ctx.tick()
            assert not ctx.get(dut.run), "off until the FPGA is configured again"

    simulate(dut, bench)


def test_a_lock_that_is_lost_between_two_edges_of_the_oscillator_is_noticed() -> None:
    dut = Supervisor(20)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.locked, 1)
        await ctx.tick().repeat(30)
        assert ctx.get(dut.run)
        await ctx.delay(1e-9)
        ctx.set(dut.locked, 0)
        await ctx.delay(1e-9)
        ctx.set(dut.locked, 1)
        await ctx.tick().repeat(2)
        for _ in range(100):
            await ctx.tick()
            assert not ctx.get(dut.run)

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("oscillator", "expected"), [(25e6, (1, 5)), (50e6, (2, 5)), (100e6, (4, 5))]
)
def test_every_board_s_oscillator_makes_the_clock(
    oscillator: float, expected: tuple[int, int]
) -> None:
    assert ratios(oscillator) == expected


def test_an_oscillator_that_does_not_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot make 125000000 Hz"):
        ratios(33.333e6)
