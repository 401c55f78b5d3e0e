"""Sampling window: decides which bin of the trace the current sample belongs to."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward
from trelscope.gateware.layouts import SETTINGS
from trelscope.gateware.protocol import CYCLE_NS, MAX_BIN_SHIFT


class Window(wiring.Component):
    """Computes the time of the current sample relative to the start of the window, and the bin it falls into.

    If a pulse is launched `dither` ns after a clock edge, the sample taken n cycles after that edge lies at
    t = 8 n - dither ns after the gate's rising edge. Its bin is (t - window_start) >> bin_shift. One sample is
    processed per cycle; `valid` and `bin` are combinational functions of registers.

    Parameters
    ----------
    depth : int
        Bins of the trace memory.
    latency : int
        Cycles from the one in which a launch falls due to the one whose sample shows the gate's rising edge, for a
        launch without dither.
    fast_forward : bool
        Whether the block can be fast-forwarded; see `trelscope.gateware.fastforward`.

    Members
    -------
    settings : In(SETTINGS)
        Settings of the train. Must be stable from the cycle of `prepare` to the end of the train.
    prepare : In(1)
        Strobe. The settings are valid. Comes at least one cycle before the first `begin`.
    begin : In(1)
        Strobe. The next cycle is the first one of a period.
    start : In(1)
        Asserted together with `begin` for the first period of a train, which has no dither.
    next_dither : In(7)
        Dither of the period that `begin` announces, in ns. Must have been stable for 3 cycles.
    close : In(1)
        Strobe. This is the last cycle of the train.
    origin : Out(signed(32))
        Value of `elapsed` in the first cycle of a period that has no dither.
    open : Out(1)
        Samples of this period are being taken or still to be taken.
    elapsed : Out(signed(32))
        Time from the start of the window to the current sample, in ns.
    valid : Out(1)
        The current sample lies in the window.
    bin : Out(range(depth))
        Bin of the current sample.
    skip : In(fastforward.SKIP_BITS)
        Cycles to advance in addition to the ordinary one. Present with `fast_forward`.
    horizon : Out(fastforward.Horizon())
        How far the block can be fast-forwarded. Present with `fast_forward`.
    place : Out(MAX_BIN_SHIFT)
        Time from the beginning of its bin to the current sample, in ns. Present with `fast_forward`.
    shift : Out(4)
        A bin is 2**`shift` ns wide. Present with `fast_forward`.
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
            "open": Out(1),
            "elapsed": Out(signed(32)),
            "valid": Out(1),
            "bin": Out(range(depth)),
        }
        if fast_forward:
            ports |= {
                "skip": In(fastforward.SKIP_BITS),
                "horizon": Out(fastforward.Horizon()),
                "place": Out(MAX_BIN_SHIFT),
                "shift": Out(4),
            }
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

        # -(delay + latency) cycles minus the window's start, of which only one sum carries.
        a, b = Cat(Const(0, 3), ~s.delay[:29]), ~s.window_start.as_unsigned()
        c = Const((1 - self._latency) * CYCLE_NS + 1, 32)
        carried = ((a & b) | (a & c) | (b & c))[:31]
        with m.If(self.prepare):
            m.d.sync += self.origin.eq((a ^ b ^ c) + Cat(Const(0, 1), carried))
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
            early = Signal(32)  # cycles until lane 7, 7 ns later than the sample, is in the window
            within = Signal(32)  # cycles until the sample is beyond the window
            m.d.comb += [
                early.eq((-self.elapsed)[3:]),
                within.eq((~beyond)[3:] + 1),
                self.horizon.calm.eq(
                    (~self.open | ~due | inside) & ~self.close & fastforward.settled(ahead)
                ),
                self.horizon.left.eq(
                    fastforward.saturate(self.open, Mux(inside, within, early)),
                ),
                self.place.eq(self.elapsed & ((1 << shift) - 1)),
                self.shift.eq(shift),
            ]
        return m
