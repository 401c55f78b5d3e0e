"""Sampling window: which bin of the trace the present sample belongs to."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward
from trelscope.gateware.layouts import SETTINGS
from trelscope.gateware.protocol import CYCLE_NS


class Window(wiring.Component):
    """Time of the present sample relative to the window's start, and the bin it falls in.

    A sample taken n cycles after the launch of a pulse that is `dither` ns late lies at t = 8 n - dither ns after the
    gate's rising edge; `latency` is the whole number of cycles from a launch falling due to the cycle whose sample
    shows that edge. The bin is (t - window_start) >> bin_shift.

    Ports
        settings: latched on `prepare`, at least one cycle before the first `begin`.
        begin: strobe, the next cycle is the first of a period whose launch step is `next_dither`, known for 3 cycles;
        start: with it, of the first period: the step is 0.
        close: strobe, last cycle of the train.
        origin: `elapsed` in the first cycle of a period launched without dither;
        launched: `origin` counted from the launch instead of the window's start.
        elapsed: ns from the window's start to the present sample, signed; `open` while samples are due or to come.
        valid: the present sample lies in `bin`. Combinational from registers; one sample a cycle.
    """

    def __init__(self, depth: int, latency: int, fast_forward: bool = False) -> None:
        ports = {
            "settings": In(SETTINGS),
            "prepare": In(1),
            "begin": In(1),
            "start": In(1),
            "next_dither": In(7),
            "close": In(1),
            "origin": Out(signed(32)),
            "launched": Out(signed(32)),
            "open": Out(1),
            "elapsed": Out(signed(32)),
            "valid": Out(1),
            "bin": Out(range(depth)),
        }
        if fast_forward:
            ports |= {"skip": In(fastforward.SKIP_BITS), "horizon": Out(fastforward.Horizon())}
        self._fast_forward = fast_forward
        self._latency = latency
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.settings
        step = fastforward.step(self.skip if self._fast_forward else None)

        index = Signal(32)
        due = Signal()  # the window has started
        inside = Signal()
        beyond = Signal(signed(32))  # ns from the window's end to the present sample
        length = Signal(32)
        shift = Signal(4)
        dithered = Signal(signed(32))
        dithered_beyond = Signal(signed(32))
        ahead = [
            (length, s.window_bins << s.bin_shift),
            (shift, s.bin_shift),
            (dithered, self.origin - self.next_dither),
            (dithered_beyond, dithered - length),
        ]
        m.d.sync += [register.eq(value) for register, value in ahead]

        # -(delay + latency) cycles; and that minus the window's start, of which only one sum carries.
        launched = (~s.delay - (self._latency - 1)) * CYCLE_NS
        a, b = Cat(Const(0, 3), ~s.delay[:29]), ~s.window_start.as_unsigned()
        c = Const((1 - self._latency) * CYCLE_NS + 1, 32)
        carried = ((a & b) | (a & c) | (b & c))[:31]
        with m.If(self.prepare):
            m.d.sync += [
                self.origin.eq((a ^ b ^ c) + Cat(Const(0, 1), carried)),
                self.launched.eq(launched),
            ]
        m.d.comb += [
            due.eq(~self.elapsed[-1]),
            index.eq(self.elapsed[:31] >> shift),
            inside.eq(due & beyond[-1]),
            self.valid.eq(self.open & inside),
            self.bin.eq(index),
        ]
        with m.If(self.open):
            m.d.sync += [
                self.elapsed.eq(self.elapsed + step * CYCLE_NS),
                beyond.eq(beyond + step * CYCLE_NS),
            ]
            with m.If(self.close | (due & ~inside)):
                m.d.sync += self.open.eq(0)
        with m.If(self.begin):
            m.d.sync += [
                self.open.eq(1),
                self.elapsed.eq(Mux(self.start, self.origin, dithered)),
                beyond.eq(Mux(self.start, self.origin - length, dithered_beyond)),
            ]

        if self._fast_forward:
            # Cycles until lane 7, 7 ns later than the sample, is in the window.
            early = Signal(32)
            m.d.comb += [
                early.eq((-self.elapsed)[3:]),
                self.horizon.calm.eq((~self.open | ~due) & fastforward.settled(ahead)),
                self.horizon.left.eq(fastforward.saturate(self.open, early)),
            ]
        return m
