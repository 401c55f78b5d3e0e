"""Properties of the path from sample to sum: no sample outside the window is added, and none inside it is lost."""

from collections.abc import Callable

from amaranth.hdl import Module, Mux, ResetSignal, Signal, Value

from trelscope.gateware import accumulate, blockram, boxcar, window
from trelscope.gateware.layouts import SETTINGS
from trelscope.gateware.protocol import CHANNELS, CYCLE_NS, MAX_BIN_SHIFT, SAMPLE_BITS, SUM_BITS

from .prove import Spec, always, assume, invariant

DEPTH = 16
CEILING = (1 << SUM_BITS) - 1
FULL_SCALE = (1 << SAMPLE_BITS) - 1
MOST = (1 << MAX_BIN_SHIFT) // CYCLE_NS


class Choosing(Spec):
    """Observes one bin of one buffer. Both are free for z3 to choose, so that what is proved of them holds for all."""

    def choose(self, m: Module) -> None:
        """Add `target` and `side`, which are constant but arbitrary."""
        first = Signal(init=1, reset_less=True)
        m.d.sync += first.eq(0)
        for name, bits in (("target", (DEPTH - 1).bit_length()), ("side", 1)):
            free, fixed = Signal(bits, name=f"any_{name}"), Signal(bits, reset_less=True)
            value = Signal(bits, name=name)
            m.d.comb += value.eq(Mux(first, free, fixed))
            m.d.sync += fixed.eq(value)
            self.ports.append(free)
            setattr(self, name, value)


class Peeking:
    """A platform whose block RAM has an additional port, with which a bin is observed."""

    def __init__(self) -> None:
        self.rams: list = []

    def block_ram(self, component: blockram.BlockRam) -> Module:
        m = component.elaborate(None)
        peek = m.submodules.memory.read_port(domain="comb")
        self.rams.append((component, m.submodules.memory.read_ports[0].data, peek))
        return m


