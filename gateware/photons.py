"""Photon histogram: eight 1 ns lanes a cycle into bins, every photon counted."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .boxcar import BURST_BITS
from .protocol import CYCLE_NS, MAX_BIN_SHIFT

LANES = CYCLE_NS
COUNT_BITS = MAX_BIN_SHIFT + 1  # photons of one bin of 2**MAX_BIN_SHIFT ns, one a lane


class PhotonRows(wiring.Component):
    """Counts the photons of each bin and hands them on in rows of eight neighbouring bins, one row an update.

    Lane j of a cycle shows a photon `elapsed + j` ns after the window's start, in bin (elapsed + j) >> bin_shift.
    Eight bins whose number differs in the low three bits only are a row, one bin in each of the trace memory's lanes.
    A cycle touches one row or the end of one and the beginning of the next, and rows only ever grow within a pulse,
    so each row is handed on once a pulse. There is no dead time: all eight lanes may show a photon in every cycle.

    Ports
        active: the lanes may lie in the window of a pulse that is kept; elapsed: of lane 0; photons: lane 0 earliest.
        buffer: where the pulse belongs; bin_shift, window_bins: of the train, known a cycle ahead.
        flush: no photon of the pulse will follow; one cycle of it suffices.
        update: strobe with `row`, `update_buffer`, `counts`, which may all be 0. Latency: 6 cycles once the row is
        complete.
        Throughput: eight photons a cycle. empty: nothing is held back.
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

        row_bits = (
            self._depth // LANES - 1
        ).bit_length() + 1  # and which half of twice the memory: no two rows alike
        flush = Signal(6)  # of the stages
        m.d.sync += flush.eq(Cat(self.flush, flush[:-1]))

        # Stage 1: where lane 0 lies: in time, before the window's end, and among the bins.
        length, shift = Signal(32), Signal(4)
        m.d.sync += [length.eq(self.window_bins << self.bin_shift), shift.eq(self.bin_shift)]
        valid1, photons, buffer1 = Signal(), Signal(LANES), Signal()
        started, starts = Signal(), Signal()  # lane 0 is in the window, or up to 7 ns before it
        phase = Signal(3)
        remaining = Signal(signed(34))  # ns from lane 0 to the window's end
        last_of_bin = Signal()  # above its low three bits, lane 0's position in its bin is the last
        first1 = Signal(row_bits + 3)  # lane 0's bin
        m.d.sync += valid1.eq(self.active)
        with m.If(self.active):
            beyond = self.elapsed[3:MAX_BIN_SHIFT] | (Const(-1, 32) << shift)[3:MAX_BIN_SHIFT]
            m.d.sync += [
                photons.eq(self.photons),
                buffer1.eq(self.buffer),
                started.eq(self.elapsed >= 0),
                starts.eq(self.elapsed[3:].all()),
                phase.eq(self.elapsed[:3]),
                remaining.eq(length - self.elapsed),
                last_of_bin.eq(beyond.all()),
                first1.eq(self.elapsed >> shift),
            ]

        # Stage 2: which photons lie in the window, and in the how manieth bin from lane 0's.
        valid2, buffer2, first2 = Signal(), Signal(), Signal.like(first1)
        seen = Signal(LANES)
        steps = [Signal(3, name=f"step{lane}") for lane in range(LANES)]
        m.d.sync += valid2.eq(valid1)
        with m.If(valid1):
            m.d.sync += [buffer2.eq(buffer1), first2.eq(first1)]
            ample = Signal()  # the window goes on beyond lane 7
            m.d.comb += ample.eq(remaining[3:-1].any())
            for lane in range(LANES):
                inside = (started | (starts & (phase + lane >= LANES))) & ~remaining[-1]
                inside &= ample | (remaining[:3] > lane)
                m.d.sync += [
                    seen[lane].eq(photons[lane] & inside),
                    steps[lane].eq(self._step(m, shift, phase, last_of_bin, lane)),
                ]

        # Stage 3: the photons of each of the eight bins that begin with lane 0's.
        valid3, buffer3, first3 = Signal(), Signal(), Signal.like(first1)
        groups = Signal(data.ArrayLayout(4, LANES))
        last_step = Signal(3)
        m.d.sync += valid3.eq(valid2)
        with m.If(valid2):
            m.d.sync += [buffer3.eq(buffer2), first3.eq(first2), last_step.eq(steps[-1])]
            for group in range(LANES):
                hits = [seen[n] & (steps[n] == group) for n in range(group, LANES)]
                m.d.sync += groups[group].eq(sum(hits))

        # Stage 4: turned into their lanes, the end of one row and the beginning of the next.
        valid4, buffer4, row4 = Signal(), Signal(), Signal(row_bits)
        turned = Signal(data.ArrayLayout(4, LANES))
        here = Signal(LANES)  # the lane belongs to the first of the two rows
        crosses = Signal()  # there is a second one
        m.d.sync += valid4.eq(valid3)
        with m.If(valid3):
            offset = first3[:3]
            m.d.sync += [
                buffer4.eq(buffer3),
                row4.eq(first3[3:]),
                crosses.eq(offset + last_step >= LANES),
            ]
            for lane in range(LANES):
                source = Array(groups[n] for n in range(LANES))[(lane - offset)[:3]]
                m.d.sync += [turned[lane].eq(source), here[lane].eq(lane >= offset)]

        # Stage 5: whether the row is the one being held.
        valid5, buffer5, row5 = Signal(), Signal(), Signal(row_bits)
        turned5 = Signal.like(turned)
        here5, crosses5, same = Signal(LANES), Signal(), Signal()
        held4, held_row4, held_buffer4 = Signal(), Signal(row_bits), Signal()  # after this one
        m.d.sync += valid5.eq(valid4)
        with m.If(valid4):
            m.d.sync += [
                buffer5.eq(buffer4),
                row5.eq(row4),
                turned5.eq(turned),
                here5.eq(here),
                crosses5.eq(crosses),
                same.eq(held4 & (held_row4 == row4) & (held_buffer4 == buffer4)),
                held4.eq(1),
                held_row4.eq(row4 + crosses),
                held_buffer4.eq(buffer4),
            ]
        with m.Elif(flush[3]):
            m.d.sync += held4.eq(0)

        # Stage 6: added up until the row is complete.
        held, held_row, held_buffer = Signal(), Signal(row_bits), Signal()
        held_counts = Signal(data.ArrayLayout(COUNT_BITS, LANES))
        now, next_ = (Signal(data.ArrayLayout(COUNT_BITS, LANES), name=n) for n in ("now", "next"))
        for lane in range(LANES):
            m.d.comb += [
                now[lane].eq(Mux(same, held_counts[lane], 0) + Mux(here5[lane], turned5[lane], 0)),
                next_[lane].eq(Mux(here5[lane], 0, turned5[lane])),
            ]
        m.d.sync += self.update.eq(0)
        with m.If(valid5):
            m.d.sync += [held.eq(1), held_buffer.eq(buffer5)]
            with m.If(crosses5):
                m.d.sync += [
                    self.update.eq(1),
                    self.counts.eq(_widened(now)),
                    self.row.eq(row5),
                    self.update_buffer.eq(buffer5),
                    held_row.eq(row5 + 1),
                    held_counts.eq(next_),
                ]
            with m.Else():
                m.d.sync += [
                    self.update.eq(held & ~same),
                    self.counts.eq(_widened(held_counts)),
                    self.row.eq(held_row),
                    self.update_buffer.eq(held_buffer),
                    held_row.eq(row5),
                    held_counts.eq(now),
                ]
        with m.Elif(flush[4] & held):
            m.d.sync += [
                self.update.eq(1),
                self.counts.eq(_widened(held_counts)),
                self.row.eq(held_row),
                self.update_buffer.eq(held_buffer),
                held.eq(0),
            ]
        stages = Cat(valid1, valid2, valid3, valid4, valid5)
        waves = flush ^ Cat(self.flush, flush[:-1])
        m.d.comb += self.empty.eq(~held & ~held4 & ~stages.any() & ~self.update & ~waves.any())
        return m

    def _step(self, m: Module, shift: Value, phase: Value, last_of_bin: Value, lane: int) -> Signal:
        """Bins from lane 0's bin to that of lane `lane`: (position in the bin + lane) >> shift, 0 to 7."""
        step = Signal(3, name=f"bins{lane}")
        with m.Switch(shift):
            for narrow in range(3):
                with m.Case(narrow):
                    m.d.comb += step.eq((phase[:narrow] + lane) >> narrow)
            with m.Default():
                m.d.comb += step.eq(last_of_bin & (phase + lane >= LANES))
        return step


def _widened(counts: data.View) -> Value:
    """Counts as they go to memory."""
    filler = Const(0, BURST_BITS - COUNT_BITS)
    return Cat(Cat(counts[lane], filler) for lane in range(LANES))
