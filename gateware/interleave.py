"""Interleaved trace memory: eight neighbouring bins can be updated in one cycle."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from trelscope.gateware.accumulate import TraceMemory, memory_ports
from trelscope.gateware.boxcar import BURST_BITS
from trelscope.gateware.protocol import CYCLE_NS, SUM_BITS

LANES = CYCLE_NS


class InterleavedMemory(wiring.Component):
    """Trace memory that can also add to eight neighbouring bins at once.

    It consists of eight lanes, each a `TraceMemory`; bin b lies in lane b mod 8. The eight bins whose numbers differ in
    the lowest three bits only form a row. All members of `TraceMemory` are present, with one cycle more of latency for
    updates and reads. `row_update` and `update` must not be asserted in the same cycle.

    Parameters
    ----------
    depth : int
        Bins per buffer, a multiple of 8.

    Members
    -------
    row_update : In(1)
        Strobe. Adds `counts` to the bins of a row, with the latency of an update.
    row : In(range(depth // LANES))
        Row to add to.
    row_buffer : In(1)
        Buffer to add to.
    counts : In(data.ArrayLayout(BURST_BITS, LANES))
        Number to add to each bin of the row, lowest bin first.
    """

    READ_LATENCY = TraceMemory.READ_LATENCY + 1

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
        update = Signal(LANES)
        row = Signal.like(self.row)
        row_buffer = Signal()
        addends = Signal.like(self.counts)
        with m.If(self.row_update):
            m.d.sync += [
                *(update[lane].eq(self.counts[lane] != 0) for lane in range(LANES)),
                row.eq(self.row),
                row_buffer.eq(self.row_buffer),
                addends.eq(self.counts),
            ]
        with m.Elif(self.update):
            m.d.sync += [
                update.eq(1 << self.update_bin[:3]),
                row.eq(self.update_bin[3:]),
                row_buffer.eq(self.update_buffer),
                *(addends[lane].eq(self.addend) for lane in range(LANES)),
            ]
        with m.Else():
            m.d.sync += update.eq(0)
        lanes = [TraceMemory(self._depth // LANES) for _ in range(LANES)]
        for number, lane in enumerate(lanes):
            m.submodules[f"lane{number}"] = lane
            m.d.comb += [
                lane.update.eq(update[number]),
                lane.update_bin.eq(row),
                lane.update_buffer.eq(row_buffer),
                lane.addend.eq(addends[number]),
                lane.read.eq(self.read & (self.read_bin[:3] == number)),
                lane.read_bin.eq(self.read_bin[3:]),
                lane.read_buffer.eq(self.read_buffer),
                lane.sweep.eq(self.sweep),
                lane.sweep_bin.eq(self.sweep_bin[3:]),
                lane.clear_saturated.eq(self.clear_saturated),
            ]
        asked = Signal(LANES)  # lane of the latest read, one-hot
        with m.If(self.read):
            m.d.sync += asked.eq(1 << self.read_bin[:3])
        words = [
            lane.read_data & chosen.replicate(SUM_BITS)
            for lane, chosen in zip(lanes, asked, strict=True)
        ]
        flags = [lane.saturated for lane in lanes]
        m.d.sync += self.read_data.eq(reduce(or_, words))
        m.d.comb += [
            self.saturated.eq(Cat(Cat(flag[side] for flag in flags).any() for side in range(2))),
            self.busy.eq(Cat(lane.busy for lane in lanes).any() | update.any()),
            self.updating.eq(Cat(lane.updating for lane in lanes).any() | update.any()),
        ]
        return m
