"""Time tags: every photon's pulse and nanosecond, as a stream of records."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from . import protocol
from .layouts import PACKET, TIME_TAG
from .protocol import CYCLE_NS, TAGS_PER_PACKET, Kind, TagKind

FIFO_DEPTH = 512
ENTRY = data.StructLayout({"pulse": 32, "t_ns": signed(32), "lanes": CYCLE_NS})


class TimeTags(wiring.Component):
    """Queues one record for every cycle with photons and sends them in packets.

    A record names the pulse, the time of lane 0 from that pulse's rising edge and the lanes that showed a photon. While
    the queue is full photons are counted instead: an OVERFLOW_BEGIN record comes after the last record kept, an
    OVERFLOW_END record with their number before the next. Nothing is lost without a trace.

    Ports
        enable: level; active: a pulse has been launched since the train started. photons, pulse, t_ns: of this cycle.
        packet, payload: to the `Framer`; a packet goes out when TAGS_PER_PACKET records wait, or `flush` is high.
        idle: nothing queued. Throughput: one record a cycle in; out, one in TIME_TAG.size cycles.
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
        # Two bits more than an entry: overflow records travel in the same queue.
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=ENTRY.size + 2, depth=FIFO_DEPTH)
        entry = Signal(ENTRY)
        kind = Signal(2)
        missed = Signal(32)
        overflowing = Signal()
        some = self.enable & self.photons.any()
        count = Signal(4)
        m.d.comb += [
            count.eq(sum(self.photons[lane] for lane in range(CYCLE_NS))),
            entry.pulse.eq(self.pulse),
            entry.t_ns.eq(self.t_ns),
            entry.lanes.eq(self.photons),
            kind.eq(TagKind.PHOTONS),
            queue.w_data.eq(Cat(entry, kind)),
        ]
        room = Signal(range(FIFO_DEPTH + 1))
        m.d.comb += room.eq(FIFO_DEPTH - queue.level)
        with m.If(overflowing):
            # Photons of the cycle in which the end is written are still among the missed.
            with m.If(room > 2):
                m.d.comb += [
                    queue.w_en.eq(1),
                    kind.eq(TagKind.OVERFLOW_END),
                    entry.t_ns.eq(missed + Mux(some, count, 0)),
                    entry.lanes.eq(0),
                ]
                m.d.sync += [overflowing.eq(0), missed.eq(0)]
            with m.Elif(some):
                m.d.sync += missed.eq(missed + count)
        with m.Elif(some):
            m.d.comb += queue.w_en.eq(1)
            with m.If(room <= 1):
                m.d.comb += [kind.eq(TagKind.OVERFLOW_BEGIN), entry.lanes.eq(0)]
                m.d.sync += [overflowing.eq(1), missed.eq(count)]

        waiting = Signal(range(TAGS_PER_PACKET + 1))  # records of the packet in hand
        left = Signal(range(protocol.TIME_TAG.size + 1))
        head = Signal(len(queue.r_data))
        record = Signal(TIME_TAG)
        kept, head_kind = data.View(ENTRY, head[:-2]), head[-2:]
        m.d.comb += [
            head.eq(queue.r_data),
            record.kind.eq(head_kind),
            record.lanes.eq(kept.lanes),
            record.pulse.eq(kept.pulse),
            record.t_ns.eq(kept.t_ns),
        ]
        octets = Array(record.as_value().word_select(n, 8) for n in range(protocol.TIME_TAG.size))
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.idle.eq((queue.level == 0) & ~some & ~overflowing)
                with m.If(queue.level >= TAGS_PER_PACKET):
                    m.d.sync += waiting.eq(TAGS_PER_PACKET)
                    m.next = "PACKET"
                with m.Elif(self.flush & queue.r_rdy):
                    m.d.sync += waiting.eq(queue.level)
                    m.next = "PACKET"
            with m.State("PACKET"):
                m.d.comb += [
                    self.packet.valid.eq(1),
                    self.packet.p.kind.eq(Kind.TIME_TAGS),
                    self.packet.p.length.eq(waiting * protocol.TIME_TAG.size),
                ]
                m.d.sync += left.eq(protocol.TIME_TAG.size)
                with m.If(self.packet.ready):
                    m.next = "RECORD"
            with m.State("RECORD"):
                m.d.comb += [
                    self.payload.valid.eq(queue.r_rdy),
                    self.payload.payload.eq(octets[protocol.TIME_TAG.size - left]),
                ]
                with m.If(queue.r_rdy & self.payload.ready):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.d.comb += queue.r_en.eq(1)
                        m.d.sync += [left.eq(protocol.TIME_TAG.size), waiting.eq(waiting - 1)]
                        with m.If(waiting == 1):
                            m.next = "IDLE"
        return m
