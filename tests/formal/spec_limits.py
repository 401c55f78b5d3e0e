"""Properties of settings: none is outside its limits, and no train starts on settings that do not go together."""

from functools import reduce
from operator import and_

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data

from trelscope.gateware import instrument, protocol
from trelscope.gateware.layouts import CONTROLS, REPLY, SETTINGS
from trelscope.gateware.link.deframer import REQUEST_FRAME
from trelscope.gateware.protocol import LAUNCH_TAIL, MIN_PERIOD, REGISTERS, Access, Feature, Outcome

from .prove import Spec, always, invariant
from .spec_instrument import InstrumentSpec

DEPTH, FEATURES = 16, Feature.DRIVE_MONITOR
WRITABLE = [r for r in REGISTERS.values() if r.access is not Access.READ]


def all_of(conditions: list[Value]) -> Value:
    """Whether all conditions are true."""
    return reduce(and_, conditions)


def within(register: protocol.Register, value: Value) -> Value:
    """Whether a register may have a value, which is signed if the register is."""
    lowest, highest = protocol.limits_on(register.name, DEPTH, FEATURES)
    return (value >= lowest) & (value <= highest)


def startable(settings: data.View) -> Value:
    """Whether settings go together: `protocol.startable`."""
    latest = settings.delay + ((settings.dither - 1) >> 3)
    in_time = latest + LAUNCH_TAIL <= settings.period
    return in_time & (settings.period_num < settings.period_den)


class LimitsKept(Spec):
    """What is known of a register file: the component itself, or one of its submodules named `registers`."""

    registers = ""

    def offered(self) -> tuple[Value, Value]:
        """Whether a request is offered, and its value."""
        raise NotImplementedError

    def watch(self, m: Module) -> None:
        self.settings = SETTINGS(self.register_file("settings"))
        self.controls = CONTROLS(self.register_file("controls"))
        self.reply = REPLY(self.register_file("reply"))
        self.executed = self.register_file("executed")
        self.startable = self.register_file("startable")
        self.startable_before = self.past(self.startable, init=1)
        written, outside = self.register_file("written"), self.register_file("outside")
        self.written = dict(zip(REGISTERS, written, strict=True))
        self.outside = dict(zip(REGISTERS, outside, strict=True))
        self.setting_written = Cat(
            self.written[r.name] for r in WRITABLE if r.access is Access.SETTING
        ).any()
        self.none_written = written == 0
        self.one_written = (written & (written - 1)) == 0

    def register_file(self, name: str) -> Signal:
        """A signal of the register file."""
        return self.inside(f"{self.registers}.{name}" if self.registers else name)

    def at(self, *states: str) -> Value:
        """Whether the register file is in one of several states."""
        return Cat(self.in_state(self.registers, state) for state in states).any()

    def kept(self) -> Value:
        """Whether every setting and every control is within its limits."""
        storage = {Access.SETTING: self.settings, Access.CONTROL: self.controls}
        return all_of(
            [within(r, storage[r.access][r.name]) for r in WRITABLE if r.name != "acknowledge"]
        )

    @invariant
    def limits_are_kept(self) -> Value:
        """Every setting and every control is within its limits."""
        return self.kept()

    @invariant
    def value_is_compared(self) -> Value:
        """While a request is offered, its value has been compared with the limits of all registers."""
        offered, value = self.offered()
        right = [
            self.outside[r.name]
            == (
                ~within(r, value.as_signed() if r.signed else value)
                | ((r.name == "run") & value[0] & ~self.startable_before)
            )
            for r in WRITABLE
        ]
        return ~offered | all_of(right)

    @invariant
    def one_is_written(self) -> Value:
        """A request writes to no more than one register, and to none if there is a reason not to."""
        read_only = [~self.written[r.name] for r in REGISTERS.values() if r.access is Access.READ]
        outcome = self.register_file("outcome")
        return (
            self.one_written & ((outcome == Outcome.DONE) | self.none_written) & all_of(read_only)
        )

    @invariant
    def what_is_executed_is_sound(self) -> Value:
        """A request that is being executed writes nothing that it must not."""
        value = self.reply.value
        right = [
            ~self.written[r.name] | within(r, value.as_signed() if r.signed else value)
            for r in WRITABLE
        ]
        starts = self.written["run"] & value[0]
        done = self.reply.outcome == Outcome.DONE
        sound = all_of(right) & (~starts | self.startable) & (done | self.none_written)
        return ~self.executed | (self.at("PACKET") & sound)

    @invariant
    def startable_is_steady(self) -> Value:
        """`startable` has had its value for a cycle at least when a request is taken."""
        left, size = self.register_file("left"), protocol.REPLY.size
        compared = self.register_file("in_time") & self.register_file("below_one")
        fresh = self.at("PACKET") | (self.at("LOOK UP", "LOAD", "PAYLOAD") & (left >= size - 1))
        return (
            (fresh | (self.startable == self.startable_before))
            & (~self.at("LOOK UP", "LOAD") | (left == size))
            & (~self.at("PAYLOAD") | (left == size) | (self.startable == compared))
        )

    @invariant
    def settings_are_compared(self) -> Value:
        """What is worked out from the settings is up to date when it is made use of."""
        s = self.settings
        needed = s.delay + ((s.dither + 7) >> 3) + LAUNCH_TAIL - 1
        below_one = self.register_file("below_one") == (s.period_num < s.period_den)
        in_time = self.register_file("in_time") == (needed <= s.period)
        return (~self.at("LOAD") | (self.register_file("needed") == needed)) & (
            ~self.at("PAYLOAD") | (below_one & in_time)
        )

    @invariant
    def startable_is_true(self) -> Value:
        """While `startable` is high, the settings go together, and none is being written."""
        changing = self.executed & self.setting_written
        return ~self.startable | (startable(self.settings) & ~changing)


