"""Photon queue: what the lanes showed, cycle by cycle, for as long as there is room."""

import enum

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.blockram import BlockRam
from trelscope.gateware.protocol import CYCLE_NS
from trelscope.gateware.tags.wire import LATE_BITS, NS_BITS

DEPTH = 512  # records
CYCLE_BITS = LATE_BITS + NS_BITS - 3  # of the longest period, counted in cycles


class Entry(enum.IntEnum):
    """What a record of the queue says."""

    PHOTONS = 0
    OVERFLOW = 1  # the photons of this cycle and further ones have no record
    MISSED = 2  # their number, in place of cycle and lanes


RECORD = data.StructLayout({"lanes": CYCLE_NS, "cycle": CYCLE_BITS, "pulse": 32, "entry": 2})


class PhotonQueue(wiring.Component):
    """Queues a record for every cycle that has photons.

    While the queue is full, photons are counted instead. An OVERFLOW record then follows the last record kept, and a
    MISSED record with the number of photons missed precedes the next one. One record is accepted per cycle.

    Members
    -------
    start : In(1)
        Strobe. Starts `count` anew.
    enable : In(1)
        Record the photons of this cycle.
    photons : In(CYCLE_NS)
        Photons of this cycle in lanes of 1 ns, the earliest in bit 0.
    pulse : In(32)
        Index within the train of the pulse whose period this is.
    cycle : In(CYCLE_BITS)
        Number of this cycle in the period.
    count : Out(32)
        Photons recorded or missed since `start`.
    records : Out(stream.Signature(RECORD))
        The records, in order.
    idle : Out(1)
        No record is queued or offered.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "enable": In(1),
                "photons": In(CYCLE_NS),
                "pulse": In(32),
                "cycle": In(CYCLE_BITS),
                "count": Out(32),
                "records": Out(stream.Signature(RECORD)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = BlockRam(DEPTH, RECORD.size)
        level = Signal(range(DEPTH + 1))
        # These flags lag by two cycles, so their limits leave room for two more records.
        some = Signal()
        full = Signal()
        spacious = Signal(init=1)
        m.d.sync += [
            some.eq(level != 0),
            full.eq(level >= DEPTH - 3),
            spacious.eq(level < DEPTH - 4),
        ]
        with m.If(ram.write & ~ram.read):
            m.d.sync += level.eq(level + 1)
        with m.Elif(~ram.write & ram.read):
            m.d.sync += level.eq(level - 1)
        with m.If(ram.write):
            m.d.sync += ram.write_address.eq(ram.write_address + 1)
        with m.If(ram.read):
            m.d.sync += ram.read_address.eq(ram.read_address + 1)

        shown = self.enable & self.photons.any()
        # The photons of one cycle ago (`coming…`) and of two cycles ago (`there`, `seen`, `seen_count`).
        coming = Signal()
        there = Signal()
        coming_seen = Signal(RECORD)
        seen = Signal(RECORD)
        coming_count = Signal(range(CYCLE_NS + 1))
        seen_count = Signal.like(coming_count)
        m.d.sync += [coming.eq(shown), there.eq(coming)]
        with m.If(shown):
            m.d.sync += [
                coming_seen.lanes.eq(self.photons),
                coming_seen.cycle.eq(self.cycle),
                coming_seen.pulse.eq(self.pulse),
                coming_count.eq(sum(self.photons[lane] for lane in range(CYCLE_NS))),
            ]
        with m.If(coming):
            m.d.sync += [
                seen.eq(coming_seen),
                seen_count.eq(coming_count),
                self.count.eq(self.count + coming_count),
            ]
        with m.If(self.start):
            m.d.sync += self.count.eq(0)

        record = Signal(RECORD)
        missed = Signal(32)  # photons missed so far, including those of `seen`
        overflowing = Signal()
        queued = Signal()
        m.d.comb += [record.eq(seen), record.entry.eq(Entry.PHOTONS)]
        m.d.sync += ram.write.eq(queued)
        with m.If(queued):
            m.d.sync += ram.write_data.eq(record)
        with m.If(overflowing):
            with m.If(coming):
                m.d.sync += missed.eq(missed + coming_count)
            # The photons of the cycle in which MISSED is written are counted as missed, too.
            with m.If(spacious):
                m.d.comb += [
                    queued.eq(1),
                    record.entry.eq(Entry.MISSED),
                    Cat(record.lanes, record.cycle).eq(missed),
                ]
                m.d.sync += overflowing.eq(0)
        with m.Elif(there):
            m.d.comb += queued.eq(1)
            with m.If(full):
                m.d.comb += record.entry.eq(Entry.OVERFLOW)
                m.d.sync += overflowing.eq(1)
                m.d.sync += missed.eq(seen_count + Mux(coming, coming_count, 0))

        m.d.comb += self.records.payload.eq(ram.read_data)
        with m.FSM():
            with m.State("IDLE"):
                moving = shown | coming | there | overflowing | ram.write
                m.d.comb += self.idle.eq((level == 0) & ~some & ~full & spacious & ~moving)
                m.d.comb += ram.read.eq(some)
                with m.If(some):
                    m.next = "READ"
            with m.State("READ"):
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += self.records.valid.eq(1)
                with m.If(self.records.ready):
                    m.next = "IDLE"
        return m
