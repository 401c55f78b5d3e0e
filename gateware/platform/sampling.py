"""The photon pins: eight samples a cycle, 1 ns apart, and the edges among them."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CYCLE_NS


class Gearbox(wiring.Component):
    """Brings the samples of two DDR input registers at 250 MHz together, in order of time, in one 125 MHz word.

    Of pin `a` samples are taken 0, 2, 4, 6 ns into a cycle of `sync`, of pin `b` 1, 3, 5, 7 ns.

    Ports
        a: the two latest of pin a, in domain `early`; b: of pin b, in domain `late`, 1 ns later. Earlier one in bit 0.
        samples: eight, earliest in bit 0, in domain `sync`, LATENCY cycles of it after the first has reached `a`.

    A sample crosses from `late` to `early` in 3 ns and from there to `sync` in 4.
    """

    LATENCY = 2

    def __init__(self) -> None:
        super().__init__({"a": In(2), "b": In(2), "samples": Out(CYCLE_NS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        four = Signal(4)
        before = Signal(4)
        after = Signal(4)
        m.d.early += [
            four.eq(Cat(self.a[0], self.b[0], self.a[1], self.b[1])),
            after.eq(four),
            before.eq(after),
        ]
        m.d.sync += self.samples.eq(Cat(before, after))
        return m


class Edges(wiring.Component):
    """Photons out of samples: one where the discriminator has gone high, however long it stays so.

    Ports
        samples, photons: eight lanes of 1 ns, earliest in bit 0. Latency: 1 cycle, and `delay` more.
    """

    def __init__(self, delay: int = 0) -> None:
        self._delay = delay
        super().__init__({"samples": In(CYCLE_NS), "photons": Out(CYCLE_NS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        before = Signal()  # the sample before lane 0
        stage = self.samples & ~Cat(before, self.samples[:-1])
        m.d.sync += before.eq(self.samples[-1])
        for n in range(self._delay):
            late = Signal(CYCLE_NS, name=f"late{n}")
            m.d.sync += late.eq(stage)
            stage = late
        m.d.sync += self.photons.eq(stage)
        return m


class PhotonPins(wiring.Component):
    """Both pins of the discriminator, each with the DDR register that a pad has one of."""

    LATENCY = 5  # cycles from the pin to `photons`: 1 in the DDR registers, 1 gathering four samples, Gearbox, Edges

    def __init__(self, ports: io.PortLike, latency: int) -> None:
        self._ports = ports
        self._delay = latency - self.LATENCY
        super().__init__({"photons": Out(CYCLE_NS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gearbox = gearbox = Gearbox()
        m.submodules.edges = edges = Edges(self._delay)
        for n, (domain, samples) in enumerate((("early", gearbox.a), ("late", gearbox.b))):
            m.submodules[f"pin{n}"] = pin = io.DDRBuffer("i", self._ports[n], i_domain=domain)
            m.d.comb += samples.eq(Cat(pin.i))
        m.d.comb += [edges.samples.eq(gearbox.samples), self.photons.eq(edges.photons)]
        return m
