"""Photon histogram: eight 1 ns lanes a cycle into bins, every photon counted."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
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
        buffer: where the pulse belongs; bin_shift, window_bins: of the train.
        flush: no photon of the pulse will follow; one cycle of it suffices.
        update: strobe with `row`, `update_buffer`, `counts`. Latency: 1 cycle, then until the row is complete.
        Throughput: eight photons a cycle. empty: nothing is held back.
    """

    def __init__(self, depth: int) -> None:
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

        # Stage 1: the photons of each of the eight bins that begin with lane 0's, and where that one lies.
        steps = [self._step(m, lane) for lane in range(LANES)]  # bins from lane 0's to lane j's
        inside = Signal(LANES)
        remaining = Signal(signed(34))  # ns from lane 0 to the window's end
        m.d.comb += remaining.eq((self.window_bins << self.bin_shift) - self.elapsed)
        for lane in range(LANES):
            m.d.comb += inside[lane].eq((self.elapsed + lane >= 0) & (lane < remaining))
        seen = self.photons & inside & self.active.replicate(LANES)
        first = Signal(signed(32))
        groups = Signal(data.ArrayLayout(4, LANES))
        valid, buffer, flush = Signal(), Signal(), Signal()
        m.d.sync += [valid.eq(self.active), flush.eq(self.flush)]
        with m.If(self.active):
            m.d.sync += [first.eq(self.elapsed >> self.bin_shift), buffer.eq(self.buffer)]
            for group in range(LANES):
                hits = Cat(seen[lane] & (steps[lane] == group) for lane in range(LANES))
                m.d.sync += groups[group].eq(sum(hits[lane] for lane in range(LANES)))
            last_step = Signal(3)
            m.d.sync += last_step.eq(steps[-1])

        # Stage 2: turned into their lanes, the end of one row and the beginning of the next.
        turned = Signal(data.ArrayLayout(4, LANES))
        offset = first[:3]
        for lane in range(LANES):
            m.d.comb += turned[lane].eq(Array(groups[n] for n in range(LANES))[(lane - offset)[:3]])
        crosses = Signal()
        m.d.comb += crosses.eq(offset + last_step >= LANES)
        held = Signal()
        held_row, row = Signal(signed(29)), Signal(signed(29))
        held_buffer = Signal()
        held_counts = Signal(data.ArrayLayout(COUNT_BITS, LANES))
        same = Signal()
        m.d.comb += [
            row.eq(first >> 3),
            same.eq(held & (held_row == row) & (held_buffer == buffer)),
            self.empty.eq(~held & ~valid),
        ]
        now, next_ = (Signal(data.ArrayLayout(COUNT_BITS, LANES), name=n) for n in ("now", "next"))
        for lane in range(LANES):
            here = lane >= offset
            m.d.comb += [
                now[lane].eq(Mux(same, held_counts[lane], 0) + Mux(here, turned[lane], 0)),
                next_[lane].eq(Mux(here, 0, turned[lane])),
            ]
        done = Signal(data.ArrayLayout(COUNT_BITS, LANES))
        out = Signal()
        with m.If(valid):
            m.d.sync += [held.eq(1), held_buffer.eq(buffer)]
            with m.If(crosses):
                m.d.comb += [out.eq(1), done.eq(now), self.row.eq(row)]
                m.d.comb += self.update_buffer.eq(buffer)
                m.d.sync += [held_row.eq(row + 1), held_counts.eq(next_)]
            with m.Else():
                m.d.comb += [
                    out.eq(held & ~same),
                    done.eq(held_counts),
                    self.row.eq(held_row),
                    self.update_buffer.eq(held_buffer),
                ]
                m.d.sync += [held_row.eq(row), held_counts.eq(now)]
        with m.Elif(flush):
            m.d.comb += [
                out.eq(held),
                done.eq(held_counts),
                self.row.eq(held_row),
                self.update_buffer.eq(held_buffer),
            ]
            m.d.sync += held.eq(0)
        # A row without photons need not go to memory; neither do the rows before and behind the window.
        m.d.comb += self.update.eq(out & done.as_value().any())
        for lane in range(LANES):
            m.d.comb += self.counts[lane].eq(done[lane])
        return m

    def _step(self, m: Module, lane: int) -> Signal:
        """Bins from lane 0's bin to that of lane `lane`: (position in the bin + lane) >> bin_shift, 0 to 7."""
        step = Signal(3, name=f"step{lane}")
        with m.Switch(self.bin_shift):
            for shift in range(MAX_BIN_SHIFT + 1):
                with m.Case(shift):
                    within = self.elapsed[:shift]
                    m.d.comb += step.eq((within + lane) >> shift)
        return step
