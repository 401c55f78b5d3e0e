"""Clocks of a board: one PLL, and the supervisor that keeps the outputs off until it has locked."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, DomainRenamer, Instance, Module, Signal
from amaranth.lib import cdc, io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CLOCK_HZ

# Frequency of the PLL's oscillator. Phases are set in steps of 1/8 of its period, which is 250 ps.
VCO_HZ = 4 * CLOCK_HZ
STEPS_PER_NS = 8 * VCO_HZ // 1_000_000_000
OUTPUTS = {
    # domain: (output of the PLL, frequency / CLOCK_HZ, delay in ns)
    "sync": ("CLKOP", 1, 0),
    "early": ("CLKOS", 2, 0),
    "late": ("CLKOS2", 2, 1),
    "launch": ("CLKOS3", 1, 0),
}
"""`early` and `late` sample the photon pins; `launch` clocks the gate, and its phase changes while a train runs."""
ALSO_FALLING = ("sync", "early")
"""Domains of whose clocks the falling edges are used, too."""
LAUNCH_SELECT = 0b10  # PHASESEL of CLKOS3


def domains() -> list[ClockDomain]:
    """Clock domains that `Clocks` drives: `board` (the oscillator), those of OUTPUTS, `sync_fall` and `early_fall`.

    `sync_fall` has the falling edges of `sync`, `early_fall` those of `early`. No domain has a reset, because it would
    have to cross the whole chip in 8 ns. Configuration leaves all registers in their reset state, and the clock `sync`
    does not run until `Supervisor` starts it.
    """
    names = ("board", *OUTPUTS)
    falling = (
        ClockDomain(f"{name}_fall", reset_less=True, clk_edge="neg") for name in ALSO_FALLING
    )
    return [*(ClockDomain(name, reset_less=True) for name in names), *falling]


class Supervisor(wiring.Component):
    """Starts the instrument once the PLL has been locked for long enough.

    If the PLL loses lock after that, for however short a time, `run` goes low and stays low until the FPGA is
    configured again, because the state of the instrument can no longer be trusted.

    Parameters
    ----------
    cycles : int
        Cycles of the oscillator for which the PLL has to be locked.

    Members
    -------
    locked : In(1)
        The PLL is locked. Asynchronous.
    run : Out(1)
        The clock `sync` may run and the outputs may be on.
    """

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        super().__init__({"locked": In(1), "run": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unlocked = Signal()  # goes high at once, and low two cycles after the PLL has locked
        lost = Signal()
        m.submodules.locked = cdc.AsyncFFSynchronizer(~self.locked, unlocked)
        left = Signal(range(self._cycles + 1), init=self._cycles)
        with m.If(unlocked):
            m.d.sync += [self.run.eq(0), left.eq(self._cycles), lost.eq(lost | self.run)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Elif(~lost):
            m.d.sync += self.run.eq(1)
        return m


class Clocks(wiring.Component):
    """Drives the clocks of `domains`.

    Members
    -------
    step : In(1)
        PHASESTEP of the PLL: a falling edge moves the launch clock by 250 ps.
    back : In(1)
        Whether `step` makes the launch clock earlier instead of later.
    safe : Out(1)
        The clocks cannot be relied on, so the outputs must be off. Does not depend on any clock itself.
    """

    LOCK_CYCLES = 4096

    def __init__(self) -> None:
        super().__init__({"step": In(1), "back": In(1), "safe": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        oscillator = platform.default_clk_frequency
        divider, feedback = ratios(oscillator)
        m.submodules.pin = pin = io.Buffer("i", platform.request(platform.default_clk, dir="-"))
        m.d.comb += ClockSignal("board").eq(pin.i)

        m.submodules.supervisor = supervisor = DomainRenamer("board")(Supervisor(self.LOCK_CYCLES))
        m.d.comb += self.safe.eq(~supervisor.run | ~supervisor.locked)

        parameters: dict[str, int | str] = {}
        outputs: dict[str, Signal] = {}
        for domain, (name, factor, late) in OUTPUTS.items():
            raw = outputs[name] = Signal(name=f"pll_{domain}")
            clock = Signal(name=f"clk_{domain}", attrs={"keep": "true"})
            division = VCO_HZ // (CLOCK_HZ * factor)
            coarse, fine = divmod(late * STEPS_PER_NS, 8)
            parameters |= {
                f"p_{name}_ENABLE": "ENABLED",
                f"p_{name}_DIV": division,
                f"p_{name}_CPHASE": division - 1 + coarse,
                f"p_{name}_FPHASE": fine,
            }
            # Instantiated explicitly: nextpnr would not put a clock with few registers on the global network.
            m.submodules[f"buffer_{domain}"] = Instance(
                "DCCA",
                i_CLKI=raw,
                i_CE=supervisor.run if domain == "sync" else Const(1),
                o_CLKO=clock,
            )
            m.d.comb += ClockSignal(domain).eq(clock)
            for net in (raw, clock):
                platform.add_clock_constraint(net, CLOCK_HZ * factor)
            if domain in ALSO_FALLING:
                m.d.comb += ClockSignal(f"{domain}_fall").eq(clock)
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_CLKI_DIV=divider,
            p_CLKFB_DIV=feedback,
            p_FEEDBK_PATH="CLKOP",
            p_DPHASE_SOURCE="ENABLED",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_OUTDIVIDER_MUXB="DIVB",
            p_OUTDIVIDER_MUXC="DIVC",
            p_OUTDIVIDER_MUXD="DIVD",
            i_CLKI=pin.i,
            i_CLKFB=outputs["CLKOP"],
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_PLLWAKESYNC=Const(0),
            i_PHASESEL0=Const(LAUNCH_SELECT & 1),
            i_PHASESEL1=Const(LAUNCH_SELECT >> 1),
            i_PHASEDIR=self.back,
            i_PHASESTEP=self.step,
            i_PHASELOADREG=Const(1),
            i_ENCLKOP=Const(0),
            i_ENCLKOS=Const(0),
            i_ENCLKOS2=Const(0),
            i_ENCLKOS3=Const(0),
            o_LOCK=supervisor.locked,
            **parameters,
            **{f"o_{name}": net for name, net in outputs.items()},
        )
        return m


def ratios(oscillator: float) -> tuple[int, int]:
    """Input and feedback divider that make CLOCK_HZ from an oscillator (Hz). Raises ValueError if there are none."""
    for divider in range(1, 13):
        feedback, rest = divmod(CLOCK_HZ * divider, int(oscillator))
        if not rest:
            return divider, feedback
    raise ValueError(f"the PLL cannot make {CLOCK_HZ} Hz of {oscillator} Hz")
