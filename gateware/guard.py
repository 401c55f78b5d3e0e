"""Output safety: the last block before the pins."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward
from trelscope.gateware.fastforward import least, saturate
from trelscope.gateware.protocol import (
    CYCLE_NS,
    DUTY_LIMIT_16THS,
    LEVEL_BITS,
    LEVEL_MAX,
    LEVEL_MIN,
    WIDTH_LIMIT_NS,
    Trip,
)

WIDTH_LIMIT = WIDTH_LIMIT_NS // CYCLE_NS
RECOVERY = DUTY_LIMIT_16THS // (16 - DUTY_LIMIT_16THS)  # exposure shed per cycle with the gate low


class Guard(wiring.Component):
    """Lets a level and gate out only while everything is as it should be.

    `level` is 0 or within LEVEL_MIN..LEVEL_MAX, whatever is asked. Gate and level are low from reset until `enable`,
    and again from any trip until a cycle after it is acknowledged: the external `trip` input, host silence for
    `watchdog` cycles (0: not watched), a gate high for WIDTH_LIMIT cycles on end, or `exposure` that reaches the same
    limit.
    Exposure grows by one each cycle the gate is high and shrinks by RECOVERY each cycle it is low, so a duty cycle
    above DUTY_LIMIT_16THS/16 trips however it is spread. At level 0 the gate stays low as well.

    Ports
        gate_in, level_in: what the instrument asks for.
        enable, watchdog, acknowledge (bits of `Trip`): from the register file.
        alive: strobe, the host has been heard.
        trip, phase_fault: external trip, launch phase not settled; both strobes or levels.
        gate: registered, latency `LATENCY` = 1 cycle; level: registered, latency 2 cycles, 1 to be switched off;
        `cause`: latched trips; `driving`: output let through; clamped: the level asked for lies outside the range, a
        cycle late. `alive` and `watchdog` count from the next cycle.

    tests/formal proves every sentence above.
    """

    LATENCY = 1

    def __init__(self, fast_forward: bool = False) -> None:
        ports = {
            "gate_in": In(2),
            "level_in": In(LEVEL_BITS),
            "enable": In(1),
            "watchdog": In(32),
            "acknowledge": In(8),
            "alive": In(1),
            "trip": In(1),
            "phase_fault": In(1),
            "gate": Out(2),
            "level": Out(LEVEL_BITS),
            "cause": Out(8),
            "tripped": Out(1),
            "driving": Out(1),
            "clamped": Out(1),
        }
        if fast_forward:
            ports |= {"skip": In(fastforward.SKIP_BITS), "horizon": Out(fastforward.Horizon())}
        self._fast_forward = fast_forward
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        skip = self.skip if self._fast_forward else None
        step = fastforward.step(skip)
        high = Signal()  # the gate is, in either half
        gate_next = Signal.like(self.gate)

        # What is asked for, with what follows from it alone.
        level_asked = Signal(LEVEL_BITS)
        some_level = Signal()
        too_high = Signal()
        too_low = Signal()
        heard = Signal()
        watchdog = Signal(32)
        watched = Signal()  # watchdog != 0
        asked = [
            (level_asked, self.level_in),
            (some_level, self.level_in != 0),
            (too_high, self.level_in > LEVEL_MAX),
            (too_low, (self.level_in < LEVEL_MIN) & (self.level_in != 0)),
            (heard, self.alive),
            (watchdog, self.watchdog),
            (watched, self.watchdog != 0),
        ]
        m.d.sync += [register.eq(value) for register, value in asked]
        allowed = Mux(too_high, LEVEL_MAX, Mux(too_low, LEVEL_MIN, level_asked))
        m.d.comb += self.clamped.eq(too_high | too_low)

        # Limits are compared with a cycle ahead: a flag beside each counter says that it has got there.
        silence = Signal(33, init=1)  # cycles since the host was heard, plus one
        overdue = Signal()  # those cycles are `watchdog` or more
        with m.If(heard | ~self.enable | ~watched):
            m.d.sync += [silence.eq(1), overdue.eq(0)]
        with m.Elif(~overdue):
            m.d.sync += [
                silence.eq(silence + step),
                overdue.eq(silence + (step - 1) >= watchdog),
            ]

        run = Signal(range(WIDTH_LIMIT + 2))  # cycles the gate has been high on end
        full_run = Signal()  # at the limit with the next one
        exposure = Signal(range(WIDTH_LIMIT + 2))
        full_exposure = Signal()
        full = Signal()  # either
        run_fills = Signal()
        exposure_fills = Signal()
        shed = Signal(fastforward.SKIP_BITS + 5)
        m.d.comb += shed.eq(step * RECOVERY if skip is None else (step << 4) - step)
        assert RECOVERY == 15, "shed is written as step * 16 - step"
        last = WIDTH_LIMIT - 1
        with m.If(high):
            m.d.sync += [run.eq(run + step), exposure.eq(exposure + step)]
            m.d.comb += [
                run_fills.eq(run >= last - step),
                exposure_fills.eq(exposure >= last - step),
            ]
        with m.Else():
            m.d.sync += [run.eq(0), exposure.eq(Mux(exposure > shed, exposure - shed, 0))]
            m.d.comb += exposure_fills.eq(exposure >= last + shed)
        m.d.sync += [
            full_run.eq(run_fills),
            full_exposure.eq(exposure_fills),
            full.eq(run_fills | exposure_fills),
        ]

        raised = Signal(8)
        expired = self.enable & overdue
        for cause, condition in {
            Trip.EXTERNAL: self.trip,
            Trip.WATCHDOG: expired,
            Trip.WIDTH: high & full_run,
            Trip.DUTY: high & full_exposure,
            Trip.PHASE: self.phase_fault,
        }.items():
            with m.If(condition):
                m.d.comb += raised[cause.value.bit_length() - 1].eq(1)
        latched = Signal()  # there is a cause, or was one in the previous cycle
        m.d.sync += [
            self.cause.eq((self.cause & ~self.acknowledge) | raised),
            latched.eq((self.cause | raised).any()),
        ]
        m.d.comb += [
            # As `latched | raised.any()`, with less between the gate and itself.
            self.tripped.eq(latched | self.trip | expired | (high & full) | self.phase_fault),
            self.driving.eq(self.enable & ~self.tripped),
            gate_next.eq(Mux(self.driving & some_level, self.gate_in, 0)),
        ]
        off = Const(0, LEVEL_BITS)
        m.d.sync += [
            self.gate.eq(gate_next),
            high.eq(gate_next.any()),
            self.level.eq(Mux(self.driving, allowed, off)),
        ]

        if self._fast_forward:
            settled = (
                (self.gate == gate_next)
                & (self.level == Mux(self.driving, allowed, off))
                & (self.acknowledge == 0)
                & (raised == 0)
                & (latched == self.cause.any())
                & ~self.alive
                & fastforward.settled(asked)
            )
            watching = self.enable & watched
            m.d.comb += [
                self.horizon.calm.eq(settled & (high | (run == 0))),
                self.horizon.left.eq(
                    least(
                        saturate(watching, (watchdog + 1 - silence)[:32]),
                        saturate(high, (WIDTH_LIMIT - 1 - run)[: len(run)]),
                        saturate(high, (WIDTH_LIMIT - 1 - exposure)[: len(exposure)]),
                    )
                ),
            ]
        return m
