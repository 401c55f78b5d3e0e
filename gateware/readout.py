"""Readout: a full buffer as packets."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol
from trelscope.gateware.interleave import InterleavedMemory
from trelscope.gateware.layouts import PACKET, TRACE_DATA, TRACE_HEAD
from trelscope.gateware.protocol import CHUNK_BINS, SUM_BITS, Kind

WORD_BYTES = SUM_BITS // 8


class Readout(wiring.Component):
    """Sends a frame's head and then every channel's bins in chunks, clearing each bin as it is read.

    Ports
        ship: strobe, a frame is ready; shipping: from the cycle after `ship` to the one after its last byte is taken,
        or a few more without bins.
        head: stable while shipping.
        read, one strobe a channel, and read_bin: to the trace memories; read_data: from channel `channel`'s,
        READ_LATENCY later, and it stays.
        packet, payload: to the `Framer`. Throughput: one byte a cycle, 4 bytes of bins in 6.
    """

    READ_LATENCY = InterleavedMemory.READ_LATENCY  # the slowest memory's

    def __init__(self, depth: int, channels: int) -> None:
        self._channels = channels
        super().__init__(
            {
                "ship": In(1),
                "shipping": Out(1),
                "head": In(TRACE_HEAD),
                "read": Out(channels),
                "read_bin": Out(range(depth)),
                "channel": Out(range(max(2, channels))),
                "read_data": In(SUM_BITS),
                "packet": Out(stream.Signature(PACKET)),
                "payload": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunk = Signal(TRACE_DATA)
        left = Signal(range(protocol.MAX_PAYLOAD + 1))  # bytes of the present packet's fixed part
        last_byte = Signal()  # left == 1
        two_left = Signal()  # left == 2
        length = Signal(16)
        at_head = Signal()  # the packet is the frame's head
        sending = Signal()  # the fixed part; it is loaded, as it then is, as long as it is not
        flags = Signal.like(self.head.flags)  # in the previous cycle
        rest = Signal(8 * protocol.TRACE_HEAD.size)  # of the fixed part, not yet sent
        bins_left = Signal(16)  # bins of this channel in packets to come
        none_left = Signal()  # bins_left == 0, a cycle late
        many_left = Signal()  # bins_left > CHUNK_BINS, a cycle late
        word = Signal(SUM_BITS)
        word_left = Signal(range(WORD_BYTES + 1))
        some = Signal()  # word_left != 0
        last = Signal()  # word_left == 1
        # One-hot age of the word that is asked for, with bit 1; the top bit stays until it is taken. Bit 0: none is.
        ahead = Signal(self.READ_LATENCY + 2, init=1)
        to_ask = Signal(range(CHUNK_BINS + 1))  # words of this packet not yet asked for
        # There are such, and DATA is being sent; a cycle late, but words are asked for further apart.
        more = Signal()
        chunk_number = Signal(8)
        m.d.sync += [none_left.eq(bins_left == 0), many_left.eq(bins_left > CHUNK_BINS)]
        m.d.comb += [
            chunk.frame.eq(self.head.frame),
            chunk.channel.eq(self.channel),
            chunk.chunk.eq(chunk_number),
        ]

        def load(fixed_part: data.View) -> None:
            bits = len(fixed_part.as_value())
            size = bits // 8
            m.d.sync += [rest[:bits].eq(fixed_part), left.eq(size), last_byte.eq(0), two_left.eq(0)]

        m.d.comb += [
            self.packet.p.kind.eq(Mux(at_head, Kind.TRACE_HEAD, Kind.TRACE_DATA)),
            self.packet.p.length.eq(Mux(at_head, protocol.TRACE_HEAD.size, length)),
            self.payload.valid.eq(sending | some),
            self.payload.payload.eq(Mux(sending, rest[:8], word[:8])),
        ]
        with m.If(at_head):
            m.d.sync += flags.eq(self.head.flags)
        with m.If(~sending):
            with m.If(at_head):
                load(self.head)
            with m.Else():
                load(chunk)
        with m.Elif(self.payload.ready):
            m.d.sync += [left.eq(left - 1), last_byte.eq(two_left), two_left.eq(left == 3)]
            m.d.sync += rest[:-8].eq(rest[8:])
            # A head's flags, which come last, may still be set by samples under way at the swap.
            with m.If(at_head & two_left):
                m.d.sync += rest[:8].eq(flags)

        # The age shifts up until the word is there to be taken.
        with m.If(~ahead[0] & ~ahead[-1]):
            m.d.sync += ahead.eq(ahead << 1)
        m.d.sync += self.read.eq(0)
        with m.If(ahead[1]):
            m.d.sync += self.read_bin.eq(self.read_bin + 1)

        # There are words, and more of them, only while DATA is being sent.
        with m.If(some & self.payload.ready):
            m.d.sync += [
                word.eq(word >> 8),
                word_left.eq(word_left - 1),
                some.eq(~last),
                last.eq(word_left == 2),
            ]
        with m.Elif(~some & ahead[-1]):
            m.d.sync += [
                word.eq(self.read_data),
                word_left.eq(WORD_BYTES),
                some.eq(1),
                last.eq(0),
                ahead.eq(1),
            ]
        with m.If(more & (ahead[0] | (~some & ahead[-1]))):
            m.d.sync += [ahead.eq(2), to_ask.eq(to_ask - 1)]
            m.d.sync += [read.eq(self.channel == number) for number, read in enumerate(self.read)]

        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.ship):
                    m.d.sync += [self.shipping.eq(1), self.channel.eq(0), at_head.eq(1)]
                    m.next = "PACKET"
            with m.State("PACKET"):
                m.d.comb += self.packet.valid.eq(1)
                with m.If(self.packet.ready):
                    m.d.sync += sending.eq(1)
                    m.next = "FIXED PART"
            with m.State("FIXED PART"):
                with m.If(self.payload.ready & last_byte):
                    m.d.sync += [at_head.eq(0), sending.eq(0)]
                    m.next = "DATA"
                    with m.If(at_head):
                        m.next = "CHANNEL"
            with m.State("CHANNEL"):
                m.d.sync += [
                    bins_left.eq(self.head.bins),
                    self.read_bin.eq(0),
                    chunk_number.eq(0),
                ]
                m.next = "COUNTED"
            with m.State("COUNTED"):
                m.next = "CHUNK"
            with m.State("CHUNK"):
                m.d.sync += length.eq(protocol.TRACE_DATA.size + (bins_left << 2))
                with m.If(many_left):
                    m.d.sync += length.eq(protocol.MAX_PAYLOAD)
                    m.d.sync += [to_ask.eq(CHUNK_BINS), bins_left.eq(bins_left - CHUNK_BINS)]
                with m.Else():
                    m.d.sync += [to_ask.eq(bins_left), bins_left.eq(0)]
                m.next = "PACKET"
                with m.If(none_left):
                    m.next = "CHUNK SENT"
            with m.State("DATA"):
                m.d.sync += more.eq(to_ask != 0)
                with m.If(some & self.payload.ready & last & ahead[0] & ~more):
                    m.next = "CHUNK SENT"
            with m.State("CHUNK SENT"):
                m.d.sync += chunk_number.eq(chunk_number + 1)
                with m.If(~none_left):
                    m.next = "CHUNK"
                with m.Elif(self.channel == self._channels - 1):
                    m.d.sync += self.shipping.eq(0)
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += self.channel.eq(self.channel + 1)
                    m.next = "CHANNEL"
        return m
