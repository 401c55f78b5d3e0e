"""Time tags: the pulse and the nanosecond of every photon, as a stream of records."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol
from trelscope.gateware.blockram import BlockRam
from trelscope.gateware.layouts import PACKET, TIME_TAG
from trelscope.gateware.protocol import CYCLE_NS, TAGS_PER_PACKET, Kind, TagKind

FIFO_DEPTH = 512
ENTRY = data.StructLayout({"pulse": 32, "t_ns": signed(32), "lanes": CYCLE_NS})


class TimeTags(wiring.Component):
    """Queues a record for every cycle that has photons, and sends the records in packets.

    A record holds the number of the pulse, the time of lane 0 from the rising edge of that pulse, and the lanes that
    have a photon. While the queue is full, photons are counted instead. An OVERFLOW_BEGIN record then follows the last
    record kept, and an OVERFLOW_END record with the number of photons missed precedes the next one. One record is
    accepted per cycle; one is sent in TIME_TAG.size + 1 cycles.

    Members
    -------
    enable : In(1)
        Record the photons of this cycle.
    photons : In(CYCLE_NS)
        Photons of this cycle in lanes of 1 ns, the earliest in bit 0.
    pulse : In(32)
        Index within the train of the latest pulse launched.
    t_ns : In(signed(32))
        Time from the rising edge of that pulse to lane 0, in ns.
    flush : In(1)
        Send the records that are queued, even if they do not fill a packet.
    packet : Out(stream.Signature(PACKET))
        Packets of up to TAGS_PER_PACKET records, to the `Framer`.
    payload : Out(stream.Signature(8))
        Bytes of the packet, to the `Framer`.
    idle : Out(1)
        No record is queued or being sent.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "enable": In(1),
                "photons": In(CYCLE_NS),
                "pulse": In(32),
                "t_ns": In(signed(32)),
                "flush": In(1),
                "packet": Out(stream.Signature(PACKET)),
                "payload": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Each word has two bits more than an entry, for the kind of the record: the queue holds overflow records too.
        m.submodules.queue = queue = BlockRam(FIFO_DEPTH, ENTRY.size + 2)
        level = Signal(range(FIFO_DEPTH + 1))
        flush = Signal()
        m.d.sync += flush.eq(self.flush)
        # These flags lag by two cycles, so their limits leave room for two more records.
        few = Signal()
        many = Signal()
        full = Signal()
        spacious = Signal()
        go = Signal()  # there is a packet to be sent
        m.d.sync += [
            few.eq(level != 0),
            many.eq(level >= TAGS_PER_PACKET),
            full.eq(level >= FIFO_DEPTH - 3),
            spacious.eq(level < FIFO_DEPTH - 4),
            go.eq(many | (flush & few)),
        ]
        with m.If(queue.write & ~queue.read):
            m.d.sync += level.eq(level + 1)
        with m.Elif(~queue.write & queue.read):
            m.d.sync += level.eq(level - 1)
        with m.If(queue.write):
            m.d.sync += queue.write_address.eq(queue.write_address + 1)
        with m.If(queue.read):
            m.d.sync += queue.read_address.eq(queue.read_address + 1)

        shown = self.enable & self.photons.any()
        # The photons of one cycle ago (`coming…`) and of two cycles ago (`some`, `seen`, `count`).
        coming = Signal()
        some = Signal()
        coming_seen = Signal(ENTRY)
        seen = Signal(ENTRY)
        coming_count = Signal(4)
        count = Signal(4)
        m.d.sync += [coming.eq(shown), some.eq(coming)]
        with m.If(shown):
            m.d.sync += [
                coming_seen.pulse.eq(self.pulse),
                coming_seen.t_ns.eq(self.t_ns),
                coming_seen.lanes.eq(self.photons),
                coming_count.eq(sum(self.photons[lane] for lane in range(CYCLE_NS))),
            ]
        with m.If(coming):
            m.d.sync += [seen.eq(coming_seen), count.eq(coming_count)]
        entry = Signal(ENTRY)
        kind = Signal(2)
        missed = Signal(32)  # photons missed so far, including those of `seen`
        overflowing = Signal()
        queued = Signal()
        m.d.comb += [
            entry.eq(seen),
            kind.eq(TagKind.PHOTONS),
        ]
        m.d.sync += queue.write.eq(queued)
        with m.If(queued):
            m.d.sync += queue.write_data.eq(Cat(entry, kind))
        with m.If(overflowing):
            with m.If(coming):
                m.d.sync += missed.eq(missed + coming_count)
            # The photons of the cycle in which OVERFLOW_END is written are counted as missed, too.
            with m.If(spacious):
                m.d.comb += [
                    queued.eq(1),
                    kind.eq(TagKind.OVERFLOW_END),
                    entry.t_ns.eq(missed),
                    entry.lanes.eq(0),
                ]
                m.d.sync += overflowing.eq(0)
        with m.Elif(some):
            m.d.comb += queued.eq(1)
            with m.If(full):
                m.d.comb += [kind.eq(TagKind.OVERFLOW_BEGIN), entry.lanes.eq(0)]
                m.d.sync += [overflowing.eq(1), missed.eq(count + Mux(coming, coming_count, 0))]

        waiting = Signal(range(TAGS_PER_PACKET + 1))  # records of this packet not yet begun
        size = protocol.TIME_TAG.size
        length = Signal(16)
        left = Signal(range(size + 1))  # bytes of the current record not yet sent
        last_byte = Signal()
        sending = Signal()  # a record is being sent
        last_record = Signal()
        none_left = Signal(init=1)
        m.d.sync += [last_record.eq(waiting == 1), none_left.eq(waiting == 0)]
        fetch = Signal()  # strobe: read the next record, which is in `fetched` 3 cycles later
        fetched = Signal(TIME_TAG)
        rest = Signal(8 * size)
        m.d.sync += queue.read.eq(fetch)
        kept = data.View(ENTRY, queue.read_data[:-2])
        m.d.comb += [
            fetched.kind.eq(queue.read_data[-2:]),
            fetched.lanes.eq(kept.lanes),
            fetched.pulse.eq(kept.pulse),
            fetched.t_ns.eq(kept.t_ns),
            self.packet.p.kind.eq(Kind.TIME_TAGS),
            self.packet.p.length.eq(length),
            self.payload.valid.eq(sending),
            self.payload.payload.eq(rest[:8]),
        ]
        with m.FSM():
            with m.State("IDLE"):
                busy = some | coming | shown | overflowing | queue.write | queue.read
                packet = (waiting != 0) | last_record | ~none_left
                m.d.comb += self.idle.eq((level == 0) & ~few & ~many & ~go & ~busy & ~packet)
                m.d.sync += waiting.eq(Mux(many, TAGS_PER_PACKET, level))
                with m.If(go):
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += fetch.eq(1)
                # waiting * size, without a multiplier.
                m.d.sync += length.eq(sum(waiting << n for n in range(8) if size >> n & 1))
                m.next = "WAIT"
            with m.State("WAIT"):
                m.next = "PACKET"
            with m.State("PACKET"):
                m.d.comb += self.packet.valid.eq(1)
                with m.If(self.packet.ready):
                    m.next = "LOAD"
            with m.State("LOAD"):
                # The next record is fetched while this one is sent.
                m.d.comb += fetch.eq(~last_record)
                m.d.sync += [rest.eq(fetched), left.eq(size), last_byte.eq(0)]
                m.d.sync += [waiting.eq(waiting - 1), sending.eq(1)]
                m.next = "RECORD"
            with m.State("RECORD"):
                with m.If(self.payload.ready):
                    m.d.sync += [left.eq(left - 1), last_byte.eq(left == 2), rest.eq(rest >> 8)]
                    with m.If(last_byte):
                        m.d.sync += sending.eq(0)
                        m.next = "LOAD"
                        with m.If(none_left):
                            m.next = "IDLE"
        return m
