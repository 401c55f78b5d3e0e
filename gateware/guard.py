"""Output guard: the last block before the pins, which keeps the output within safe limits."""

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
# Decrease of the exposure per cycle in which the gate is low.
RECOVERY = DUTY_LIMIT_16THS // (16 - DUTY_LIMIT_16THS)


class Guard(wiring.Component):
    """Passes gate and level on to the pins only while no limit is exceeded.

    `level` is 0 or between LEVEL_MIN and LEVEL_MAX, whatever is requested. While `level_in` is 0, the gate stays low.
    Gate and level are low from reset until `enable` is asserted, and from any trip until one cycle after it has been
    acknowledged. These conditions trip:

    - `trip` is asserted;
    - the host has sent nothing for `watchdog` cycles, unless `watchdog` is 0;
    - the gate has been high for WIDTH_LIMIT consecutive cycles;
    - the exposure has reached WIDTH_LIMIT. Exposure increases by one in each cycle in which the gate is high and
      decreases by RECOVERY in each cycle in which it is low, so a duty cycle above DUTY_LIMIT_16THS/16 trips however
      the pulses are distributed;
    - `phase_fault` is asserted.

    tests/formal proves every sentence above.

    Parameters
    ----------
    fast_forward : bool
        Whether the block can be fast-forwarded; see `trelscope.gateware.fastforward`.

    Members
    -------
    gate_in : In(2)
        Requested gate, in two half cycles.
    level_in : In(LEVEL_BITS)
        Requested level.
    enable : In(1)
        The host allows the output to be driven.
    watchdog : In(32)
        Cycles without a request from the host after which the output trips; 0 never trips. A new value counts from the
        next cycle.
    acknowledge : In(8)
        Bits of `Trip` to clear in `cause`.
    alive : In(1)
        Strobe. The host has sent a request. Restarts the watchdog in the next cycle.
    trip : In(1)
        External trip, a strobe or a level.
    phase_fault : In(1)
        The launch phase had not settled when a launch fell due; a strobe or a level.
    gate : Out(2)
        Gate, in two half cycles. Registered; `LATENCY` cycles after `gate_in`.
    level : Out(LEVEL_BITS)
        Level. Registered; 2 cycles after `level_in`, and 1 cycle after a trip.
    cause : Out(8)
        Bits of `Trip`. Each is held until it is acknowledged.
    tripped : Out(1)
        The output is off because of a trip.
    driving : Out(1)
        The output is passed on.
    clamped : Out(1)
        The requested level lies outside the range. One cycle after `level_in`.
    skip : In(fastforward.SKIP_BITS)
        Cycles to advance in addition to the ordinary one. Present with `fast_forward`.
    horizon : Out(fastforward.Horizon())
        How far the block can be fast-forwarded. Present with `fast_forward`.
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
        high = Signal()  # the gate is high in at least one half cycle
        gate_next = Signal.like(self.gate)

        # The requests, registered, and what can be computed from them alone.
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

        # Counters are compared with their limits one cycle ahead; a flag next to each counter holds the result.
        silence = Signal(33, init=1)  # cycles since the host's last request, plus one
        overdue = Signal()  # at least `watchdog` cycles have passed since then
        with m.If(heard | ~self.enable | ~watched):
            m.d.sync += [silence.eq(1), overdue.eq(0)]
        with m.Elif(~overdue):
            m.d.sync += [
                silence.eq(silence + step),
                overdue.eq(silence + (step - 1) >= watchdog),
            ]

        run = Signal(range(WIDTH_LIMIT + 2))  # consecutive cycles in which the gate has been high
        full_run = Signal()  # one more such cycle reaches the limit
        exposure = Signal(range(WIDTH_LIMIT + 2))
        full_exposure = Signal()
        full = Signal()  # full_run | full_exposure
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
        latched = Signal()  # a cause is latched, or was in the previous cycle
        m.d.sync += [
            self.cause.eq((self.cause & ~self.acknowledge) | raised),
            latched.eq((self.cause | raised).any()),
        ]
        m.d.comb += [
            # Equivalent to `latched | raised.any()`, with less logic in the loop from the gate to itself.
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
