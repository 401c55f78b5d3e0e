"""Between the two buffers: the one that is read out has everything that belongs in it."""

from amaranth.hdl import Module, Signal, Value

from gateware import instrument
from gateware.layouts import SETTINGS
from gateware.protocol import CHANNELS, MIN_PERIOD, TRACE_HEAD

from .prove import Spec, always, assume, invariant

LATE = 12
"""Cycles after a swap in which something may still be on its way to the buffer that was filled."""
SLOWEST = 8
"""Cycles from one sample of the ADC to the next, at most."""


class BanksSpec(Spec):
    """The whole instrument: buffers, swapped and read out."""

    def component(self) -> instrument.Instrument:
        return instrument.Instrument(depth=16)

    def watch(self, m: Module) -> None:
        self.buffer = self.inside("sequencer.buffer")
        self.swap = self.inside("sequencer.clear_saturated").any()
        self.age = Signal(range(MIN_PERIOD), init=MIN_PERIOD - 1)  # cycles since the latest swap
        with m.If(self.swap):
            m.d.sync += self.age.eq(0)
        with m.Elif(~self.age.all()):
            m.d.sync += self.age.eq(self.age + 1)
        self.dry = Signal(range(SLOWEST + 1))  # cycles since a sample
        with m.If(self.dut.sample_valid):
            m.d.sync += self.dry.eq(0)
        with m.Elif(self.dry < SLOWEST):
            m.d.sync += self.dry.eq(self.dry + 1)

        def old(valid: Value, buffer: Value) -> Value:
            return valid & (buffer != self.buffer)

        at_adc = old(self.inside("kept"), self.inside("buffer"))
        held = old(self.inside("boxcar.held"), self.inside("boxcar.update_buffer"))
        stages = [
            [
                old(self.inside(f"memory_{c}.{valid}"), self.inside(f"memory_{c}.{buffer}"))
                for valid, buffer in (
                    ("update1", "buffer1"),
                    ("update2", "buffer2"),
                    ("write", "write_buffer"),
                )
            ]
            for c in CHANNELS
        ]
        self.at_adc, self.held, self.stages = at_adc, held, stages
        self.busy = self.inside("memory_light.busy") | self.inside("memory_drive.busy")
        self.read_1 = self.past(self.inside("readout.read"))
        self.read_2 = self.past(self.read_1)
        self.behind = at_adc | held
        for channel in stages:
            for stage in channel:
                self.behind = self.behind | stage
        self.readout_past_head = ~self.at("readout", "IDLE", "HEAD PACKET", "HEAD")

    def at(self, block: str, *states: str) -> Value:
        """The block is in one of the states."""
        found = Value.cast(0)
        for state in states:
            found = found | self.in_state(block, state)
        return found

    @assume
    def periods_are_long_enough(self) -> Value:
        """A period has MIN_PERIOD cycles or more (the host offers none below 8 333)."""
        settings = SETTINGS(self.inside("sequencer.settings"))
        at_work = self.inside("train.running") | self.in_state("sequencer", "START")
        return ~at_work | (settings.period >= MIN_PERIOD)

    @assume
    def samples_keep_coming(self) -> Value:
        """The ADC gives a sample in one of every 8 cycles at least."""
        return self.dry < SLOWEST

    @always
    def read_only_when_complete(self) -> Value:
        """When a bin is read out and cleared, and in the cycle after, no sample is on its way to that buffer: none
        at the ADC, none in the boxcar, none in the memory's pipeline. So no sample is lost between the banks."""
        read = self.inside("readout.read")
        return ~(read | self.past(read)) | ~self.behind

    @always
    def reads_one_at_a_time(self) -> Value:
        """Reads are at least READ_LATENCY cycles apart, and of the buffer that is not being filled."""
        read = self.inside("readout.read")
        apart = ~(read & (self.read_1 | self.read_2))
        other = Value.cast(1)
        for buffer in self.all_inside("read_buffer"):
            other = other & (buffer != self.buffer)
        return apart & other

    @always
    def sweeps_alone(self) -> Value:
        """Memory is swept only with no update and no read on its way."""
        at_work = self.inside("readout.read") | self.inside("boxcar.update") | self.busy
        return ~self.inside("sequencer.sweep") | ~at_work

    @always
    def swapped_only_when_free(self) -> Value:
        """The buffers are never swapped while one is being read out."""
        return ~(self.swap & self.inside("readout.shipping"))

    @always
    def frame_swaps_on_a_boundary(self) -> Value:
        """The buffers are swapped in the last cycle of a period, or after the train with every sample in memory."""
        settled = self.inside("settled")
        return (
            ~self.swap | self.inside("train.boundary") | (~self.inside("train.running") & settled)
        )

    @invariant
    def reads_age(self) -> Value:
        """The readout knows how long ago it asked."""
        ahead = self.inside("readout.ahead")
        return (~self.read_1 | (ahead == 2)) & (~self.read_2 | (ahead == 4))

    @invariant
    def sweep_comes_first(self) -> Value:
        """Nothing has been begun while memory is swept."""
        begun = self.busy | self.inside("sequencer.ship") | ~self.in_state("readout", "IDLE")
        return ~self.in_state("sequencer", "SWEEP") | ~begun

    @invariant
    def period_after_swap(self) -> Value:
        """A swap comes at the beginning of a period."""
        return ~self.inside("train.running") | (
            self.inside("train.cycles") + self.age >= MIN_PERIOD - 1
        )

    @invariant
    def kept_after_swap(self) -> Value:
        """The pulse after a swap is kept."""
        running, start = self.in_state("sequencer", "RUN"), self.in_state("sequencer", "START")
        early = (self.age == 0) | self.age.all()
        taken = early | ~self.inside("inside") | self.inside("kept")
        return (
            taken
            & (~start | self.inside("sequencer.keep"))
            & (~running | self.age.all() | self.inside("sequencer.keep"))
        )

    @invariant
    def states_agree(self) -> Value:
        """Train and window are at work only in the sequencer's state for it; readout and `shipping` agree."""
        states = {"SWEEP", "IDLE", "PREPARE", "START", "RUN", "CLOSE"}
        running, open_ = self.inside("train.running"), self.inside("window.open")
        still = ~self.inside("inside") & ~self.inside("kept") & ~self.inside("boxcar.held")
        return (
            (running == self.in_state("sequencer", "RUN"))
            & (~open_ | running)
            & (~self.inside("kept") | self.inside("inside"))
            & (~self.at("sequencer", "SWEEP", "IDLE", "PREPARE", "START") | still)
            & self.at("sequencer", *sorted(states))
            & (self.inside("readout.shipping") != self.in_state("readout", "IDLE"))
            & (~self.inside("sequencer.ship") | (self.age == 0))
            & ~(self.inside("sequencer.ship") & self.inside("readout.shipping"))
        )

    @invariant
    def in_flight(self) -> Value:
        """What is on its way to the buffer that was filled is so only for a short time."""
        bound = 1 + SLOWEST
        small = (~self.at_adc | (self.age == 0)) & (
            ~self.held | (self.age <= 1) | (self.dry + 1 >= self.age)
        )
        for channel in self.stages:
            for n, stage in enumerate(channel):
                small = small & (~stage | (self.age <= bound + n))
        return small & (bound + 2 <= LATE)

    @invariant
    def head_goes_first(self) -> Value:
        """A frame's head is sent before its bins are read, a byte a cycle at most."""
        return (
            (~self.in_state("readout", "HEAD PACKET") | (self.age >= 1))
            & (
                ~self.in_state("readout", "HEAD")
                | (self.inside("readout.left") + self.age > TRACE_HEAD.size)
            )
            & (~self.readout_past_head | (self.age > LATE))
        )
