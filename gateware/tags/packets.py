"""Tag packets: words in packets, each with a head that makes it readable by itself."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.blockram import BlockRam
from trelscope.gateware.layouts import PACKET, fields_layout
from trelscope.gateware.protocol import Kind
from trelscope.gateware.tags.wire import (
    ADVANCE_BITS,
    BODY_BITS,
    LATE_BITS,
    MISSED_BITS,
    NS_BITS,
    TAG_HEAD,
    WORD_BYTES,
    WORDS_PER_PACKET,
    TagKind,
)

DEPTH = 2048  # words


class TagPackets(wiring.Component):
    """Queues words and sends them in packets. A word is sent in WORD_BYTES + 1 cycles.

    Members
    -------
    start : In(1)
        Strobe. A train starts: pulses and photons are counted from 0. Comes only while `idle`.
    train : In(32)
        Number of the train.
    words : In(stream.Signature(32))
        Words; see `wire.TagKind`.
    flush : In(1)
        Send the words that are queued, even if they do not fill a packet.
    packet : Out(stream.Signature(PACKET))
        Packets of up to WORDS_PER_PACKET words, to the `Framer`.
    payload : Out(stream.Signature(8))
        Bytes of the packet, to the `Framer`.
    idle : Out(1)
        No word is queued or being sent.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "train": In(32),
                "words": In(stream.Signature(32)),
                "flush": In(1),
                "packet": Out(stream.Signature(PACKET)),
                "payload": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = BlockRam(DEPTH, 8 * WORD_BYTES)
        level = Signal(range(DEPTH + 1))
        flush = Signal()
        # These flags lag, so the limit of `room` leaves some for what comes meanwhile.
        few = Signal()
        many = Signal()
        room = Signal(init=1)
        go = Signal()  # there is a packet to be sent
        m.d.sync += [
            flush.eq(self.flush),
            few.eq(level != 0),
            many.eq(level >= WORDS_PER_PACKET),
            room.eq(level < DEPTH - 3),
            go.eq(many | (flush & few)),
        ]
        taken = self.words.valid & self.words.ready
        m.d.comb += self.words.ready.eq(room)
        m.d.sync += ram.write.eq(taken)
        with m.If(taken):
            m.d.sync += ram.write_data.eq(self.words.payload)
        with m.If(ram.write & ~ram.read):
            m.d.sync += level.eq(level + 1)
        with m.Elif(~ram.write & ram.read):
            m.d.sync += level.eq(level - 1)
        with m.If(ram.write):
            m.d.sync += ram.write_address.eq(ram.write_address + 1)
        with m.If(ram.read):
            m.d.sync += ram.read_address.eq(ram.read_address + 1)

        # What the words that have been sent add up to: the next packet's head.
        head = Signal(fields_layout(TAG_HEAD))
        sent = Signal()  # the word in `pulses` and `photons` has begun to be sent
        pulses = Signal(BODY_BITS)
        photons = Signal(MISSED_BITS)
        m.d.comb += head.train.eq(self.train)
        with m.If(sent):
            m.d.sync += [
                head.pulse.eq(head.pulse + pulses),
                head.photons.eq(head.photons + photons),
            ]
        with m.If(self.start):
            m.d.sync += [head.pulse.eq(0), head.photons.eq(0), head.late.eq(0)]

        waiting = Signal(range(WORDS_PER_PACKET + 1))  # words of this packet not yet begun
        none_left = Signal(init=1)
        m.d.sync += none_left.eq(waiting == 0)
        length = Signal(16)
        left = Signal(range(TAG_HEAD.size + 1))  # bytes of the head or the word not yet sent
        last_byte = Signal()
        sending = Signal()  # they are being sent
        rest = Signal(8 * TAG_HEAD.size)
        fetch = Signal()  # strobe: read the next word, which is in `ram.read_data` 3 cycles later
        word, body = ram.read_data, ram.read_data[:BODY_BITS]
        m.d.sync += [ram.read.eq(fetch), sent.eq(0)]
        m.d.comb += [
            self.packet.p.kind.eq(Kind.TIME_TAGS),
            self.packet.p.length.eq(length),
            self.payload.valid.eq(sending),
            self.payload.payload.eq(rest[:8]),
        ]
        with m.FSM():
            with m.State("IDLE"):
                busy = ram.write | ram.read | sent | self.words.valid | (waiting != 0) | ~none_left
                m.d.comb += self.idle.eq((level == 0) & ~few & ~many & room & ~go & ~busy)
                m.d.sync += waiting.eq(Mux(many, WORDS_PER_PACKET, level))
                with m.If(go):
                    m.next = "PACKET"
            with m.State("PACKET"):
                m.d.sync += length.eq(TAG_HEAD.size + WORD_BYTES * waiting)
                m.d.sync += [rest.eq(head), left.eq(TAG_HEAD.size), last_byte.eq(0)]
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += self.packet.valid.eq(1)
                with m.If(self.packet.ready):
                    m.d.comb += fetch.eq(1)
                    m.d.sync += sending.eq(1)
                    m.next = "SEND"
            with m.State("LOAD"):
                # The next word is fetched while this one is sent.
                m.d.comb += fetch.eq(waiting != 1)
                m.d.sync += [rest.eq(word), left.eq(WORD_BYTES), last_byte.eq(0)]
                m.d.sync += [waiting.eq(waiting - 1), sending.eq(1)]
                m.d.sync += [sent.eq(1), pulses.eq(0), photons.eq(0)]
                with m.Switch(word[BODY_BITS:]):
                    with m.Case(TagKind.PHOTON):
                        m.d.sync += [pulses.eq(body[NS_BITS:]), photons.eq(1), head.late.eq(0)]
                    with m.Case(TagKind.ADVANCE):
                        m.d.sync += pulses.eq(body)
                    with m.Case(TagKind.LATE):
                        m.d.sync += head.late.eq(body[:LATE_BITS])
                    with m.Case(TagKind.OVERFLOW), m.If(body[MISSED_BITS]):
                        m.d.sync += photons.eq(body[:MISSED_BITS])
                m.next = "SEND"
            with m.State("SEND"), m.If(self.payload.ready):
                m.d.sync += [left.eq(left - 1), last_byte.eq(left == 2), rest.eq(rest >> 8)]
                with m.If(last_byte):
                    m.d.sync += sending.eq(0)
                    m.next = "LOAD"
                    with m.If(none_left):
                        m.next = "IDLE"
        return m


assert ADVANCE_BITS + NS_BITS == BODY_BITS
