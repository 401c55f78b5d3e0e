"""Properties of the two buffers: the one that is read out holds all samples that belong to it."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from trelscope.gateware import instrument
from trelscope.gateware.layouts import SETTINGS
from trelscope.gateware.protocol import CHANNELS, MIN_PERIOD, TRACE_HEAD

from .prove import Spec, always, assume, invariant
from .spec_instrument import InstrumentSpec

LATE = 16
"""Cycles after a swap in which samples can still be in progress towards the buffer that was filled."""
SLOWEST = 8
"""Most cycles from one sample of the ADC to the next."""


class BanksSpec(Spec):
    """The whole instrument, whose buffers are swapped and read out."""

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

        self.written = {c: self.past(self.inside(f"memory_{c}.store")) for c in CHANNELS}
        into = {c: self.past(self.inside(f"memory_{c}.store_buffer")) for c in CHANNELS}

        at_adc = old(self.inside("kept"), self.inside("buffer"))
        come = old(self.inside("boxcar.valid"), self.inside("boxcar.buffer"))
        held = old(self.inside("boxcar.held"), self.inside("boxcar.update_buffer"))
        stages = [
            [
                old(self.inside(f"memory_{c}.{valid}"), self.inside(f"memory_{c}.{buffer}"))
                for valid, buffer in (
                    *((f"update{n}", f"buffer{n}") for n in (1, 2, 3, 4)),
                    ("store", "store_buffer"),
                )
            ]
            + [old(self.written[c], into[c])]
            for c in CHANNELS
        ]
        self.at_adc, self.come, self.held, self.stages = at_adc, come, held, stages
        self.busy = self.inside("memory_light.busy") | self.inside("memory_drive.busy")
        self.read = self.inside("readout.read").any()
        self.read_1 = self.past(self.read)
        self.read_2 = self.past(self.read_1)
        self.read_3 = self.past(self.read_2)
        self.behind = at_adc | come | held
        for channel in stages:
            for stage in channel:
                self.behind = self.behind | stage
        at_head = self.inside("readout.at_head")
        self.head_packet = self.in_state("readout", "PACKET") & at_head
        self.head_sent = self.in_state("readout", "FIXED PART") & at_head
        self.readout_past_head = ~(
            self.in_state("readout", "IDLE") | self.head_packet | self.head_sent
        )

    def any_memory(self, name: str) -> Value:
        """Whether a signal is high in any of the trace memories."""
        return Cat(self.inside(f"memory_{c}.{name}") for c in CHANNELS).any()

    def at(self, block: str, *states: str) -> Value:
        """Whether a block is in one of several states."""
        found = Value.cast(0)
        for state in states:
            found = found | self.in_state(block, state)
        return found

    @assume
    def periods_are_long_enough(self) -> Value:
        """A period has at least MIN_PERIOD cycles (`Train.settings_are_possible`)."""
        settings = SETTINGS(self.inside("sequencer.settings"))
        at_work = self.inside("train.running") | self.in_state("sequencer", "START")
        return ~at_work | (settings.period >= MIN_PERIOD)

    @assume
    def samples_keep_coming(self) -> Value:
        """The ADC gives a sample at least every 8 cycles."""
        return self.dry < SLOWEST

    @always
    def read_only_when_complete(self) -> Value:
        """When a bin is read out and cleared, and in the two cycles after, no sample of that buffer is in progress: not
        in the ADC, not in the boxcar and not in the memory's pipeline. So no sample is lost between the buffers."""
        read = self.read
        return ~(read | self.read_1 | self.read_2) | ~self.behind

    @always
    def reads_one_at_a_time(self) -> Value:
        """Reads are at least READ_LATENCY cycles apart, and address the buffer that is not being filled."""
        read = self.read
        apart = ~(read & (self.read_1 | self.read_2 | self.read_3))
        other = Value.cast(1)
        for buffer in self.all_inside("read_buffer"):
            other = other & (buffer != self.buffer)
        return apart & other

    @always
    def sweeps_alone(self) -> Value:
        """While the memory is swept, and in the cycle after, no update and no read is in progress."""
        at_work = self.read | self.read_1 | self.inside("boxcar.update") | self.busy
        sweep = self.inside("sequencer.sweep")
        return ~(sweep | self.past(sweep)) | ~at_work

    @always
    def swapped_only_when_free(self) -> Value:
        """The buffers are not swapped while one of them is being read out."""
        return ~(self.swap & self.inside("readout.shipping"))

    @always
    def frame_swaps_on_a_boundary(self) -> Value:
        """The buffers are swapped in the last cycle of a period, or after the train once all samples are in memory."""
        settled = self.inside("settled")
        return (
            ~self.swap | self.inside("train.boundary") | (~self.inside("train.running") & settled)
        )

    @invariant
    def reads_age(self) -> Value:
        """The stages of a read in the readout and in the memories agree with the time since it was requested."""
        ahead = self.inside("readout.ahead")
        return (
            (self.read == (ahead == 2))
            & (~self.read_1 | (ahead == 4))
            & (~self.read_2 | (ahead == 8))
            & (~self.read_3 | (ahead == 16))
            & (~self.any_memory("fetch") | self.read_1)
            & (~self.any_memory("clear") | self.read_2)
            & (~self.any_memory("read_ready") | self.read_3)
        )

    words_are_accounted_for = InstrumentSpec.words_are_accounted_for
    train_flags_agree = InstrumentSpec.train_flags_agree
    flags_to_come_agree = InstrumentSpec.flags_to_come_agree
    counting, memories = InstrumentSpec.counting, InstrumentSpec.memories
    busy_when_under_way = InstrumentSpec.busy_when_under_way

    @invariant
    def sweep_comes_first(self) -> Value:
        """While the memory is swept, and in the cycle after, no update, no read and no frame is in progress."""
        begun = self.busy | self.inside("sequencer.ship") | ~self.in_state("readout", "IDLE")
        sweeping, sweep = self.in_state("sequencer", "SWEEP"), self.inside("sequencer.sweep")
        swept = self.past(sweep)
        return (
            (~(sweeping | sweep | swept) | ~begun)
            & (~sweep | self.at("sequencer", "SWEEP", "IDLE"))
            & (~swept | self.at("sequencer", "SWEEP", "IDLE", "LATCH"))
        )

    @invariant
    def period_after_swap(self) -> Value:
        """Swaps come at the start of a period: the cycles since the latest swap and those left in the period add up to
        a period at least."""
        return ~self.inside("train.running") | (
            self.inside("train.cycles") + self.age >= MIN_PERIOD - 1
        )

    @invariant
    def period_is_worked_out(self) -> Value:
        """The length that the pulse train has computed for the next period is correct, from one cycle before the start
        of the train."""
        period = SETTINGS(self.inside("sequencer.settings")).period
        there = self.inside("train.running") | self.inside("sequencer.start")
        following = self.inside("train.cycles_next")
        first = self.inside("train.cycles_first")
        right = (following == period - 1) | (following == period)
        return ~there | (right & (first == period - 1))

    @invariant
    def kept_after_swap(self) -> Value:
        """The pulse after a swap is kept."""
        running = self.in_state("sequencer", "RUN")
        about_to = self.at("sequencer", "SETTLE", "PREPARE", "START")
        early = (self.age == 0) | self.age.all()
        taken = early | ~self.inside("inside") | self.inside("kept")
        return (
            taken
            & (~about_to | self.inside("sequencer.keep"))
            & (~running | self.age.all() | self.inside("sequencer.keep"))
        )

    @invariant
    def states_agree(self) -> Value:
        """Pulse train and window are active only in the sequencer's states for a train; `shipping` agrees with the
        readout's state."""
        states = {"SWEEP", "IDLE", "LATCH", "SETTLE", "PREPARE", "START", "RUN", "CLOSE"}
        running, open_ = self.inside("train.running"), self.inside("window.open")
        still = ~self.inside("inside") & ~self.inside("kept")
        still = still & ~self.inside("boxcar.held") & ~self.inside("boxcar.valid")
        return (
            (~open_ | running)
            & (~self.inside("kept") | self.inside("inside"))
            & (~self.at("sequencer", *sorted(states - {"RUN", "CLOSE"})) | still)
            & self.at("sequencer", *sorted(states))
            & (self.inside("readout.shipping") != self.in_state("readout", "IDLE"))
            & (~self.inside("sequencer.ship") | (self.age == 0))
            & ~(self.inside("sequencer.ship") & self.inside("readout.shipping"))
            & ~(self.inside("sequencer.ready") & self.inside("readout.shipping"))
        )

    def under_way(self, name: str) -> Value:
        """Whether an update is in the pipeline of a channel's memory."""
        there = self.written[name]
        for stage in ("update1", "update2", "update3", "update4", "store"):
            there = there | self.inside(f"memory_{name}.{stage}")
        return there

    @invariant
    def busy_with_what_was_given(self) -> Value:
        """A memory that is busy has received an update or a read, and a memory that writes is busy."""
        given = self.inside("moved").any() | self.read_2
        right = Value.cast(1)
        for name in CHANNELS:
            busy = self.inside(f"memory_{name}.busy")
            right = right & (busy | ~self.written[name]) & (~busy | given)
        return right

    @invariant
    def comes_to_rest(self) -> Value:
        """After a train, blocks that were inactive in the previous cycle are still inactive."""
        was = self.inside("moved").any() | self.inside("opened")
        now = self.inside("inside") | self.inside("kept") | self.inside("window.open")
        now = now | self.inside("boxcar.held") | self.inside("boxcar.valid")
        now = now | ~self.inside("boxcar.flushing")
        for name in CHANNELS:
            now = now | self.under_way(name)
        return was | ~now | self.inside("train.running")

    @invariant
    def complete_when_settled(self) -> Value:
        """The last frame of a train is complete only when all samples are in memory and the other buffer is sent."""
        busy = self.inside("sequencer.ship") | self.inside("readout.shipping")
        complete = self.inside("settled") & ~busy & self.in_state("sequencer", "CLOSE")
        return ~self.inside("sequencer.complete") | complete

    @invariant
    def same_bin_same_buffer(self) -> Value:
        """The boxcar adds a sample to the bin that it holds only if both belong to the same buffer."""
        held, valid = self.inside("boxcar.held"), self.inside("boxcar.valid")
        alike = self.inside("boxcar.buffer") == self.inside("boxcar.update_buffer")
        return ~held | ~(self.inside("boxcar.again") | ~valid) | alike

    @invariant
    def handed_on_in_time(self) -> Value:
        """The boxcar's strobe `update`, which is computed one cycle ahead, comes when no further sample will be added
        to the bin that is held."""
        others = Mux(
            self.inside("boxcar.valid"),
            ~self.inside("boxcar.again"),
            self.inside("boxcar.flushing"),
        )
        return self.inside("boxcar.update") == self.inside("boxcar.held") & others

    @invariant
    def in_flight(self) -> Value:
        """Samples are in progress towards the buffer that was filled only for a short time after a swap."""
        bound = 3 + SLOWEST
        ending = self.inside("boxcar.flushing") | self.inside("boxcar.valid")
        ending = ending & (self.age < bound)
        small = (
            (~self.at_adc | (self.age == 0))
            & (~self.come | (self.age <= 1))
            & (~self.held | (self.age <= 2) | (self.dry + 2 >= self.age) | ending)
        )
        for channel in self.stages:
            for n, stage in enumerate(channel):
                small = small & (~stage | (self.age <= bound + n))
        return small & (bound + 5 <= LATE)

    @invariant
    def head_goes_first(self) -> Value:
        """The head of a frame is sent before its bins are read, at most one byte per cycle."""
        return (
            (~self.head_packet | (self.age >= 1))
            & (~self.head_sent | (self.inside("readout.left") + self.age > TRACE_HEAD.size))
            & (~self.readout_past_head | (self.age > LATE))
        )