class TraceMemorySpec(Choosing):
    """The trace memory, with any updates, reads and sweeps that its documentation allows."""

    def component(self) -> accumulate.TraceMemory:
        self.platform = Peeking()
        return accumulate.TraceMemory(DEPTH)

    def watch(self, m: Module) -> None:
        self.choose(m)
        d = self.dut
        self.content, self.fetched, self.read_out = (
            Signal(SUM_BITS),
            Signal(SUM_BITS),
            Signal(SUM_BITS),
        )
        self.issued, self.issued_ours, self.writes = Signal(), Signal(), Signal()
        self.write_address = Signal(range(DEPTH))
        self.write_data = Signal(SUM_BITS)
        for side, (ram, fetched, peek) in enumerate(self.platform.rams):
            m.d.comb += peek.addr.eq(self.target)
            with m.If(self.side == side):
                m.d.comb += [
                    self.issued.eq(ram.read),
                    self.issued_ours.eq(ram.read & (ram.read_address == self.target)),
                    self.writes.eq(ram.write),
                    self.write_address.eq(ram.write_address),
                    self.write_data.eq(ram.write_data),
                    self.content.eq(peek.data),
                    self.fetched.eq(fetched),
                    self.read_out.eq(ram.read_data),
                ]
        self.updated = d.update & (d.update_bin == self.target) & (d.update_buffer == self.side)
        self.ages = [self.updated]  # [n]: the observed bin was updated n cycles ago
        for _ in range(d.LATENCY):
            self.ages.append(self.past(self.ages[-1]))
        touching = d.update & (d.update_buffer == self.side)
        self.touched = [touching]  # the same for any bin of the observed buffer
        for _ in range(d.LATENCY):
            self.touched.append(self.past(self.touched[-1]))
        reading = d.read & (d.read_buffer == self.side)
        self.reads = [reading, self.past(reading)]
        self.reads.append(self.past(self.reads[1]))
        self.reads_1 = self.past(d.read)
        self.past_read = [d.read]
        for _ in range(d.READ_LATENCY):
            self.past_read.append(self.past(self.past_read[-1]))
        reading_it = reading & (d.read_bin == self.target)
        self.asked = [reading_it]
        for _ in range(d.READ_LATENCY):
            self.asked.append(self.past(self.asked[-1]))
        self.swept = d.sweep & (d.sweep_bin == self.target)
        self.sweeping, self.sweeping_bin = self.past(d.sweep), self.past(d.sweep_bin)
        self.gone = self.sweeping & (self.sweeping_bin == self.target)  # the bin is being cleared

        # The sum that the bin must hold.
        self.total = Signal(SUM_BITS)
        with m.If(self.swept | reading_it):
            m.d.sync += self.total.eq(0)
        with m.Elif(self.updated):
            m.d.sync += self.total.eq(self.raised(self.total, d.addend))
        self.given = Signal(SUM_BITS)  # value of `total` at the latest read
        with m.If(reading_it):
            m.d.sync += self.given.eq(self.total)

    def raised(self, sum_: Value, addend: Value) -> Value:
        """The saturating sum."""
        return Mux(sum_ + addend > CEILING, CEILING, sum_ + addend)

    def any_of(self, strobes: list) -> Value:
        """Whether any of the strobes is high."""
        found = strobes[0]
        for strobe in strobes[1:]:
            found = found | strobe
        return found

    @assume
    def reset_only_with_a_sweep(self) -> Value:
        """There is no reset while the memory holds sums.

        A reset does not change memories, and the sequencer clears them after it (tested, not proved).
        """
        return ~ResetSignal()

    @assume
    def bins_return_late(self) -> Value:
        """A bin is updated again LATENCY cycles later at the earliest, because bin numbers only increase within a pulse
        and a period has at least 64 cycles (tested, not proved)."""
        return ~self.updated | ~self.any_of(self.ages[1 : self.dut.LATENCY])

    @assume
    def reads_are_apart(self) -> Value:
        """While a buffer is read, no update of it is in progress and none comes in the same or the next two cycles.

        Reads are at least READ_LATENCY cycles apart (`Banks.read_only_when_complete`, `Banks.reads_one_at_a_time`).
        """
        d = self.dut
        return (
            (~self.reads[0] | ~self.any_of(self.touched[: d.LATENCY]))
            & (~(self.reads[1] | self.reads[2]) | ~self.touched[0])
            & (~d.read | ~self.any_of(self.past_read[1 : d.READ_LATENCY]))
        )

    @assume
    def sweeps_alone(self) -> Value:
        """While bins are swept, and in the cycle after, no update and no read is in progress (`Banks.sweeps_alone`)."""
        d = self.dut
        return ~(d.sweep | self.sweeping) | ~(d.update | d.read | self.reads_1 | d.busy)

    @always
    def nothing_lost(self) -> Value:
        """While no update is in progress, a bin holds the saturated sum of everything that was added to it since it was
        last read or swept."""
        under_way = self.any_of(self.ages[1 : self.dut.LATENCY]) | self.any_of(self.asked[1:4])
        under_way = under_way | self.gone
        return under_way | (self.content == self.total)

    @always
    def no_other_bin_written(self) -> Value:
        """A bin changes only LATENCY cycles after an update of that bin and buffer, or through a read or a sweep."""
        ours = self.ages[self.dut.LATENCY] | self.asked[4] | self.past(self.gone)
        return ours | (self.content == self.past(self.content))

    @always
    def read_gives_the_sum(self) -> Value:
        """`read_data` is the sum in the bin READ_LATENCY cycles after it was read."""
        return ~self.asked[self.dut.READ_LATENCY] | (self.dut.read_data == self.given)

    @always
    def no_read_while_written(self) -> Value:
        """No block RAM is read and written at the same address in the same cycle; the word would be undefined."""
        clash = Value.cast(0)
        for side, (ram, _, _) in enumerate(self.platform.rams):
            both = ram.read & ram.write & (ram.read_address == ram.write_address)
            clash = clash | (both & (ram.read_address == self.target) & (self.side == side))
        return ~clash

    def stage(self, n: int, names: str) -> tuple[Value, Value]:
        """Whether stage n has an update of the observed buffer, and whether of the observed bin."""
        valid, bin_, buffer = (self.inside(name) for name in names.split())
        here = valid & (buffer == self.side)
        return here, here & (bin_ == self.target)

    @invariant
    def pipeline(self) -> Value:
        """The pipeline stages of updates and reads hold what was requested."""
        names = [f"update{n} bin{n} buffer{n}" for n in (1, 2, 3, 4)] + [
            "store store_bin store_buffer"
        ]
        stages = [self.stage(n, name) for n, name in enumerate(names, 1)]
        known = Value.cast(1)
        for n, (here, ours) in enumerate(stages, 1):
            known = known & (here == self.touched[n]) & (ours == self.ages[n])
        ages, asked = self.ages, self.asked
        started = self.inside_ram("fetched")
        read_here, read_ours = self.stage(0, "fetch fetch_bin fetch_buffer")
        clear_here, clear_ours = self.stage(0, "clear clear_bin clear_buffer")
        total = self.inside("total")
        capped = Mux(total[-1], CEILING, total[:-1])
        summed = self.raised(self.content, self.inside("addend4"))
        under_way = [stage for stage, _ in stages] + [self.reads[2]]
        written = self.writes & (self.write_address == self.target)
        for part in (
            ~self.sweeping | ~(self.any_of(self.touched[1:7]) | self.inside("busy")),
            sum(ages[1:7]) <= 1,
            self.inside("busy") | ~self.any_of([*under_way, self.touched[6]]),
            written == (ages[6] | asked[3] | self.gone),
            ~ages[6] | (self.write_data == self.total),
            ~(asked[3] | self.gone) | (self.write_data == 0),
            self.issued == (self.touched[1] | read_here),
            self.issued_ours == (ages[1] | asked[1]),
            read_here == self.reads[1],
            read_ours == asked[1],
            clear_here == self.reads[2],
            clear_ours == asked[2],
            ~self.any_of(asked[1:4]) | (~self.any_of(self.touched[1:7]) & (self.total == 0)),
            self.inside("fetch") == self.past_read[1],
            self.inside("clear") == self.past_read[2],
            self.inside("read_ready") == self.past_read[3],
            self.past_read[1] + self.past_read[2] + self.past_read[3] <= 1,
            ~asked[1] | self.past_read[1],
            ~asked[2] | self.past_read[2],
            ~asked[3] | self.past_read[3],
            ~asked[3] | (self.inside("clear_buffer") == self.side),
            ~(ages[2] | asked[2]) | started,
            ~ages[1] | (self.total == self.raised(self.content, self.inside("addend1"))),
            ~ages[2] | (self.fetched == self.content),
            ~ages[2] | (self.total == self.raised(self.content, self.inside("addend2"))),
            ~ages[3] | (self.read_out == self.content),
            ~ages[3] | (self.total == self.raised(self.content, self.inside("addend3"))),
            ~ages[4]
            | (Mux(self.side, *(self.inside(f"found{n}") for n in (1, 0))) == self.content),
            ~ages[4] | (self.total == summed),
            ~ages[5] | (self.total == capped),
            self.any_of(ages[1:7])
            | self.any_of(asked[1:4])
            | self.gone
            | (self.total == self.content),
            ~self.gone | (self.total == 0),
            ~self.gone | ~self.any_of(ages[1:7]),
            ~asked[1] | (self.content == self.given),
            ~asked[2] | (self.fetched == self.given),
            ~asked[3] | (self.read_out == self.given),
            ~asked[4] | (self.dut.read_data == self.given),
        ):
            known = known & part
        return known

    def inside_ram(self, name: str) -> Value:
        """A signal of the block RAM of the observed buffer."""
        return Mux(self.side, self.inside(f"ram1.{name}"), self.inside(f"ram0.{name}"))


