"""Photon pins: eight samples per cycle, 1 ns apart, and detection of rising edges."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.platform.pins import DdrInput
from trelscope.gateware.protocol import CYCLE_NS


class Gearbox(wiring.Component):
    """Merges the samples of two DDR input registers at 250 MHz into one word at 125 MHz.

    Pin a is sampled 0, 2, 4 and 6 ns after an edge of `sync`, pin b 1, 3, 5 and 7 ns after it. The samples of pin b
    cross from `late` to `early` in 3 ns.

    Those of both pins cross from `early` to `sync` in a word that changes in the middle of a cycle of `sync`: it has
    stood still for 4 ns at an edge of `sync`, and stands still for 4 ns more, because nothing that the tools know of
    keeps the two clocks' edges from being some 100 ps apart. `sync` toggles a signal, which is sampled at the falling
    edges of `early`, 2 ns from all that changes; it shows which edge of `early` is the middle one.

    Members
    -------
    a : In(2)
        Latest two samples of pin a, the earlier one in bit 0. In domain `early`.
    b : In(2)
        Latest two samples of pin b, the earlier one in bit 0. In domain `late`, 1 ns after `early`.
    samples : Out(CYCLE_NS)
        Eight samples in order of time, that of an edge of `sync` in bit 0. In domain `sync`, LATENCY cycles after that
        edge.
    """

    LATENCY = 2
    """Cycles: 4 ns until the sample is in `a` and 4 ns until it is in `four`, 4 ns later in `word`, and 4 in `sync`."""

    def __init__(self) -> None:
        super().__init__({"a": In(2), "b": In(2), "samples": Out(CYCLE_NS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        toggle = Signal()
        fallen = Signal()  # `toggle`, from 2 ns after an edge of `sync` on
        now = Signal()
        before = Signal()
        m.d.sync += toggle.eq(~toggle)
        m.d.early_fall += fallen.eq(toggle)
        m.d.early += [now.eq(fallen), before.eq(now)]

        latest = Cat(self.a[0], self.b[0], self.a[1], self.b[1])
        four = Signal(4)
        word = Signal(CYCLE_NS)
        m.d.early += four.eq(latest)
        with m.If(now == before):  # so this edge is in the middle
            m.d.early += word.eq(Cat(four, latest))
        m.d.sync += self.samples.eq(word)
        return m


class Edges(wiring.Component):
    """Detects photons as rising edges of the discriminator; how long it stays high does not matter.

    Parameters
    ----------
    delay : int
        Additional latency in cycles.

    Members
    -------
    samples : In(CYCLE_NS)
        Samples of the discriminator, 1 ns apart, the earliest in bit 0.
    photons : Out(CYCLE_NS)
        Photons in lanes of 1 ns, the earliest in bit 0. `delay` + 1 cycles after `samples`.
    """

    def __init__(self, delay: int = 0) -> None:
        self._delay = delay
        super().__init__({"samples": In(CYCLE_NS), "photons": Out(CYCLE_NS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        before = Signal()  # sample before that of lane 0
        stage = self.samples & ~Cat(before, self.samples[:-1])
        m.d.sync += before.eq(self.samples[-1])
        for n in range(self._delay):
            late = Signal(CYCLE_NS, name=f"late{n}")
            m.d.sync += late.eq(stage)
            stage = late
        m.d.sync += self.photons.eq(stage)
        return m


class PhotonPins(wiring.Component):
    """Detects photons at both pins of the discriminator; each pad has one DDR register, so two pads are needed.

    Parameters
    ----------
    ports : io.PortLike
        Pins a and b, which are connected to the same output of the discriminator.
    latency : int
        Cycles from the pins to `photons`, at least LATENCY.

    Members
    -------
    photons : Out(CYCLE_NS)
        Photons in lanes of 1 ns, the earliest in bit 0.
    """

    LATENCY = Gearbox.LATENCY + 1  # and one of `Edges`

    def __init__(self, ports: io.PortLike, latency: int) -> None:
        self._ports = ports
        self._delay = latency - self.LATENCY
        super().__init__({"photons": Out(CYCLE_NS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gearbox = gearbox = Gearbox()
        m.submodules.edges = edges = Edges(self._delay)
        for n, (domain, samples) in enumerate((("early", gearbox.a), ("late", gearbox.b))):
            m.submodules[f"pin{n}"] = pin = DdrInput(self._ports[n], domain)
            m.d.comb += samples.eq(pin.i)
        m.d.comb += [edges.samples.eq(gearbox.samples), self.photons.eq(edges.photons)]
        return m
