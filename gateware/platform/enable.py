"""Output enable of the drive switch: on before the gate can be high, and off only after the gate has been low."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CLOCK_HZ, LEVEL_BITS


class OutputEnable(wiring.Component):
    """Keeps the drive switch enabled while there is a level, and for DRAIN cycles after that.

    A switch that is disabled lets its output float at the voltage that it had. So the guard's gate, which is never high
    at level 0, goes low first, the switch discharges the device, and then it is disabled. At level 0 it stays disabled.

    tests/formal proves every sentence above.

    Members
    -------
    level : In(LEVEL_BITS)
        Level of the instrument.
    enable : Out(1)
        The switch may drive its output. Registered.
    """

    DRAIN = 5 * CLOCK_HZ // 1_000_000
    """Cycles in 5 µs, in which a device of 100 nF behind 10 Ω is discharged to below 1 %."""

    def __init__(self) -> None:
        super().__init__({"level": In(LEVEL_BITS), "enable": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        on = Signal()
        left = Signal(range(self.DRAIN + 1))
        m.d.sync += on.eq(self.level.any())
        with m.If(on):
            m.d.sync += [left.eq(self.DRAIN), self.enable.eq(1)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            m.d.sync += self.enable.eq(0)
        return m