class BoxcarSpec(Choosing):
    """The boxcar, with bins in any order."""

    def component(self) -> boxcar.Boxcar:
        return boxcar.Boxcar(DEPTH, len(CHANNELS))

    def watch(self, m: Module) -> None:
        self.choose(m)
        b = self.dut
        # Samples are observed from the cycle after they come in.
        self.came_in, self.bin, self.buffer = (self.past(v) for v in (b.valid, b.bin, b.buffer))
        self.samples = [self.past(b.samples[n]) for n in range(len(CHANNELS))]
        self.ours = self.came_in & (self.bin == self.target) & (self.buffer == self.side)
        self.handed = b.update & (b.update_bin == self.target) & (b.update_buffer == self.side)
        self.totals = []  # sums of samples of the observed bin that have not been handed on
        for channel in range(len(CHANNELS)):
            total = Signal(32, name=f"total{channel}")
            kept = Mux(self.handed, 0, total)
            m.d.sync += total.eq(kept + Mux(self.ours, self.samples[channel], 0))
            self.totals.append(total)
        self.count = Signal(16)  # number of these samples
        m.d.sync += self.count.eq(Mux(self.handed, 0, self.count) + self.ours)
        self.came = Signal()
        with m.If(self.ours):
            m.d.sync += self.came.eq(1)
        with m.Elif(self.handed):
            m.d.sync += self.came.eq(0)

    @assume
    def bursts_are_bounded(self) -> Value:
        """At most 128 consecutive samples fall into one bin, as many as fit into the widest bin.

        This holds unless the window covers whole periods that are shorter than a bin; the host refuses windows that
        reach into the next period.
        """
        return ~self.ours | self.handed | (self.count < MOST)

    def each(self, condition: Callable[[int], Value]) -> Value:
        """Whether a condition holds for all channels."""
        holds = Value.cast(1)
        for channel in range(len(CHANNELS)):
            holds = holds & condition(channel)
        return holds

    @always
    def samples_all_handed_on(self) -> Value:
        """When a bin is handed on, the sum of every channel contains all samples of the bin since it was last handed
        on."""
        return ~self.handed | self.each(lambda n: self.totals[n] == self.dut.sums[n])

    @always
    def nothing_left_behind(self) -> Value:
        """While `empty` is high, every sample has been handed on."""
        return ~self.dut.empty | self.each(lambda n: self.totals[n] == 0)

    @always
    def hands_on_only_what_came(self) -> Value:
        """A bin is handed on only if it has a sample."""
        return ~self.handed | self.came

    @invariant
    def one_bin_held(self) -> Value:
        """Only the bin that is held has samples that have not been handed on."""
        b = self.dut
        held = self.inside("held") & (b.update_bin == self.target) & (b.update_buffer == self.side)
        return (
            self.each(lambda n: Mux(held, self.totals[n] == b.sums[n], self.totals[n] == 0))
            & (~held | (self.came & self.each(lambda n: self.totals[n] <= self.count * FULL_SCALE)))
            & (self.count <= MOST)
            & (held | (self.count == 0))
        )

    @invariant
    def handed_on_in_time(self) -> Value:
        """The strobe `update`, which is computed one cycle ahead, comes when no further sample will be added to the bin
        that is held."""
        others = Mux(self.inside("valid"), ~self.inside("again"), self.inside("flushing"))
        return self.dut.update == self.inside("held") & others

    @invariant
    def sample_in_hand(self) -> Value:
        """The first stage holds the latest sample, and its flag `again` is set only if the sample falls into the bin
        that is held."""
        bin_, buffer = self.inside("bin_"), self.inside("buffer")
        codes = self.inside("samples")
        valid, held = self.inside("valid"), self.inside("held")
        taken = self.each(lambda n: codes.word_select(n, SAMPLE_BITS) == self.samples[n])
        one_bin = (bin_ == self.dut.update_bin) & (buffer == self.dut.update_buffer)
        return (
            (valid == self.came_in)
            & (~valid | ((bin_ == self.bin) & (buffer == self.buffer) & taken))
            & (~held | ~(self.inside("again") | ~valid) | one_bin)
        )


