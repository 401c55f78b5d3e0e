"""The launch: gate edges on a 1 ns grid, by moving the clock that drives the pin."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.platform.clocks import STEPS_PER_NS
from trelscope.gateware.platform.pins import DdrPin
from trelscope.gateware.protocol import CYCLE_NS


class LaunchPhase(wiring.Component):
    """Moves the launch clock to `phase` by steps of the PLL, the shorter way round.

    The clock repeats every 8 ns, so from 7 ns on to 0 is one step of 1 ns forward, and no move is longer than 4 ns.

    Ports
        phase: wanted, ns; the gate must be low while `ready` is low.
        change: strobe, `coming` is wanted from the next cycle on, and has been known for 2 cycles.
        ready: the launch clock is there and has settled; low from the first cycle in which another phase is wanted.
        step, back: to the PLL; a step is taken when `step` falls, and `back` stands still around it.
        late: the phase is 4 ns or more (see `Launch`).

    Latency of `ready`: about 14 cycles a ns of way, and SETTLE. The host leaves 64 before a launch.
    """

    HIGH, LOW = 2, 1  # cycles of `step`: each at least 4 periods of the PLL's oscillator, 8 ns
    SETTLE = 8

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
        now = Signal(range(CYCLE_NS))  # where the clock is, or is being moved to
        way = Signal(range(CYCLE_NS))  # from there to what is wanted, a cycle late
        away = Signal()  # way != 0
        steps = Signal(range(STEPS_PER_NS + 1))
        wait = Signal(range(max(self.HIGH, self.SETTLE)))
        settled = Signal(init=1)
        there = Signal()  # where the coming phase wants it
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
                        wait.eq(self.HIGH - 1),
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
                # `now` is up to date again, and in the next cycle the way left.
                m.next = "ARRIVED"
            with m.State("ARRIVED"):
                # Further the same way, or wait until the clock has settled.
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


class Launch(wiring.Component):
    """The gate's pin: both half cycles of 4 ns leave on the launch clock's edges.

    From `sync` the gate crosses to a clock that is 0 to 7 ns later, in one of two registers: the one that follows
    `sync`'s falling edge for 0 to 3 ns, the next rising edge's for 4 to 7 ns. So every crossing has between 4 and 8 ns,
    and the pin is late by exactly the phase.

    Ports
        gate: of the instrument; late: of `LaunchPhase`; safe: the pin floats, and the resistor at it pulls it low.
    """

    LATENCY = 4  # cycles from `gate` to the pin at phase 0: one to get there, one to cross, two in the DDR register

    def __init__(self, port: io.PortLike) -> None:
        self._port = port
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
        m.d.comb += [pin.o.eq(crossed), pin.off.eq(self.safe)]
        return m
