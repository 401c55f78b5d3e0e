"""The whole way from the instrument to a pin and from a pin to the instrument, with the registers that pads have."""

import random
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from trelscope.gateware.platform import pins
from trelscope.gateware.platform.adc import Adc
from trelscope.gateware.platform.launch import Launch
from trelscope.gateware.platform.pins import RegisteredPin
from trelscope.gateware.platform.sampling import PhotonPins
from trelscope.gateware.protocol import CYCLE_NS

from .primitives import Pads, Pin, falling, pads

__all__ = ["pads"]
NS = 1e-9
START = 8  # ns from the beginning of the simulation to the first edge of `sync`


def clocked(m: Module, **phases: float) -> Simulator:
    """A simulator with `sync`, and with domains of 125 or 250 MHz that are late by as many ns."""
    simulator = Simulator(m)
    for name, late in {"sync": 0.0, **phases}.items():
        period = 4 if name in ("early", "late") else 8
        simulator.add_clock(period * NS, phase=(START + late) * NS, domain=name)
    return simulator


@pytest.mark.parametrize("active_low", [False, True])
def test_the_gate_is_safe_in_every_phase_of_power_up(
    monkeypatch: pytest.MonkeyPatch, active_low: bool
) -> None:
    """Held by a resistor; driven when `safe` has ended, and no register holds what it began with; then held again."""
    monkeypatch.setattr(pins, "Instance", Pads(pulled=active_low))
    m = Module()
    falling(m, "sync")
    port = Pin()
    m.submodules.dut = dut = Launch(port, active_low)
    seen: set[tuple[int, int]] = set()  # whether the gate is high, and whether the device is driven
    asked = 0

    async def scope(ctx: Any) -> None:
        while True:
            seen.add((asked, int(ctx.get(port.io) != active_low)))
            await ctx.delay(1 * NS)

    async def bench(ctx: Any) -> None:
        nonlocal asked
        ctx.set(dut.safe, 1)
        await ctx.tick("sync").repeat(10)
        ctx.set(dut.safe, 0)
        await ctx.tick("sync").repeat(10)
        assert seen == {(0, 0)}
        asked = 1
        ctx.set(dut.gate, 0b11)
        await ctx.tick("sync").repeat(10)
        assert (1, 1) in seen
        ctx.set(dut.safe, 1)
        asked = 0
        await ctx.tick("sync").repeat(10)
        assert (0, 1) not in seen

    simulator = clocked(m, launch=0)
    simulator.add_testbench(bench)
    simulator.add_testbench(scope, background=True)
    simulator.run()


@pytest.mark.usefixtures("pads")
@pytest.mark.parametrize("phase", range(8))
def test_from_the_gate_to_the_pin(phase: int) -> None:
    """Every edge is at the pin LATENCY cycles after its half cycle, and `phase` ns more."""
    rng = random.Random(phase)
    gates = [0] * 4 + [rng.randrange(4) for _ in range(40)] + [0] * 10
    m = Module()
    falling(m, "sync")
    port = Pin()
    m.submodules.dut = dut = Launch(port)
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.late, phase >= 4)
        for gate in gates:
            await ctx.tick("sync")
            ctx.set(dut.gate, gate)

    async def scope(ctx: Any) -> None:
        await ctx.delay((START + 0.5) * NS)  # in the middle of every ns after the first edge
        while True:
            seen.append(ctx.get(port.io))
            await ctx.delay(1 * NS)

    simulator = clocked(m, launch=phase)
    simulator.add_testbench(bench)
    simulator.add_testbench(scope, background=True)
    simulator.run()
    asked = [gate >> (ns >= 4) & 1 for gate in gates for ns in range(8)]
    late = 8 * Launch.LATENCY + phase
    assert seen[late:] == asked[: len(seen) - late]
    assert not any(seen[:late])