class WindowSpec(Spec):
    """The sampling window."""

    def component(self) -> window.Window:
        return window.Window(DEPTH, 3)

    def watch(self, m: Module) -> None:
        w = self.dut
        self.settings = SETTINGS(Value.cast(w.settings))
        self.number = w.elapsed >> self.settings.bin_shift
        self.ran_on = self.past(w.valid & ~w.begin & ~w.prepare)
        self.last_bin = self.past(w.bin)
        self.last_shift = self.past(self.settings.bin_shift)
        self.same_shift = self.last_shift == self.settings.bin_shift
        self.length = self.settings.window_bins << self.settings.bin_shift
        self.last_length = self.past(self.length)
        self.old_length = self.past(self.last_length)
        self.dithers = [w.next_dither, self.past(w.next_dither)]
        self.dithers.append(self.past(self.dithers[1]))
        self.origins = [w.origin, self.past(w.origin)]
        self.origins.append(self.past(self.origins[1]))

    @assume
    def window_fits_the_memory(self) -> Value:
        """The window has at most as many bins as the memory (`Train.settings_are_possible`)."""
        return self.settings.window_bins <= DEPTH

    @assume
    def settings_stay(self) -> Value:
        """The settings do not change during a train and in the cycle before it; the sequencer ensures that."""
        w = self.dut
        return ~(w.open | w.begin) | ((self.length == self.last_length) & self.same_shift)

    @assume
    def coming_period_is_known(self) -> Value:
        """The dither of the next period, and the values that all periods share, are stable from 3 cycles before it."""
        w = self.dut
        known = (self.dithers[0] == self.dithers[1]) & (self.dithers[1] == self.dithers[2])
        known = known & (self.origins[0] == self.origins[1]) & (self.origins[1] == self.origins[2])
        known = known & (self.length == self.last_length) & (self.last_length == self.old_length)
        return ~w.begin | w.start | known

    @always
    def bin_inside_the_window(self) -> Value:
        """A sample is valid only if its bin is one of the window's."""
        return ~self.dut.valid | (self.dut.bin < self.settings.window_bins)

    @always
    def bin_is_the_time(self) -> Value:
        """The bin of a valid sample is its time since the start of the window divided by the bin width, and that time
        is not negative."""
        w = self.dut
        right = (w.elapsed >= 0) & (w.bin == self.number)
        return ~w.valid | right

    @always
    def bins_only_grow(self) -> Value:
        """Within a pulse, no sample falls into an earlier bin than the sample before it."""
        grows = self.dut.bin >= self.last_bin
        return ~(self.dut.valid & self.ran_on & self.same_shift) | grows

    @invariant
    def ends_where_it_should(self) -> Value:
        """The values computed ahead are correct, and the time to the end of the window agrees with the time from its
        start."""
        w = self.dut
        dithered, beyond = self.inside("dithered"), self.inside("beyond")
        length = self.inside("length")
        coming = self.inside("dithered_beyond")
        before = (self.origins[2] - self.dithers[2]) - self.old_length
        return (
            (length == self.last_length)
            & (self.inside("shift") == self.last_shift)
            & ((dithered - self.origins[1] + self.dithers[1])[:32] == 0)
            & ((coming - before)[:32] == 0)
            & (~w.open | ((beyond - w.elapsed + length)[:32] == 0))
        )
