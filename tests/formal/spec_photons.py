"""Photon rows: every photon in the window is handed on to memory once, in its bin, and none stays in the dark.

Bins and steps of what came are worked out from clock and settings at the time, as the documentation has it, and go
along with it through the stages: z3 then compares each stage with the one before, where shifts by a setting are at
hand.
"""

from functools import reduce
from operator import add, and_

from amaranth.hdl import Cat, Const, Module, Mux, ResetSignal, Signal, Value, signed

from trelscope.gateware import photons
from trelscope.gateware.photons import COUNT_BITS, LANES
from trelscope.gateware.protocol import CYCLE_NS, MAX_BIN_SHIFT

from .prove import always, assume, invariant
from .spec_accumulate import DEPTH, Choosing

STAGES = 7
LONGEST = DEPTH << MAX_BIN_SHIFT  # ns, of a window
BEYOND = 4 * CYCLE_NS  # ns that the window's clock may go on after it


class PhotonRowsSpec(Choosing):
    """Observes one bin of one buffer. Index n of a list: what came n cycles ago, and is in stage n."""

    def component(self) -> photons.PhotonRows:
        return photons.PhotonRows(DEPTH)

    def watch(self, m: Module) -> None:
        self.choose(m)
        d = self.dut
        self.lane, self.row = self.target[:3], self.target[3:]
        at = Signal(signed(17))
        m.d.comb += at.eq(d.elapsed)
        self.at = self._delayed(at)
        self.active, self.side_of = self._delayed(d.active), self._delayed(d.buffer)
        self.flushed = self.past(d.flush, 1)
        self.shift, self.bins = self._delayed(d.bin_shift), self._delayed(d.window_bins, 2)
        self.seen = self._delayed(self._seen(0, d.photons))
        self.came = self._delayed(d.photons, 1)
        self.first = self._delayed(self._first(0))
        self.steps = [self._delayed(step) for step in self._steps(0)]
        marks = Signal(LANES)  # the lanes with a photon for the observed bin
        m.d.comb += marks.eq(self._marks(0))
        self.marks = self._delayed(marks)
        hits = Signal(4)  # how many they are
        m.d.comb += hits.eq(reduce(add, marks))
        self.hits = self._delayed(hits)
        self.out = Signal(COUNT_BITS)
        here = d.update & (d.row == self.row) & (d.update_buffer == self.side)
        counts = [d.counts[lane][:COUNT_BITS] for lane in range(LANES)]
        m.d.comb += self.out.eq(Mux(here, _one_of(counts, self.lane), 0))
        # [n]: photons that have passed stage n and were not handed on, modulo the range of a count.
        self.passed = [self._balance(self.hits[n]) for n in range(STAGES)]
        self.under_way = self.passed[0]

        ours = self.inside("held") & (self.inside("held_buffer") == self.side)
        ours = ours & (self.inside("held_row") == self.row)
        self.kept = Signal(COUNT_BITS)
        m.d.comb += self.kept.eq(Mux(ours, self._held_count(), 0))
        self.dark = Signal(
            range(2 << MAX_BIN_SHIFT)
        )  # cycles since a photon came for the observed bin
        with m.If(marks.any()):
            m.d.sync += self.dark.eq(0)
        with m.Elif(~self.dark.all()):
            m.d.sync += self.dark.eq(self.dark + 1)

    def _delayed(self, value: Value, most: int = STAGES) -> list[Value]:
        stages = [Value.cast(value)]
        for _ in range(most):
            stages.append(self.past(stages[-1]))
        return stages

    def _balance(self, more: Value) -> Signal:
        balance = Signal(COUNT_BITS)
        self.m.d.sync += balance.eq(balance + more - self.out)
        return balance

    # What the documentation says of a cycle, from its clock and the settings of then.

    def _inside(self, n: int, lane: int) -> Value:
        at = self.at[n] + lane
        return (at >= 0) & (at < (self.bins[n] << self.shift[n]))

    def _seen(self, n: int, came: Value) -> Value:
        """The lanes with a photon in the window."""
        return came & Cat(self._inside(n, lane) for lane in range(LANES))

    def _first(self, n: int) -> Value:
        """Bin of the first lane, in as many bits as the gateware keeps."""
        return (self.at[n] >> self.shift[n])[: (2 * DEPTH - 1).bit_length()]

    def _steps(self, n: int) -> list[Value]:
        """Bins from that of the first lane to that of each."""
        at, shift = self.at[n], self.shift[n]
        return [(((at + lane) >> shift) - (at >> shift))[:3] for lane in range(LANES)]

    def _marks(self, n: int) -> Value:
        """From what is seen, and the bins."""
        ours = self.active[n] & (self.side_of[n] == self.side)
        bins = [self._bin(n, lane) for lane in range(LANES)]
        return Cat(ours & self.seen[n][lane] & (bins[lane] == self.target) for lane in range(LANES))

    def _bin(self, n: int, lane: int) -> Value:
        return (self.first[n] + self.steps[lane][n])[: len(self.first[n])]

    @assume
    def no_reset(self) -> Value:
        """No reset comes in the middle of a train."""
        return ~ResetSignal()

    @assume
    def settings_stay(self) -> Value:
        """Settings change between trains only, when no photon is on its way, and keep within their limits
        (`Train.settings_are_possible`)."""
        d = self.dut
        same = (self.shift[0] == self.shift[1]) & (self.bins[0] == self.bins[1])
        within = (d.bin_shift <= MAX_BIN_SHIFT) & (d.window_bins <= DEPTH)
        return within & (same | ~(d.active | ~d.empty))

    @assume
    def pulses_are_apart(self) -> Value:
        """Within a pulse the window's clock goes on by a cycle, buffer and `active` stay, and `flush` is low; it is
        high for a cycle at least before the next one (tested, not proved)."""
        d = self.dut
        on = (self.at[0] == self.at[1] + CYCLE_NS) & (d.buffer == self.side_of[1])
        on = on & (d.active == self.active[1])
        within = (d.elapsed > -CYCLE_NS) & (d.elapsed < LONGEST + BEYOND)
        return (self.flushed | d.flush | on) & ~(d.active & d.flush) & (~d.active | within)

    @always
    def handed_on_once(self) -> Value:
        """While no photon is held, each bin has been given as many photons as came in it while it was in the window."""
        return ~self.dut.empty | (self.under_way == 0)

    @always
    def none_is_held_in_the_dark(self) -> Value:
        """The same holds when no photon has come for as many cycles as a row of eight bins lasts, and eight more."""
        lasts = 1 << self.shift[0]
        return (self.dark < lasts + STAGES + 1) | (self.under_way == 0)

    @invariant
    def totals(self) -> Value:
        """What has passed a stage is in the next one, or has passed that, too."""
        passed, hits = self.passed, self.hits
        return reduce(
            and_,
            (passed[n - 1] == (passed[n] + hits[n])[:COUNT_BITS] for n in range(1, STAGES)),
        )

    @invariant
    def what_has_passed(self) -> Value:
        """What has passed all of them is held, or on its way out."""
        return self.passed[-1] == (self.kept + self.out)[:COUNT_BITS]

    @invariant
    def clock_is_in_range(self) -> Value:
        """The window's clock has been within its limits, and so have the settings."""
        at = self.at[1]
        within = (at > -CYCLE_NS) & (at < LONGEST + BEYOND)
        limits = (self.shift[1] <= MAX_BIN_SHIFT) & (self.bins[1] <= DEPTH)
        return (~self.active[1] | within) & limits & (self.shift[2] <= MAX_BIN_SHIFT)

    @invariant
    def settings_last(self) -> Value:
        """They are the same for all that is on its way."""
        known = ~self.active[2] | (self.bins[1] == self.bins[2])
        for n in range(2, STAGES + 1):
            for k in range(1, n):
                known = known & (~self.active[n] | (self.shift[k] == self.shift[k + 1]))
        return known

    @invariant
    def bins_go_on(self) -> Value:
        """Neighbouring cycles with `active` belong to one pulse, and the first bin of one is the last bin of the other
        or the next one."""
        known = Value.cast(1)
        for n in range(1, STAGES):
            both = self.active[n] & self.active[n + 1]
            last = self._bin(n + 1, LANES - 1)
            on = (self.first[n] == last) | (self.first[n] == (last + 1)[: len(last)])
            on = on & (self.at[n] == self.at[n + 1] + CYCLE_NS)
            known = known & (~both | (on & (self.side_of[n] == self.side_of[n + 1])))
        return known

    @invariant
    def steps_grow(self) -> Value:
        """The bin of each lane is that of the lane before it, or the next one."""
        known = Value.cast(1)
        for n in range(1, 4):
            known = known & (~self.active[n] | (self.steps[0][n] == 0))
            for lane in range(1, LANES):
                more = (self.steps[lane][n] - self.steps[lane - 1][n])[:3]
                known = known & (~self.active[n] | (more <= 1))
        return known

    @invariant
    def seen_are_in_memory(self) -> Value:
        """A photon in the window belongs to a bin that there is."""
        known = Value.cast(1)
        for n in range(1, 4):
            for lane in range(LANES):
                known = known & ~(self.active[n] & self.seen[n][lane] & self._bin(n, lane)[-1])
        return known

    @invariant
    def marks_are_counted(self) -> Value:
        """How many photons of the observed bin there are goes along with them."""
        return reduce(
            and_, (self.hits[n] == reduce(add, self.marks[n]) for n in range(1, STAGES + 1))
        )

    @invariant
    def marks_fit(self) -> Value:
        """The photons of the observed bin are among those seen; without `active` there are none."""
        none = (self.active[n] | (self.marks[n] == 0) for n in range(4, STAGES))
        return reduce(and_, (*(self.marks[n] == self._marks(n) for n in range(1, 4)), *none))

    @invariant
    def flush_follows(self) -> Value:
        """Where a pulse has ended, a flush is behind it."""
        flush = self.inside("flush")
        known = ~self.flushed | ~self.active[1]
        for n in range(1, STAGES):
            known = known & (~(self.active[n + 1] & ~self.active[n]) | flush[n - 1])
            known = known & (~flush[n - 1] | ~self.active[n])
        return known

    @invariant
    def stage_0(self) -> Value:
        """What stage 1 keeps of the settings is what they were a cycle ago, and what came is told by them."""
        length = (self.bins[1] << self.shift[1])[:32]
        kept = (self.inside("shift") == self.shift[1]) & (self.inside("length") == length)
        steps = reduce(and_, (a[1] == b for a, b in zip(self.steps, self._steps(1), strict=True)))
        seen = self.seen[1] == self._seen(1, self.came[1])
        return kept & (~self.active[1] | (steps & seen & (self.first[1] == self._first(1))))

    @invariant
    def stage_1(self) -> Value:
        """Photons, buffer and clock, as they came."""
        at, here = self.at[1], self.inside
        same = (here("photons1") == self.came[1]) & (here("buffer1") == self.side_of[1])
        same = same & (here("time") == at)
        same = same & (here("remaining") == (self.bins[1] << self.shift[1]) - at)
        shifted = here("shifted")
        same = same & (shifted == (at >> self.shift[1][:2])[: len(shifted)])
        return (here("valid1") == self.active[1]) & (~self.active[1] | same)

    @invariant
    def stage_2(self) -> Value:
        """Where the clock is against the ends of bin and window."""
        here, phase, shift = self.inside, self.inside("phase"), self.shift[2]
        known = (here("buffer2") == self.side_of[2]) & (here("first2") == self.first[2])
        wide = here("last_of_bin")
        for lane in range(LANES):
            inside = (here("started") | (here("starts") & (phase + lane >= LANES))) & ~here("ended")
            inside = inside & (here("ample") | (here("few") > lane))
            known = known & (self.seen[2][lane] == (here("photons")[lane] & inside))
            step = wide & (phase + lane >= LANES)
            for narrow in range(3):
                step = Mux(shift == narrow, (phase[:narrow] + lane) >> narrow, step)
            known = known & (self.steps[lane][2] == step)
        return (here("valid2") == self.active[2]) & (~self.active[2] | known)

    @invariant
    def stage_3(self) -> Value:
        """Which photons lie in the window, and each lane's bin."""
        here = self.inside
        known = (here("buffer3") == self.side_of[3]) & (here("first3") == self.first[3])
        known = known & (here("seen") == self.seen[3])
        for lane in range(LANES):
            known = known & (here(f"step{lane}") == self.steps[lane][3])
        return (here("valid3") == self.active[3]) & (~self.active[3] | known)

    @invariant
    def stage_4(self) -> Value:
        """Photons by bin, beginning with that of the first lane."""
        first, here = self.first[4], self.inside
        known = (here("buffer4") == self.side_of[4]) & (here("first4") == first)
        known = known & (here("turn") == (1 << first[:3])[:LANES])
        last = self.steps[-1][4]
        known = known & (here("last_step") == last)
        counts = [here("groups").word_select(n, 4) for n in range(LANES)]
        for n in range(LANES):
            known = known & ((last >= n) | (counts[n] == 0))
        other = self.side_of[4] != self.side
        for beyond in (0, 1):  # memory, where no bin is in the window
            away = (Cat(self.target, Const(beyond, 1)) - first)[: len(first)]
            count = Mux(away < LANES, _one_of(counts, away[:3]), 0)
            known = known & ((count == 0) if beyond else (other | (count == self.hits[4])))
        known = known & (~other | (self.hits[4] == 0))
        return (here("valid4") == self.active[4]) & (~self.active[4] | known)

    @invariant
    def stage_5(self) -> Value:
        """Photons by lane of memory, of one row and the next."""
        return self._turned(5, "valid5 buffer5 row5 turned here crosses")

    @invariant
    def stage_6(self) -> Value:
        """The same, and whether the row is the one that is held."""
        here = self.inside
        known = self._turned(6, "valid6 buffer6 row6 turned6 here6 crosses6")
        valid, row = self.active[6], self.first[6][3:]
        ahead = (here("held_row5") == self._last_row(6)) & (here("held_buffer5") == self.side_of[6])
        same = self.active[7] & (self._last_row(7) == row)
        known = known & (~valid | (ahead & (here("same") == same)))
        return known & (here("held5") == valid)

    @invariant
    def stage_7(self) -> Value:
        """The row that is held is the one at the end of the cycle before."""
        here = self.inside
        held, row = here("held"), here("held_row")
        ours = held & (here("held_buffer") == self.side)
        known = (row == self._last_row(7)) & (here("held_buffer") == self.side_of[7])
        beyond = ours & (row == Cat(self.row, Const(1, 1)))
        return (held == self.active[7]) & (~held | known) & (~beyond | (self._held_count() == 0))

    @invariant
    def bins_are_of_the_clock(self) -> Value:
        """The last bin of a cycle is that of its last lane."""
        known = Value.cast(1)
        for n in range(1, STAGES + 1):
            last = ((self.at[n] + CYCLE_NS - 1) >> self.shift[n])[: len(self.first[n])]
            at = (self.at[n] > -CYCLE_NS) & (self.at[n] < LONGEST + BEYOND)
            at = at & (self.shift[n] <= MAX_BIN_SHIFT) & (self._bin(n, LANES - 1) == last)
            known = known & (~self.active[n] | at)
        return known

    @invariant
    def marks_are_in_their_row(self) -> Value:
        """A cycle with a photon for the observed bin reaches that bin's row."""
        known = Value.cast(1)
        for n in range(1, STAGES):
            begins, lasts = self._row_begins(n), LANES << self.shift[n]
            reaches = (self.at[n] + CYCLE_NS > begins) & (self.at[n] < begins + lasts)
            known = known & ((self.marks[n] == 0) | reaches)
        return known

    @invariant
    def dark_counts(self) -> Value:
        """A photon in stage n came n cycles ago, one that is held as long ago as its row has lasted at most, and one on
        its way out a little longer."""
        known = Value.cast(1)
        for n in range(1, STAGES):
            known = known & ((self.marks[n] == 0) | (self.dark < n))
        reached = self.at[STAGES] + CYCLE_NS - self._row_begins(STAGES)  # ns of the row, held
        held = (self.dark * CYCLE_NS) < reached + (STAGES - 1) * CYCLE_NS
        within = reached <= (LANES << self.shift[STAGES])
        known = known & ((self.kept == 0) | (held & within))
        return known & ((self.out == 0) | (self.dark <= (1 << self.shift[1]) + STAGES))

    def _row_begins(self, n: int) -> Value:
        """ns"""
        return (self.row << 3) << self.shift[n]

    def _held_count(self) -> Value:
        counts = self.inside("held_counts")
        return _one_of([counts.word_select(n, COUNT_BITS) for n in range(LANES)], self.lane)

    def _last_row(self, n: int) -> Value:
        return self._bin(n, LANES - 1)[3:]

    def _turned(self, n: int, names: str) -> Value:
        valid, buffer, row, turned, here, crosses = (self.inside(name) for name in names.split())
        count = _one_of([turned.word_select(k, 4) for k in range(LANES)], self.lane)
        first = _one_of([here[k] for k in range(LANES)], self.lane)
        known = (buffer == self.side_of[n]) & (row == self.first[n][3:])
        known = known & (first == (self.lane >= self.first[n][:3]))
        known = known & (crosses == (self._last_row(n) != row))
        known = known & (crosses | first | (count == 0))
        of = (row + ~first)[: len(row)]
        hits, other = self.hits[n], self.side_of[n] != self.side
        known = known & ((of != self.row) | other | (count == hits))
        known = known & (((of == self.row) & ~other) | (hits == 0))
        known = known & ((of != Cat(self.row, Const(1, 1))) | (count == 0))
        return (valid == self.active[n]) & (~self.active[n] | known)


def _one_of(values: list[Value], number: Value) -> Value:
    chosen = values[0]
    for n, value in enumerate(values[1:], 1):
        chosen = Mux(number == n, value, chosen)
    return chosen