class TrainSpec(LimitsKept):
    """The whole instrument, of whose trains none has impossible settings."""

    registers = "registers"

    def component(self) -> instrument.Instrument:
        return instrument.Instrument(depth=DEPTH)

    def offered(self) -> tuple[Value, Value]:
        request = REQUEST_FRAME(self.inside("deframer.requests__payload")).request
        return self.inside("deframer.requests__valid"), request.value

    def watch(self, m: Module) -> None:
        super().watch(m)
        self.chosen = SETTINGS(self.inside("sequencer.settings"))
        self.at_work = (
            self.inside("train.running")
            | Cat(
                self.in_state("sequencer", state) for state in ("SETTLE", "PREPARE", "START", "RUN")
            ).any()
        )
        self.age = Signal(range(MIN_PERIOD))  # cycles of the period that have gone by
        with m.If(self.inside("train.begin")):
            m.d.sync += self.age.eq(0)
        with m.Elif(~self.age.all()):
            m.d.sync += self.age.eq(self.age + 1)

    @always
    def settings_are_possible(self) -> Value:
        """From two cycles before its first period to its end, the settings of a train are within their limits and go
        together: a period of MIN_PERIOD to MAX_PERIOD cycles, a fraction below 1, launches that come LAUNCH_TAIL cycles
        before the end of a period, no more bins than the memory has."""
        return self.possible()

    @invariant
    def settings_stay_possible(self) -> Value:
        """The settings of a train are possible."""
        return self.possible()

    def possible(self) -> Value:
        """Whether the settings are possible if there is a train."""
        limits = [within(r, self.chosen[r.name]) for r in WRITABLE if r.access is Access.SETTING]
        return ~self.at_work | (all_of(limits) & startable(self.chosen))

    @invariant
    def copied_while_startable(self) -> Value:
        """The settings are copied in the state for that, and while they go together."""
        latch = self.inside("sequencer.latch")
        return (latch == self.in_state("sequencer", "LATCH")) & (~latch | startable(self.settings))

    train_flags_agree = InstrumentSpec.train_flags_agree
    flags_to_come_agree = InstrumentSpec.flags_to_come_agree

    @invariant
    def period_is_worked_out(self) -> Value:
        """The length of a period that the pulse train has worked out is that of the settings."""
        there = self.inside("train.running") | self.inside("sequencer.start")
        period = self.chosen.period
        first, following = self.inside("train.cycles_first"), self.inside("train.cycles_next")
        right = (following == period - 1) | (following == period)
        return ~there | (right & (first == period - 1))

    @invariant
    def launch_is_worked_out(self) -> Value:
        """So are the launch and the dither of the next period, once they have had the time: three cycles."""
        s = self.chosen
        there = self.inside("train.running") | self.inside("sequencer.start")
        dither, following = self.inside("train.dither"), self.inside("train.dither_next")
        running = self.inside("train.running")
        ends = self.inside("train.round_ends")
        launch = self.inside("train.launch_next")
        return ~there | (
            (self.inside("train.launch_first") == s.delay)
            & (running | (following == 0))
            & (~running | (dither < s.dither))
            & (~running | (self.age < 1) | (ends == (dither + 1 >= s.dither)))
            & (~running | (self.age < 2) | (following < s.dither))
            & (~running | (self.age < 3) | (launch <= s.delay + ((s.dither - 1) >> 3)))
        )

    @invariant
    def periods_take_their_time(self) -> Value:
        """The cycles that a period has lasted and those that are left make up a period at least."""
        cycles = self.inside("train.cycles")
        return ~self.inside("train.running") | (self.age + cycles >= MIN_PERIOD - 1)

    @invariant
    def launch_leaves_room(self) -> Value:
        """A launch that is still to come leaves time for its pulse."""
        cycles, launch = self.inside("train.cycles"), self.inside("train.launch")
        to_come = self.inside("train.running") & self.inside("train.armed")
        return ~to_come | (launch + LAUNCH_TAIL - 1 <= cycles)

    @always
    def every_launch_leaves_room(self) -> Value:
        """A launch falls due LAUNCH_TAIL cycles before the end of its period at the latest, and no period ends before
        its launch: so every pulse that is counted begins before the gate is cut off."""
        running, armed = self.inside("train.running"), self.inside("train.armed")
        late = self.inside("train.cycles") < LAUNCH_TAIL - 1
        return ~(running & armed & (late | self.inside("train.ends")))
