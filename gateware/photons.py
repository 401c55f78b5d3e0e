"""Photon histogram: sorts the photons of eight 1 ns lanes per cycle into bins."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.boxcar import BURST_BITS
from trelscope.gateware.protocol import CYCLE_NS, MAX_BIN_SHIFT

LANES = CYCLE_NS
COUNT_BITS = MAX_BIN_SHIFT + 1  # photons of a bin of 2**MAX_BIN_SHIFT ns, at most one per ns


class PhotonRows(wiring.Component):
    """Counts the photons of each bin and hands the counts on in rows of eight neighbouring bins.

    A photon in lane j comes `elapsed + j` ns after the start of the window and belongs to bin
    (elapsed + j) >> bin_shift. The eight bins whose numbers differ in the lowest three bits only form a row; each lies
    in another lane of `InterleavedMemory`. The photons of a cycle belong to one row, or to the end of one row and the
    beginning of the next. Within a pulse, row numbers only increase, so each row is updated once per pulse. There is no
    dead time: all eight lanes may have a photon in every cycle. An update comes 7 cycles after its row is complete.

    Parameters
    ----------
    depth : int
        Bins per buffer of the trace memory, a multiple of 8.

    Members
    -------
    active : In(1)
        Count the photons of this cycle that lie in the window.
    elapsed : In(signed(32))
        Time from the start of the window to lane 0, in ns.
    photons : In(LANES)
        Photons of this cycle in lanes of 1 ns, the earliest in bit 0.
    buffer : In(1)
        Buffer of the trace memory that the pulse belongs to.
    bin_shift : In(4)
        Base-2 logarithm of the bin width in ns. Must be stable from one cycle before `active`.
    window_bins : In(16)
        Bins of the trace. Must be stable from one cycle before `active`.
    flush : In(1)
        No photon of the current pulse will follow. One cycle suffices.
    update : Out(1)
        Strobe. A row is complete.
    row : Out(range(depth // LANES))
        Row that is complete.
    update_buffer : Out(1)
        Buffer of the trace memory to add it to.
    counts : Out(data.ArrayLayout(BURST_BITS, LANES))
        Photons in each bin of the row, lowest bin first. All of them may be 0.
    empty : Out(1)
        No photon is held that has not been handed on.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        super().__init__(
            {
                "active": In(1),
                "elapsed": In(signed(32)),
                "photons": In(LANES),
                "buffer": In(1),
                "bin_shift": In(4),
                "window_bins": In(16),
                "flush": In(1),
                "update": Out(1),
                "row": Out(range(depth // LANES)),
                "update_buffer": Out(1),
                "counts": Out(data.ArrayLayout(BURST_BITS, LANES)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()

        # One bit more than a row's address has, so that rows beyond the memory's end differ from those inside it.
        row_bits = (self._depth // LANES - 1).bit_length() + 1
        flush = Signal(7)  # bit n: flush of stage n + 1
        m.d.sync += flush.eq(Cat(self.flush, flush[:-1]))

        # Stage 1: the time of lane 0 and the time from there to the window's end; the first half of the shift to bins.
        length = Signal(32)
        shift = Signal(4)
        m.d.sync += [length.eq(self.window_bins << self.bin_shift), shift.eq(self.bin_shift)]
        valid1 = Signal()
        photons1 = Signal(LANES)
        buffer1 = Signal()
        time = Signal(signed(32))  # ns from the window's start to lane 0
        remaining = Signal(signed(34))  # ns from lane 0 to the window's end
        shifted = Signal(row_bits + 3 + 12)  # `elapsed`, shifted by the low two bits of `shift`
        m.d.sync += valid1.eq(self.active)
        with m.If(self.active):
            m.d.sync += [
                photons1.eq(self.photons),
                buffer1.eq(self.buffer),
                time.eq(self.elapsed),
                remaining.eq(length - self.elapsed),
                shifted.eq(self.elapsed >> shift[:2]),
            ]

        # Stage 2: the bin of lane 0, and how far it is from the ends of bin and window.
        valid2 = Signal()
        photons = Signal(LANES)
        buffer2 = Signal()
        started = Signal()  # lane 0 is in the window
        starts = Signal()  # lane 0 is at most 7 ns before the window
        ended = Signal()  # lane 0 is beyond the window's end
        ample = Signal()  # all lanes are before the window's end
        few = Signal(3)  # number of lanes before the window's end, unless `ample` or `ended`
        phase = Signal(3)  # lowest three bits of lane 0's position in its bin
        last_of_bin = Signal()  # all higher bits of that position are ones
        first2 = Signal(row_bits + 3)  # bin of lane 0
        m.d.sync += valid2.eq(valid1)
        with m.If(valid1):
            beyond = time[3:MAX_BIN_SHIFT] | (Const(-1, 32) << shift)[3:MAX_BIN_SHIFT]
            m.d.sync += [
                photons.eq(photons1),
                buffer2.eq(buffer1),
                started.eq(time >= 0),
                starts.eq(time[3:].all()),
                ended.eq(remaining[-1]),
                ample.eq(remaining[3:-1].any()),
                few.eq(remaining[:3]),
                phase.eq(time[:3]),
                last_of_bin.eq(beyond.all()),
                first2.eq(shifted >> (shift[2:] << 2)),
            ]

        # Stage 3: which photons lie in the window, and each lane's bin relative to that of lane 0.
        valid3 = Signal()
        buffer3 = Signal()
        first3 = Signal.like(first2)
        seen = Signal(LANES)
        steps = [Signal(3, name=f"step{lane}") for lane in range(LANES)]
        m.d.sync += valid3.eq(valid2)
        with m.If(valid2):
            m.d.sync += [buffer3.eq(buffer2), first3.eq(first2)]
            for lane in range(LANES):
                inside = (started | (starts & (phase + lane >= LANES))) & ~ended
                inside &= ample | (few > lane)
                m.d.sync += [
                    seen[lane].eq(photons[lane] & inside),
                    steps[lane].eq(self._step(m, shift, phase, last_of_bin, lane)),
                ]

        # Stage 4: the number of photons in each of eight bins, starting with that of lane 0.
        valid4 = Signal()
        buffer4 = Signal()
        first4 = Signal.like(first2)
        groups = Signal(data.ArrayLayout(4, LANES))
        turn = Signal(LANES)  # position in its row of lane 0's bin, one-hot
        last_step = Signal(3)
        m.d.sync += valid4.eq(valid3)
        with m.If(valid3):
            m.d.sync += [buffer4.eq(buffer3), first4.eq(first3), last_step.eq(steps[-1])]
            m.d.sync += turn.eq(Cat(first3[:3] == n for n in range(LANES)))
            for group in range(LANES):
                hits = [seen[n] & (steps[n] == group) for n in range(group, LANES)]
                m.d.sync += groups[group].eq(sum(hits))

        # Stage 5: the counts rotated to the memory's lanes: the end of one row and the beginning of the next.
        valid5 = Signal()
        buffer5 = Signal()
        row5 = Signal(row_bits)
        turned = Signal(data.ArrayLayout(4, LANES))
        here = Signal(LANES)  # the memory's lane belongs to the first of the two rows
        crosses = Signal()  # there is a second row
        m.d.sync += valid5.eq(valid4)
        with m.If(valid4):
            offset = first4[:3]
            m.d.sync += [
                buffer5.eq(buffer4),
                row5.eq(first4[3:]),
                crosses.eq(offset + last_step >= LANES),
            ]
            for lane in range(LANES):
                places = (groups[(lane - n) % LANES] & turn[n].replicate(4) for n in range(LANES))
                m.d.sync += [turned[lane].eq(reduce(or_, places)), here[lane].eq(lane >= offset)]

        # Stage 6: whether the row is the one held in stage 7.
        valid6 = Signal()
        buffer6 = Signal()
        row6 = Signal(row_bits)
        turned6 = Signal.like(turned)
        here6 = Signal(LANES)
        crosses6 = Signal()
        same = Signal()
        held5 = Signal()  # stage 7 will hold a row, whose number and buffer follow
        held_row5 = Signal(row_bits)
        held_buffer5 = Signal()
        m.d.sync += valid6.eq(valid5)
        with m.If(valid5):
            m.d.sync += [
                buffer6.eq(buffer5),
                row6.eq(row5),
                turned6.eq(turned),
                here6.eq(here),
                crosses6.eq(crosses),
                same.eq(held5 & (held_row5 == row5) & (held_buffer5 == buffer5)),
                held5.eq(1),
                held_row5.eq(row5 + crosses),
                held_buffer5.eq(buffer5),
            ]
        with m.Elif(flush[4]):
            m.d.sync += held5.eq(0)

        # Stage 7: the counts are added up until the row is complete.
        held = Signal()
        held_row = Signal(row_bits)
        held_buffer = Signal()
        held_counts = Signal(data.ArrayLayout(COUNT_BITS, LANES))
        now, next_ = (Signal(data.ArrayLayout(COUNT_BITS, LANES), name=n) for n in ("now", "next"))
        for lane in range(LANES):
            m.d.comb += [
                now[lane].eq(Mux(same, held_counts[lane], 0) + Mux(here6[lane], turned6[lane], 0)),
                next_[lane].eq(Mux(here6[lane], 0, turned6[lane])),
            ]
        m.d.sync += self.update.eq(0)
        with m.If(valid6):
            m.d.sync += [held.eq(1), held_buffer.eq(buffer6)]
            with m.If(crosses6):
                m.d.sync += [
                    self.update.eq(1),
                    self.counts.eq(_widened(now)),
                    self.row.eq(row6),
                    self.update_buffer.eq(buffer6),
                    held_row.eq(row6 + 1),
                    held_counts.eq(next_),
                ]
            with m.Else():
                m.d.sync += [
                    self.update.eq(held & ~same),
                    self.counts.eq(_widened(held_counts)),
                    self.row.eq(held_row),
                    self.update_buffer.eq(held_buffer),
                    held_row.eq(row6),
                    held_counts.eq(now),
                ]
        with m.Elif(flush[5] & held):
            m.d.sync += [
                self.update.eq(1),
                self.counts.eq(_widened(held_counts)),
                self.row.eq(held_row),
                self.update_buffer.eq(held_buffer),
                held.eq(0),
            ]
        stages = Cat(valid1, valid2, valid3, valid4, valid5, valid6)
        waves = flush ^ Cat(self.flush, flush[:-1])
        m.d.comb += self.empty.eq(~held & ~held5 & ~stages.any() & ~self.update & ~waves.any())
        return m

    def _step(self, m: Module, shift: Value, phase: Value, last_of_bin: Value, lane: int) -> Signal:
        """Bins from lane 0's to lane `lane`'s, 0 to 7: (position of lane 0 in its bin + lane) >> shift."""
        step = Signal(3, name=f"bins{lane}")
        with m.Switch(shift):
            for narrow in range(3):
                with m.Case(narrow):
                    m.d.comb += step.eq((phase[:narrow] + lane) >> narrow)
            with m.Default():
                m.d.comb += step.eq(last_of_bin & (phase + lane >= LANES))
        return step


def _widened(counts: data.View) -> Value:
    """Counts, each extended to the width of the memory's addends."""
    filler = Const(0, BURST_BITS - COUNT_BITS)
    return Cat(Cat(counts[lane], filler) for lane in range(LANES))
