"""Interleaved trace memory: eight neighbouring bins in one cycle."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from .accumulate import TraceMemory, memory_ports
from .boxcar import BURST_BITS
from .protocol import CYCLE_NS

LANES = CYCLE_NS


class InterleavedMemory(wiring.Component):
    """A `TraceMemory` made of eight, bin b in lane b mod 8, that can also add to a whole row of eight bins at once.

    Ports
        as of `TraceMemory`, with the same latencies, and
        row_update, row, row_buffer, counts: add `counts` to the eight bins of a row, a cycle later than `update` does;
        not together with that.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        super().__init__(
            memory_ports(depth)
            | {
                "row_update": In(1),
                "row": In(range(depth // LANES)),
                "row_buffer": In(1),
                "counts": In(data.ArrayLayout(BURST_BITS, LANES)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row_update, row_buffer = Signal(), Signal()
        row = Signal.like(self.row)
        counts = Signal.like(self.counts)
        some = Signal(LANES)  # the lane's count is not 0
        m.d.sync += row_update.eq(self.row_update)
        with m.If(self.row_update):
            m.d.sync += [row.eq(self.row), row_buffer.eq(self.row_buffer), counts.eq(self.counts)]
            m.d.sync += [some[lane].eq(self.counts[lane] != 0) for lane in range(LANES)]
        lanes = [TraceMemory(self._depth // LANES) for _ in range(LANES)]
        for number, lane in enumerate(lanes):
            m.submodules[f"lane{number}"] = lane
            m.d.comb += [
                lane.read.eq(self.read & (self.read_bin[:3] == number)),
                lane.read_bin.eq(self.read_bin[3:]),
                lane.read_buffer.eq(self.read_buffer),
                lane.sweep.eq(self.sweep),
                lane.sweep_bin.eq(self.sweep_bin[3:]),
                lane.clear_saturated.eq(self.clear_saturated),
            ]
            with m.If(row_update):
                m.d.comb += [
                    lane.update.eq(some[number]),
                    lane.update_bin.eq(row),
                    lane.update_buffer.eq(row_buffer),
                    lane.addend.eq(counts[number]),
                ]
            with m.Else():
                m.d.comb += [
                    lane.update.eq(self.update & (self.update_bin[:3] == number)),
                    lane.update_bin.eq(self.update_bin[3:]),
                    lane.update_buffer.eq(self.update_buffer),
                    lane.addend.eq(self.addend),
                ]
        asked = Signal(3)  # lane of the latest read
        with m.If(self.read):
            m.d.sync += asked.eq(self.read_bin[:3])
        flags = [lane.saturated for lane in lanes]
        m.d.comb += [
            self.read_data.eq(Array(lane.read_data for lane in lanes)[asked]),
            self.saturated.eq(Cat(Cat(flag[side] for flag in flags).any() for side in range(2))),
            self.busy.eq(Cat(lane.busy for lane in lanes).any() | row_update),
        ]
        return m
