"""Clocks of a board: one PLL, and what keeps the outputs off until it runs."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, DomainRenamer, Instance, Module, Signal
from amaranth.lib import cdc, io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CLOCK_HZ

VCO_HZ = (
    4 * CLOCK_HZ
)  # the PLL's oscillator: 1/8 of its period, the finest step of a phase, is 250 ps
STEPS_PER_NS = 8 * VCO_HZ // 1_000_000_000
OUTPUTS = {
    # domain: (PLL pin, MHz / 125, ns late)
    "sync": ("CLKOP", 1, 0),
    "early": ("CLKOS", 2, 0),
    "late": ("CLKOS2", 2, 1),
    "launch": ("CLKOS3", 1, 0),
}
"""`early` and `late` sample the photon pins; `launch` drives the gate and is moved while the instrument runs."""
LAUNCH_SELECT = 0b10  # CLKOS3, for PHASESEL


def domains() -> list[ClockDomain]:
    """The domains that `Clocks` drives: `board` (the oscillator), those of OUTPUTS, `sync_fall` (its falling edge).

    None has a reset: what the FPGA is configured with is the reset state, and `sync` stands still in it until
    `Supervisor` lets it run. A reset would have to cross the whole chip in 8 ns.
    """
    names = ("board", *OUTPUTS)
    falling = ClockDomain("sync_fall", reset_less=True, clk_edge="neg")
    return [*(ClockDomain(name, reset_less=True) for name in names), falling]


class Supervisor(wiring.Component):
    """Lets the instrument run once the PLL has been locked for `cycles` of the board's oscillator.

    Ports
        locked: from the PLL, asynchronous. run: the clock may start and the outputs may be on.

    A PLL that has been locked and loses it leaves `run` low until the FPGA is configured again: nobody knows
    what its clocks did meanwhile.
    """

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        super().__init__({"locked": In(1), "run": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        locked = Signal()
        lost = Signal()
        m.submodules.locked = cdc.FFSynchronizer(self.locked, locked)
        left = Signal(range(self._cycles + 1), init=self._cycles)
        with m.If(~locked):
            m.d.sync += [self.run.eq(0), left.eq(self._cycles), lost.eq(lost | self.run)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Elif(~lost):
            m.d.sync += self.run.eq(1)
        return m


class Clocks(wiring.Component):
    """Drives the clocks of `domains`.

    Ports
        step, back: move the launch clock by 250 ps on the falling edge of `step`, earlier if `back`.
        safe: the PLL is not to be trusted: outputs off, without any clock's help.
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
            # Explicitly: a clock that few registers use would be left off the global network.
            m.submodules[f"buffer_{domain}"] = Instance(
                "DCCA",
                i_CLKI=raw,
                i_CE=supervisor.run if domain == "sync" else Const(1),
                o_CLKO=clock,
            )
            m.d.comb += ClockSignal(domain).eq(clock)
            for net in (raw, clock):
                platform.add_clock_constraint(net, CLOCK_HZ * factor)
            if domain == "sync":
                m.d.comb += ClockSignal("sync_fall").eq(clock)
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
    """Input and feedback divider that make CLOCK_HZ of an oscillator (Hz)."""
    for divider in range(1, 13):
        feedback, rest = divmod(CLOCK_HZ * divider, int(oscillator))
        if not rest:
            return divider, feedback
    raise ValueError(f"the PLL cannot make {CLOCK_HZ} Hz of {oscillator} Hz")
