"""Launch: puts the gate's edges on a 1 ns grid by shifting the phase of the clock that drives the pin."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.platform.clocks import STEPS_PER_NS
from trelscope.gateware.platform.pins import DdrPin
from trelscope.gateware.protocol import CYCLE_NS


class LaunchPhase(wiring.Component):
    """Moves the launch clock to `phase` in steps of the PLL, in the direction of the shorter distance.

    The clock has a period of 8 ns, so that 7 ns and 0 are 1 ns apart, and no move is longer than 4 ns. A move takes
    about 14 cycles per ns, and DRAIN and SETTLE cycles; the host allows for 64 cycles before a launch.

    Members
    -------
    phase : In(3)
        Requested phase in ns. The gate must be low while `ready` is low.
    change : In(1)
        Strobe. `phase` takes the value of `coming` in the next cycle.
    coming : In(3)
        Next value of `phase`. Must have been stable for 2 cycles when `change` is asserted.
    ready : Out(1, init=1)
        The launch clock has settled at `phase`. Low from the first cycle of a new phase.
    step : Out(1, init=1)
        Steps, to `PhaseStep`. The clock moves when it falls.
    back : Out(1)
        Direction input of the PLL: whether a step makes the clock earlier. Does not change around a step.
    late : Out(1)
        The phase is 4 ns or more; see `Launch`.
    """

    HIGH, LOW = 2, 1  # cycles of `step`
    DRAIN = 2
    """Additional cycles before the first step. By then a gate that its period's end cuts off is low at the pin: 47 ns
    after the beginning of the period's last cycle, at the latest phase. The first step comes at 56 ns."""
    SETTLE = 6

    def __init__(self) -> None:
        super().__init__(
            {
                "phase": In(3),
                "change": In(1),
                "coming": In(3),
                "ready": Out(1, init=1),
                "step": Out(1, init=1),
                "back": Out(1),
                "late": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        now = Signal(range(CYCLE_NS))  # phase of the clock in ns, after the last move of 1 ns
        way = Signal(range(CYCLE_NS))  # distance from there to the requested phase, a cycle late
        away = Signal()  # way != 0
        steps = Signal(range(STEPS_PER_NS + 1))
        wait = Signal(range(max(self.DRAIN + self.HIGH, self.SETTLE)))
        settled = Signal(init=1)
        there = Signal()  # the clock is at the coming phase already
        m.d.sync += [
            way.eq(self.phase - now),
            away.eq(self.phase != now),
            there.eq(self.coming == now),
            self.ready.eq(settled & ~away & Mux(self.change, there, self.phase == now)),
        ]
        with m.FSM():
            with m.State("SETTLED"):
                with m.If(away):
                    m.d.sync += [
                        settled.eq(0),
                        self.back.eq(way > CYCLE_NS // 2),
                        steps.eq(STEPS_PER_NS),
                        wait.eq(self.DRAIN + self.HIGH - 1),
                    ]
                    m.next = "HIGH"
            with m.State("HIGH"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += self.step.eq(0)
                    m.next = "LOW"
            with m.State("LOW"):
                m.d.sync += [self.step.eq(1), steps.eq(steps - 1), wait.eq(self.HIGH - 1)]
                m.next = "HIGH"
                with m.If(steps == 1):
                    m.d.sync += now.eq(Mux(self.back, now - 1, now + 1))
                    m.next = "MOVED"
            with m.State("MOVED"):
                # `now` is up to date here; `way` will be in the next cycle.
                m.next = "ARRIVED"
            with m.State("ARRIVED"):
                # Go on in the same direction, or wait until the clock has settled.
                m.d.sync += [steps.eq(STEPS_PER_NS), wait.eq(0)]
                m.next = "HIGH"
                with m.If(~away):
                    m.d.sync += [self.late.eq(now[-1]), wait.eq(self.SETTLE - 1)]
                    m.next = "SETTLE"
            with m.State("SETTLE"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += settled.eq(1)
                    m.next = "SETTLED"
        return m


class PhaseStep(wiring.Component):
    """Drives the PLL's step input: low from the falling edge of `step` to half a cycle after its rising edge.

    So it is low for a cycle and a half and high for as long, 12 ns, where the PLL needs 4 periods of its oscillator,
    which are 8 ns. The inputs of the gate in front of it never change together.

    Members
    -------
    step : In(1, init=1)
        From `LaunchPhase`.
    pin : Out(1)
        PHASESTEP of the PLL.
    """

    def __init__(self) -> None:
        super().__init__({"step": In(1, init=1), "pin": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        later = Signal(init=1)
        m.d.sync_fall += later.eq(self.step)
        m.d.comb += self.pin.eq(self.step & later)
        return m


class Launch(wiring.Component):
    """Drives the gate's pin with the launch clock, which puts out both half cycles of 4 ns at its edges.

    The gate crosses from `sync` to a clock that lags by 0 to 7 ns, through one of two registers: at 0 to 3 ns through
    one that is clocked by the falling edge of `sync`, at 4 to 7 ns through one that is clocked by the next rising edge.
    So between 4 and 8 ns are available for the crossing, and the pin is delayed by exactly the phase.

    Parameters
    ----------
    port : io.PortLike
        Pin of the gate.
    active_low : bool
        The pin is low while the gate is high.

    Members
    -------
    gate : In(2)
        Gate of the instrument, in two half cycles.
    late : In(1)
        The phase of the launch clock is 4 ns or more, from `LaunchPhase`.
    safe : In(1)
        Float the pin; a resistor holds it where the device is not driven.
    """

    LATENCY = 2 + DdrPin.LATENCY
    """Cycles from `gate` to the pin at phase 0: one to the crossing, one to cross, and those in the pad."""

    def __init__(self, port: io.PortLike, active_low: bool = False) -> None:
        self._port = port
        self._active_low = active_low
        super().__init__({"gate": In(2), "late": In(1), "safe": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        here = Signal(2)
        crossed = Signal(2)
        early = Signal(2)
        late = Signal(2)
        is_late = Signal()
        m.d.sync += [here.eq(self.gate), is_late.eq(self.late)]
        m.d.sync_fall += early.eq(here)
        m.d.sync += late.eq(here)
        m.d.launch += crossed.eq(Mux(is_late, late, early))
        m.submodules.pin = pin = DdrPin(self._port, "launch")
        # The pad's registers begin with 0, which is not safe for an inverted gate. By the end of `safe` the clock has
        # run for long enough to replace it.
        level = ~crossed if self._active_low else crossed
        m.d.comb += [pin.o.eq(level), pin.off.eq(self.safe)]
        return m
