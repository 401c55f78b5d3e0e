"""Properties of the guard's outputs."""

from amaranth.hdl import Module, Mux, ResetSignal, Signal, Value, signed

from trelscope.gateware import guard, protocol
from trelscope.gateware.protocol import LEVEL_MAX, LEVEL_MIN, Trip

from .prove import Spec, always, assume, invariant

WIDTH_LIMIT = protocol.WIDTH_LIMIT_NS // protocol.CYCLE_NS
ALLOWED = protocol.DUTY_LIMIT_16THS


class GuardSpec(Spec):
    """The guard, with its real limits."""

    def component(self) -> guard.Guard:
        return guard.Guard()

    def watch(self, m: Module) -> None:
        g = self.dut
        self.high = g.gate.any()
        self.off = (g.gate == 0) & (g.level == 0)

        self.was_reset = Signal(init=1, reset_less=True)
        m.d.sync += self.was_reset.eq(ResetSignal())

        # Cycles without a request from the host, counted independently of the guard.
        self.unheard = Signal(32)
        self.heard, self.time = self.past(g.alive), self.past(g.watchdog)
        self.level = self.past(g.level_in)
        self.watching = g.enable & (self.time != 0)
        with m.If(self.heard | ~self.watching):
            m.d.sync += self.unheard.eq(0)
        with m.Elif(~self.unheard.all()):
            m.d.sync += self.unheard.eq(self.unheard + 1)
        self.silent = self.watching & (self.unheard >= self.time)

        # Number of consecutive cycles in which the gate has been high.
        self.high_before = Signal(range(WIDTH_LIMIT + 2))
        with m.If(self.high):
            m.d.sync += self.high_before.eq(self.high_before + ~self.high_before.all())
        with m.Else():
            m.d.sync += self.high_before.eq(0)

        # High cycles minus 15 times the low ones, since an instant that z3 is free to choose.
        since = Signal()
        self.ports.append(since)
        self.excess_before = Signal(signed(40))
        self.excess = (
            Mux(since, 0, self.excess_before) + Mux(self.high, 16 - ALLOWED, -ALLOWED).as_signed()
        )
        floor = -(1 << 38)
        m.d.sync += self.excess_before.eq(Mux(self.excess < floor, floor, self.excess))

        self.cause_before = self.past(g.cause)
        self.acknowledged = self.past(g.acknowledge)

    def after(self, condition: Value) -> Value:
        """Gate and level are off in the cycle after `condition`."""
        return ~self.past(condition) | self.off

    @assume
    def watchdog_is_written_by_the_host(self) -> Value:
        """`watchdog` changes only in the cycle after a request (`RegisterFile.controls_change_when_alive`)."""
        return (self.dut.watchdog == self.time) | self.heard | self.was_reset

    @invariant
    def latched_says_that_there_is_a_cause(self) -> Value:
        """The flag `latched` is set while a cause is latched."""
        return self.inside("latched") | ~self.dut.cause.any()

    @invariant
    def high_says_that_the_gate_is(self) -> Value:
        """The flag `high` agrees with the gate."""
        return self.inside("high") == self.dut.gate.any()

    @invariant
    def full_is_either(self) -> Value:
        """The flag `full` is set if one of the flags of the two limits is."""
        return self.inside("full") == (self.inside("full_run") | self.inside("full_exposure"))

    @always
    def level_in_range(self) -> Value:
        """The level is 0 or between 3 and 7 V."""
        level = self.dut.level
        return (level == 0) | ((level >= LEVEL_MIN) & (level <= LEVEL_MAX))

    @always
    def no_gate_without_level(self) -> Value:
        """The gate is low whenever the level is 0."""
        return (self.dut.level != 0) | ~self.high

    @always
    def off_after_reset(self) -> Value:
        """Gate and level are off at power-up and in the cycle after a reset."""
        return ~self.was_reset | self.off

    @always
    def off_unless_enabled(self) -> Value:
        """Gate and level are off in the cycle after one in which `enable` is low."""
        return self.after(~self.dut.enable)

    @always
    def off_on_trip(self) -> Value:
        """Gate and level are off in the cycle after one with an external trip, a phase fault or a latched cause."""
        g = self.dut
        return self.after(g.trip | g.phase_fault | g.cause.any())

    @always
    def off_when_host_silent(self) -> Value:
        """Unless `watchdog` is 0, gate and level are off and a trip is latched when the host has sent nothing for
        `watchdog` cycles and one more."""
        latched = self.dut.cause[Trip.WATCHDOG.bit_length() - 1]
        return self.after(self.silent) & (~self.past(self.silent) | latched)

    @always
    def width_limited(self) -> Value:
        """The gate is never high for more consecutive cycles than the width limit allows, and a trip is latched in the
        last of them."""
        latched = self.dut.cause[Trip.WIDTH.bit_length() - 1]
        full = self.high & (self.high_before == WIDTH_LIMIT - 1)
        return (~self.high | (self.high_before < WIDTH_LIMIT)) & (~self.past(full) | latched)

    @always
    def duty_limited(self) -> Value:
        """In every interval of time, the number of cycles with the gate high exceeds 15 times the number with the gate
        low by at most the width limit."""
        return self.excess <= WIDTH_LIMIT

    @always
    def trip_latches(self) -> Value:
        """A latched cause stays until its own bit is acknowledged, and even then if the cause persists."""
        g = self.dut
        kept = (g.cause & self.cause_before) == self.cause_before
        without = self.cause_before & ~self.acknowledged
        external = self.past(g.trip)
        return self.was_reset | (
            (kept | self.acknowledged.any())
            & ((g.cause & without) == without)
            & (~external | g.cause[Trip.EXTERNAL.bit_length() - 1])
        )

    @always
    def passes_what_is_allowed(self) -> Value:
        """The guard is not trivially safe: while it is enabled and not tripped, it passes the gate on unchanged, and
        the level with one more cycle of latency."""
        g = self.dut
        fine = g.driving & (self.level >= LEVEL_MIN) & (self.level <= LEVEL_MAX)
        through = (g.gate == self.past(g.gate_in)) & (g.level == self.past(self.level))
        return ~self.past(fine) | through

    @invariant
    def what_is_asked(self) -> Value:
        """The guard's registers hold the requests of the previous cycle, or 0 after a reset, and its flags agree with
        them."""
        level = self.level
        return (
            (self.inside("level_asked") == level)
            & (self.inside("some_level") == (level != 0))
            & (self.inside("too_high") == (level > LEVEL_MAX))
            & (self.inside("too_low") == ((level < LEVEL_MIN) & (level != 0)))
            & (self.inside("heard") == self.heard)
            & (self.inside("watchdog") == self.time)
            & (self.inside("watched") == (self.time != 0))
            & (~self.was_reset | (self.time == 0))
        )

    @invariant
    def counters(self) -> Value:
        """The guard's counters agree with what they count."""
        silence, run = self.inside("silence"), self.inside("run")
        exposure = self.inside("exposure")
        capped = Mux(self.unheard < self.time, self.unheard, self.time)
        return (
            (silence == capped + 1)
            & (~self.watching | (self.inside("overdue") == (self.unheard >= self.time)))
            & (self.inside("full_run") == (run >= WIDTH_LIMIT - 1))
            & (self.inside("full_exposure") == (exposure >= WIDTH_LIMIT - 1))
            & (run == self.high_before)
            & (run <= WIDTH_LIMIT)
            & (exposure <= WIDTH_LIMIT)
            & (~self.high | ((run < WIDTH_LIMIT) & (exposure < WIDTH_LIMIT)))
            & (self.excess_before <= exposure.as_unsigned())
            & (self.excess_before >= -(1 << 39))
        )
