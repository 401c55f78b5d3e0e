"""Pins built from the ECP5's primitives, with features that `amaranth.lib.io` does not offer.

tests/unit/gateware/primitives.py has models of these primitives.
"""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out


class DdrPin(wiring.Component):
    """Double-data-rate output that can be floated without a clock.

    The pin shows `o` LATENCY cycles late: the primitive has three registers.

    Parameters
    ----------
    port : io.PortLike
        Pin.
    domain : str
        Clock domain.

    Members
    -------
    o : In(2)
        Output in the two half cycles, the earlier one in bit 0.
    off : In(1)
        Float the pin. Asynchronous.
    """

    LATENCY = 3

    def __init__(self, port: io.PortLike, domain: str) -> None:
        self._port = port
        self._domain = domain
        super().__init__({"o": In(2), "off": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        out = Signal()
        m.submodules.ddr = Instance(
            "ODDRX1F",
            i_SCLK=ClockSignal(self._domain),
            i_RST=Const(0),
            i_D0=self.o[0],
            i_D1=self.o[1],
            o_Q=out,
        )
        m.submodules.pad = Instance("OBZ", i_I=out, i_T=self.off, o_O=self._port.io)
        return m


class DdrInput(wiring.Component):
    """Double-data-rate input.

    Parameters
    ----------
    port : io.PortLike
        Pin.
    domain : str
        Clock domain.

    Members
    -------
    i : Out(2)
        The pin at the rising edge before the latest one, and at the falling edge after that; the earlier in bit 0.
    """

    def __init__(self, port: io.PortLike, domain: str) -> None:
        self._port = port
        self._domain = domain
        super().__init__({"i": Out(2)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        raw = Signal()
        m.submodules.pad = Instance("IB", i_I=self._port.io, o_O=raw)
        m.submodules.ddr = Instance(
            "IDDRX1F",
            i_SCLK=ClockSignal(self._domain),
            i_RST=Const(0),
            i_D=raw,
            o_Q0=self.i[0],
            o_Q1=self.i[1],
        )
        return m


class RegisteredPin(wiring.Component):
    """Output through the register in the pad, in `sync`, that can be floated without a clock.

    Parameters
    ----------
    port : io.PortLike
        Pin.

    Members
    -------
    o : In(1)
        Output. The pin shows it a cycle late.
    off : In(1)
        Float the pin. Asynchronous.
    """

    def __init__(self, port: io.PortLike) -> None:
        self._port = port
        super().__init__({"o": In(1), "off": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        out = Signal()
        m.submodules.register = Instance(
            "OFS1P3DX",
            i_SCLK=ClockSignal("sync"),
            i_SP=Const(1),
            i_CD=Const(0),
            i_D=self.o,
            o_Q=out,
        )
        m.submodules.pad = Instance("OBZ", i_I=out, i_T=self.off, o_O=self._port.io)
        return m


class Unused(wiring.Component):
    """Inputs that nobody reads. Their pins have the pull resistors that the port's attributes ask for.

    Parameters
    ----------
    port : io.PortLike
        Pins.
    """

    def __init__(self, port: io.PortLike) -> None:
        self._port = port
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for bit in range(len(self._port)):
            raw = Signal(name=f"raw{bit}")
            # Kept, because without a buffer the pins would be left out of the bitstream.
            m.submodules[f"pad{bit}"] = Instance("IB", a_keep=1, i_I=self._port.io[bit], o_O=raw)
        return m


class DelayedInputs(wiring.Component):
    """Input registers in `sync` with a delay between pins and registers.

    Parameters
    ----------
    port : io.PortLike
        Pins.
    taps : int
        Delay after configuration, and whenever `loadn` is low, in steps of 25 ps.

    Members
    -------
    loadn : In(1, init=1)
        LOADN of the cells. This and the next two are as `DelaySteps` says.
    move : In(1)
        MOVE of the cells.
    back : In(1)
        DIRECTION of the cells.
    i : Out(len(port))
        Registered inputs.
    """

    def __init__(self, port: io.PortLike, taps: int) -> None:
        self._port = port
        self._taps = taps
        super().__init__(
            {"loadn": In(1, init=1), "move": In(1), "back": In(1), "i": Out(len(port))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for bit in range(len(self._port)):
            raw, delayed = Signal(name=f"raw{bit}"), Signal(name=f"delayed{bit}")
            m.submodules[f"pad{bit}"] = Instance("IB", i_I=self._port.io[bit], o_O=raw)
            m.submodules[f"delay{bit}"] = Instance(
                "DELAYF",
                p_DEL_MODE="USER_DEFINED",
                p_DEL_VALUE=self._taps,
                i_A=raw,
                i_LOADN=self.loadn,
                i_MOVE=self.move,
                i_DIRECTION=self.back,
                o_Z=delayed,
            )
            m.submodules[f"register{bit}"] = Instance(
                "IFS1P3DX",
                i_SCLK=ClockSignal("sync"),
                i_SP=Const(1),
                i_CD=Const(0),
                i_D=delayed,
                o_Q=self.i[bit],
            )
        return m