@pytest.mark.usefixtures("pads")
def test_from_the_pin_to_photons() -> None:
    """A photon is in the lane of its ns, and `latency` cycles after that lane's cycle, which has been waited for."""
    latency = PhotonPins.LATENCY + 2
    rng = random.Random(1)
    wire = [0] * 64
    while len(wire) < 2000:
        wire += [1] * rng.randint(2, 9) + [0] * rng.randint(2, 20)
    m = Module()
    falling(m, "early", "late")
    port = Pin(2)
    m.submodules.dut = dut = PhotonPins(port, latency)
    got: list[int] = []

    async def discriminator(ctx: Any) -> None:
        await ctx.delay(
            (START - 0.5) * NS
        )  # each value lasts from half a ns before its sample to half a ns after
        for level in wire:
            ctx.set(port.io, 0b11 * level)
            await ctx.delay(1 * NS)

    async def bench(ctx: Any) -> None:
        await ctx.tick("sync")
        for _ in range(len(wire) // 8 - 2):
            *_, photons = await ctx.tick("sync").sample(dut.photons)
            got.extend(photons >> lane & 1 for lane in range(CYCLE_NS))

    simulator = clocked(m, early=0, late=1)
    simulator.add_testbench(bench)
    simulator.add_testbench(discriminator, background=True)
    simulator.run()
    edges = [int(now and not before) for before, now in zip([0, *wire], wire, strict=False)]
    late = 8 * latency
    assert sum(edges) > 60
    assert got[late:] == edges[: len(got) - late]


class Ltc2285:
    """The ADC by its data sheet: codes come out 5.4 ns after the fifth edge after the one that took them."""

    AFTER_NS = 5.4

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.codes: list[int] = []

    def edge(self, now: int) -> None:
        """A rising edge of CLK, at a time in ns, which the sample's code tells."""
        self.taken.append(now & 0x3FFF)

    @property
    def code(self) -> int | None:
        """What is on the bus from AFTER_NS after the latest edge on."""
        return self.taken[-1 - Adc.PIPELINE] if len(self.taken) > Adc.PIPELINE else None


@pytest.mark.usefixtures("pads")
def test_from_the_adc_s_clock_to_samples() -> None:
    """A sample shows half a cycle more than LATENCY after the edge that took it: it is 4 ns older than its bin says.

    That holds for pins and traces without delay; what goes out and what comes back do not shift it by a cycle unless
    they use up the margin of the capturing edge.
    """
    m = Module()
    clock, light, drive = Pin(), Pin(14), Pin(14)
    m.submodules.dut = dut = Adc(clock, light, drive)
    ages: list[int] = []

    async def converter(ctx: Any) -> None:
        adc = Ltc2285()
        at = START  # ns
        await ctx.delay((START + 0.25) * NS)
        before = ctx.get(clock.io)
        while True:
            now = ctx.get(clock.io)
            if now and not before:
                adc.edge(at)
                await ctx.delay(adc.AFTER_NS * NS)
                if adc.code is not None:
                    ctx.set(light.io, adc.code)
                    ctx.set(drive.io, adc.code)
                await ctx.delay((6 - adc.AFTER_NS) * NS)
                at += 6
                before = ctx.get(clock.io)
            else:
                before = now
                await ctx.delay(1 * NS)
                at += 1

    async def bench(ctx: Any) -> None:
        now = START
        for n in range(60):
            await ctx.tick("sync")
            shown = {ctx.get(dut.samples[channel]) for channel in range(2)}
            assert len(shown) == 1
            if n > 30:
                ages.append(now - shown.pop())
            now += 8

    simulator = clocked(m)
    simulator.add_testbench(bench)
    simulator.add_testbench(converter, background=True)
    simulator.run()
    assert set(ages) == {8 * Adc.LATENCY + 4}


@pytest.mark.usefixtures("pads")
def test_enable_leaves_through_a_register() -> None:
    m = Module()
    port = Pin()
    m.submodules.dut = dut = RegisteredPin(port)
    spike = Signal()
    m.d.comb += dut.o.eq(spike)

    async def bench(ctx: Any) -> None:
        await ctx.tick("sync")
        ctx.set(spike, 1)
        await ctx.delay(1 * NS)
        assert not ctx.get(port.io), "nothing between two edges reaches the pin"
        ctx.set(spike, 0)
        await ctx.tick("sync")
        assert not ctx.get(port.io)
        ctx.set(spike, 1)
        await ctx.tick("sync")
        assert ctx.get(port.io)
        ctx.set(dut.off, 1)
        assert not ctx.get(port.io), "at once"

    simulator = clocked(m)
    simulator.add_testbench(bench)
    simulator.run()
