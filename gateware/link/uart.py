"""UART with 8 data bits, no parity and one stop bit."""

from math import gcd

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CLOCK_HZ

DATA_BITS = 8


class Uart(wiring.Component):
    """UART whose clock frequency need not be a multiple of the baud rate.

    A phase accumulator makes some bits one cycle longer than others, so that the mean baud rate is exact. The receiver
    samples each bit in its middle, counted from the edge of the start bit. A start bit that is high in its middle is
    ignored. The baud rate of the other side may differ by up to 4 %.

    Parameters
    ----------
    baud : int
        Baud rate, at most a quarter of `clock_hz`.
    clock_hz : int
        Clock frequency in Hz.

    Members
    -------
    rx_pin : In(1, init=1)
        Receive line. May be asynchronous to the clock.
    tx_pin : Out(1, init=1)
        Transmit line.
    rx : Out(stream.Signature(8))
        Bytes received. Each is held until it is taken.
    rx_overrun : Out(1)
        Strobe. A byte was dropped because its predecessor had not been taken, or because its stop bit was low.
    tx : In(stream.Signature(8))
        Bytes to send. One byte is taken every 10 bits, without gaps.
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
        """Phase accumulator of a bit, and a strobe in the bit's last cycle.

        The strobe is computed one cycle ahead, so whoever sets the phase must set the strobe as well.
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
        phase, last = self._bits(m, "rx")  # the phase wraps in the middle of a bit
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx_pin, line, init=1)
        shift = Signal(DATA_BITS)
        left = Signal(range(DATA_BITS + 1))
        with m.If(self.rx.ready):
            m.d.sync += self.rx.valid.eq(0)

        with m.FSM():
            with m.State("REST"):
                # One step is added for the cycle between the edge and this state.
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
            with m.State("BREAK"):  # a line that is held low must not be taken for more bytes
                with m.If(line):
                    m.next = "REST"
