"""Time tags: every photon's pulse and nanosecond, as a stream of records."""

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
    """Queues one record for every cycle with photons and sends them in packets.

    A record names the pulse, the time of lane 0 from that pulse's rising edge and the lanes that showed a photon. While
    the queue is full photons are counted instead: an OVERFLOW_BEGIN record comes after the last record kept, an
    OVERFLOW_END record with their number before the next. Nothing is lost without a trace.

    Ports
        enable: level; active: a pulse has been launched since the train started. photons, pulse, t_ns: of this cycle.
        packet, payload: to the `Framer`; a packet goes out when TAGS_PER_PACKET records wait, or `flush` is high.
        idle: nothing queued. Throughput: one record a cycle in; out, one in TIME_TAG.size + 1 cycles.
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
        m.submodules.queue = queue = BlockRam(FIFO_DEPTH, ENTRY.size + 2)
        level = Signal(range(FIFO_DEPTH + 1))
        flush = Signal()
        m.d.sync += flush.eq(self.flush)
        # Two cycles late, and so with two records of room to spare.
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
        coming = Signal()  # 1 and 2 cycles ago, as are the following
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
        missed = Signal(32)  # up to this cycle's, which are `seen`
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
            # Photons of the cycle in which the end is written are still among the missed.
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

        waiting = Signal(range(TAGS_PER_PACKET + 1))  # records of the packet in hand, not yet begun
        size = protocol.TIME_TAG.size
        length = Signal(16)
        left = Signal(range(size + 1))  # bytes of the present one
        last_byte = Signal()
        sending = Signal()  # one
        last_record = Signal()
        none_left = Signal(init=1)
        m.d.sync += [last_record.eq(waiting == 1), none_left.eq(waiting == 0)]
        fetch = Signal()  # the next record, which is in `fetched` 3 cycles later
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
                # The next one is fetched while this one is sent.
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
