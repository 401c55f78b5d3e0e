"""Tag words: from records of cycles with photons to a word for every photon."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import CYCLE_NS
from trelscope.gateware.tags.queue import RECORD, Entry
from trelscope.gateware.tags.wire import (
    ADVANCE_BITS,
    BODY_BITS,
    LATE_BITS,
    MISSED_BITS,
    NS_BITS,
    TagKind,
)


class TagWords(wiring.Component):
    """Makes words of records.

    Numbers that do not fit a word are spread over several words of the same kind, which add up.

    Members
    -------
    start : In(1)
        Strobe. A train starts: pulses are counted from 0. Comes only while `idle`.
    records : In(stream.Signature(RECORD))
        What the lanes showed.
    words : Out(stream.Signature(32))
        Words; see `wire.TagKind`.
    idle : Out(1)
        No record is being worked on.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "records": In(stream.Signature(RECORD)),
                "words": Out(stream.Signature(32)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        record = Signal(RECORD)
        before = Signal(32)  # pulse of the words that have been sent
        advance = Signal(32)  # pulses from there to the record's
        missed = Cat(record.lanes, record.cycle)[:32]
        late = record.cycle[-LATE_BITS:]
        first = Signal(range(CYCLE_NS))  # lane of the earliest photon that has no word yet
        rest = record.lanes & (record.lanes - 1)  # the lanes of all others
        for lane in reversed(range(CYCLE_NS)):
            with m.If(record.lanes[lane]):
                m.d.comb += first.eq(lane)
        photon = Cat(first, record.cycle[: NS_BITS - 3], advance[:ADVANCE_BITS])

        def send(kind: TagKind, body: Value) -> Value:
            """Offer a word; returns whether it is taken."""
            m.d.comb += self.words.valid.eq(1)
            m.d.comb += self.words.payload.eq(Cat(body[:BODY_BITS], Const(kind, 2)))
            return self.words.ready

        def part(number: Signal | Value, bits: int) -> tuple[Value, Value, Value]:
            """What of a number goes into a word of so many bits; what is left of it; whether nothing is."""
            all_ = ~number[bits:].any()
            most = Const(1 << (bits - 1), bits)
            less = Cat(number[: bits - 1], number[bits - 1 :] - 1)
            return Mux(all_, number[:bits], most), Mux(all_, 0, less)[:32], all_

        with m.If(self.start):
            m.d.sync += before.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.records.ready.eq(1), self.idle.eq(~self.records.valid)]
                with m.If(self.records.valid):
                    m.d.sync += record.eq(self.records.payload)
                    m.next = "DISTANCE"
            with m.State("DISTANCE"):
                m.d.sync += [advance.eq(record.pulse - before), before.eq(record.pulse)]
                m.next = "CHOOSE"
            with m.State("CHOOSE"):
                with m.If(record.entry == Entry.PHOTONS):
                    m.next = "PHOTON"
                    with m.If(late.any()):
                        m.next = "LATE"
                with m.Else():
                    m.next = "OVERFLOW"
                near = (record.entry == Entry.PHOTONS) & ~advance[ADVANCE_BITS:].any()
                with m.If(~near & advance.any()):
                    m.next = "ADVANCE"
            with m.State("ADVANCE"):
                body, left, _ = part(advance, BODY_BITS)
                with m.If(send(TagKind.ADVANCE, body)):
                    m.d.sync += advance.eq(left)
                    m.next = "CHOOSE"
            with m.State("LATE"), m.If(send(TagKind.LATE, Cat(late, Const(0, BODY_BITS)))):
                m.next = "PHOTON"
            with m.State("PHOTON"), m.If(send(TagKind.PHOTON, photon)):
                m.d.sync += [advance.eq(0), record.lanes.eq(rest)]
                m.next = "IDLE"
                with m.If(rest.any()):
                    m.next = "PHOTON"
                    with m.If(late.any()):
                        m.next = "LATE"
            with m.State("OVERFLOW"):
                ended = record.entry == Entry.MISSED
                number, left, all_ = part(missed, MISSED_BITS)
                body = Cat(number & ended.replicate(MISSED_BITS), ended)
                with m.If(send(TagKind.OVERFLOW, body)):
                    m.d.sync += missed.eq(left)
                    with m.If(~ended | all_):
                        m.next = "IDLE"
        return m
