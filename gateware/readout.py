"""Readout: a full buffer as packets."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from . import protocol
from .accumulate import TraceMemory
from .layouts import PACKET, TRACE_DATA, TRACE_HEAD
from .protocol import CHUNK_BINS, SUM_BITS, Kind

WORD_BYTES = SUM_BITS // 8


class Readout(wiring.Component):
    """Sends a frame's head and then every channel's bins in chunks, clearing each bin as it is read.

    Ports
        ship: strobe, a frame is ready; shipping: from the cycle after `ship` to the one after its last byte is taken.
        head: stable while shipping.
        read, read_bin: to every `TraceMemory`; read_data: from channel `channel`'s, `TraceMemory.READ_LATENCY` later.
        packet, payload: to the `Framer`. Throughput: one byte a cycle, 4 bytes of bins in 6.
    """

    def __init__(self, depth: int, channels: int) -> None:
        self._channels = channels
        super().__init__(
            {
                "ship": In(1),
                "shipping": Out(1),
                "head": In(TRACE_HEAD),
                "read": Out(1),
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
        length = Signal(16)
        rest = Signal(8 * protocol.TRACE_HEAD.size)  # of the fixed part, not yet sent
        bins_left = Signal(16)  # bins of this channel in packets to come
        word = Signal(SUM_BITS)
        word_left = Signal(range(WORD_BYTES + 1))
        some = Signal()  # word_left != 0
        last = Signal()  # word_left == 1
        # One-hot age of the word that is asked for, with bit 1; the top bit stays until it is taken. Bit 0: none is.
        ahead = Signal(TraceMemory.READ_LATENCY + 3, init=1)
        read_ahead = Signal(SUM_BITS)
        to_ask = Signal(range(CHUNK_BINS + 1))  # words of this packet not yet asked for
        more = (
            Signal()
        )  # there are such, and DATA is being sent; a cycle late: words are asked for further apart
        chunk_number = Signal(8)
        m.d.comb += [
            chunk.frame.eq(self.head.frame),
            chunk.channel.eq(self.channel),
            chunk.chunk.eq(chunk_number),
        ]

        def load(fixed_part: data.View) -> None:
            size = len(fixed_part.as_value()) // 8
            m.d.sync += [rest.eq(fixed_part), left.eq(size), last_byte.eq(0)]

        def send(done: str) -> None:
            """Send the bytes in `rest`, counting `left` down."""
            m.d.comb += [self.payload.valid.eq(1), self.payload.payload.eq(rest[:8])]
            with m.If(self.payload.ready):
                m.d.sync += [left.eq(left - 1), last_byte.eq(left == 2), rest.eq(rest >> 8)]
                with m.If(last_byte):
                    m.next = done

        # The age shifts up until the word is there to be taken.
        with m.If(~ahead[0] & ~ahead[-1]):
            m.d.sync += ahead.eq(ahead << 1)
        m.d.comb += self.read.eq(ahead[1])
        with m.If(self.read):
            m.d.sync += self.read_bin.eq(self.read_bin + 1)
        with m.If(ahead[-2]):
            m.d.sync += read_ahead.eq(self.read_data)

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
                word.eq(read_ahead),
                word_left.eq(WORD_BYTES),
                some.eq(1),
                last.eq(0),
                ahead.eq(1),
            ]
        with m.If(more & (ahead[0] | (~some & ahead[-1]))):
            m.d.sync += [ahead.eq(2), to_ask.eq(to_ask - 1)]

        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.ship):
                    m.d.sync += [self.shipping.eq(1), self.channel.eq(0)]
                    m.next = "HEAD PACKET"
            with m.State("HEAD PACKET"):
                m.d.comb += [
                    self.packet.valid.eq(1),
                    self.packet.p.kind.eq(Kind.TRACE_HEAD),
                    self.packet.p.length.eq(protocol.TRACE_HEAD.size),
                ]
                load(self.head)
                with m.If(self.packet.ready):
                    m.next = "HEAD"
            with m.State("HEAD"):
                send("CHANNEL")
                # The flags, which come last, may still be set by samples under way at the swap.
                with m.If(self.payload.ready & (left == 2)):
                    m.d.sync += rest[:8].eq(self.head.flags)
            with m.State("CHANNEL"):
                m.d.sync += [
                    bins_left.eq(self.head.bins),
                    self.read_bin.eq(0),
                    chunk_number.eq(0),
                ]
                m.next = "CHUNK"
                with m.If(self.head.bins == 0):
                    m.d.sync += self.shipping.eq(0)
                    m.next = "IDLE"
            with m.State("CHUNK"):
                m.d.sync += length.eq(protocol.TRACE_DATA.size + (bins_left << 2))
                with m.If(bins_left > CHUNK_BINS):
                    m.d.sync += length.eq(protocol.MAX_PAYLOAD)
                    m.d.sync += [to_ask.eq(CHUNK_BINS), bins_left.eq(bins_left - CHUNK_BINS)]
                with m.Else():
                    m.d.sync += [to_ask.eq(bins_left), bins_left.eq(0)]
                m.next = "DATA PACKET"
            with m.State("DATA PACKET"):
                m.d.comb += [
                    self.packet.valid.eq(1),
                    self.packet.p.kind.eq(Kind.TRACE_DATA),
                    self.packet.p.length.eq(length),
                ]
                load(chunk)
                with m.If(self.packet.ready):
                    m.next = "DATA HEAD"
            with m.State("DATA HEAD"):
                send("DATA")
            with m.State("DATA"):
                m.d.sync += more.eq(to_ask != 0)
                m.d.comb += [self.payload.valid.eq(some), self.payload.payload.eq(word[:8])]
                with m.If(some & self.payload.ready & last & ahead[0] & ~more):
                    m.next = "CHUNK SENT"
            with m.State("CHUNK SENT"):
                m.d.sync += chunk_number.eq(chunk_number + 1)
                with m.If(bins_left != 0):
                    m.next = "CHUNK"
                with m.Elif(self.channel == self._channels - 1):
                    m.d.sync += self.shipping.eq(0)
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += self.channel.eq(self.channel + 1)
                    m.next = "CHANNEL"
        return m
