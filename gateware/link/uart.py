"""Bytes over two wires: 8 data bits, no parity, one stop bit."""

from math import gcd

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CLOCK_HZ

DATA_BITS = 8


class Uart(wiring.Component):
    """Sender and receiver at `baud`, of which `clock_hz` need be no multiple: bits are a whole number of cycles long
    on average, to the last digit.

    Ports
        rx_pin, tx_pin: the wires, high at rest; rx_pin need not be synchronous.
        rx: bytes received, each held until taken or until the next one is complete. rx_overrun: strobe, a byte was
        dropped: the one before it had not been taken, or its stop bit was low.
        tx: bytes to send, taken one every 10 bits without a gap.

    The receiver looks at the middle of each bit, counted from the start bit's edge; a start bit that is not there any
    more at its middle is none. Two wires out of step by up to 4 % of a bit's length still understand each other.
    """

    def __init__(self, baud: int, clock_hz: int = CLOCK_HZ) -> None:
        common = gcd(baud, clock_hz)
        self._step, self._turn = baud // common, clock_hz // common
        assert 4 * self._step <= self._turn, "a bit has four cycles or more"
        super().__init__(
            {
                "rx_pin": In(1, init=1),
                "tx_pin": Out(1, init=1),
                "rx": Out(stream.Signature(8)),
                "rx_overrun": Out(1),
                "tx": In(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._send(m)
        self._receive(m)
        return m

    def _bits(self, m: Module, name: str) -> tuple[Signal, Signal]:
        """Phase within a bit, of `turn` steps, and the strobe of its last cycle, known a cycle ahead.

        Who sets the phase anew sets the strobe as well.
        """
        phase = Signal(range(self._turn), name=f"{name}_phase")
        last = Signal(name=f"{name}_last")
        m.d.sync += last.eq(~last & (phase >= self._turn - 2 * self._step))
        with m.If(last):
            m.d.sync += phase.eq(phase - (self._turn - self._step))
        with m.Else():
            m.d.sync += phase.eq(phase + self._step)
        return phase, last

    def _send(self, m: Module) -> None:
        phase, last = self._bits(m, "tx")
        shift = Signal(DATA_BITS + 2, init=-1)
        left = Signal(range(DATA_BITS + 3))
        m.d.comb += [self.tx_pin.eq(shift[0]), self.tx.ready.eq((left == 0) | (left == 1) & last)]
        with m.If(last & (left != 0)):
            m.d.sync += [shift.eq(Cat(shift[1:], Const(1))), left.eq(left - 1)]
        with m.If(self.tx.valid & self.tx.ready):
            m.d.sync += [shift.eq(Cat(Const(0), self.tx.payload, Const(1))), left.eq(len(shift))]
            with m.If(left == 0):
                m.d.sync += [phase.eq(0), last.eq(0)]

    def _receive(self, m: Module) -> None:
        phase, last = self._bits(m, "rx")  # a turn's end is the middle of a bit
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx_pin, line, init=1)
        shift = Signal(DATA_BITS)
        left = Signal(range(DATA_BITS + 1))
        with m.If(self.rx.ready):
            m.d.sync += self.rx.valid.eq(0)

        with m.FSM():
            with m.State("REST"):
                # A cycle is lost between the edge and here.
                m.d.sync += [
                    phase.eq(self._turn // 2 + self._step),
                    last.eq(0),
                    left.eq(DATA_BITS),
                ]
                with m.If(~line):
                    m.next = "START"
            with m.State("START"):
                with m.If(last):
                    m.next = "DATA"
                    with m.If(line):
                        m.next = "REST"
            with m.State("DATA"):
                with m.If(last):
                    m.d.sync += [shift.eq(Cat(shift[1:], line)), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.next = "STOP"
            with m.State("STOP"):
                with m.If(last):
                    m.next = "REST"
                    with m.If(~line):
                        m.d.comb += self.rx_overrun.eq(1)
                        m.next = "BREAK"
                    with m.Elif(self.rx.valid & ~self.rx.ready):
                        m.d.comb += self.rx_overrun.eq(1)
                    with m.Else():
                        m.d.sync += [self.rx.payload.eq(shift), self.rx.valid.eq(1)]
            with m.State("BREAK"):  # or the rest of a line held low would be bytes
                with m.If(line):
                    m.next = "REST"
