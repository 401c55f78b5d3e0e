"""Readout: sends a full buffer in packets."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward, protocol
from trelscope.gateware.interleave import InterleavedMemory
from trelscope.gateware.layouts import PACKET, TRACE_DATA, TRACE_HEAD
from trelscope.gateware.protocol import CHUNK_BINS, SUM_BITS, Kind

WORD_BYTES = SUM_BITS // 8


class Readout(wiring.Component):
    """Sends the head of a frame and then the bins of every channel in chunks, clearing each bin as it is read.

    One byte of head is sent per cycle, and 4 bytes of bins in 6 cycles.

    Parameters
    ----------
    depth : int
        Bins per buffer of the trace memory.
    channels : int
        Number of channels.

    Members
    -------
    ship : In(1)
        Strobe. A frame is ready to be sent.
    shipping : Out(1)
        A frame is being sent: from the cycle after `ship` to the cycle after its last byte has been taken, or a few
        cycles longer if the frame has no bins.
    head : In(TRACE_HEAD)
        Head of the frame. Must be stable while `shipping`, but for the flags, which are sent last.
    read : Out(channels)
        One strobe per channel. Reads a bin of its trace memory and clears it.
    read_bin : Out(range(depth))
        Bin to read.
    channel : Out(range(max(2, channels)))
        Channel whose trace memory is to drive `read_data`.
    read_data : In(SUM_BITS)
        Sum in the bin that was read. Valid READ_LATENCY cycles after `read`, until the next read.
    packet : Out(stream.Signature(PACKET))
        Packets, to the `Framer`.
    payload : Out(stream.Signature(8))
        Bytes of the packet, to the `Framer`.
    lasts : Out(fastforward.SKIP_BITS)
        Cycles for which `shipping` stays high at least. For the emulator alone.
    """

    READ_LATENCY = InterleavedMemory.READ_LATENCY  # of the slowest memory

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
                "lasts": Out(fastforward.SKIP_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunk = Signal(TRACE_DATA)
        left = Signal(range(protocol.MAX_PAYLOAD + 1))  # bytes of the fixed part not yet sent
        last_byte = Signal()  # left == 1
        two_left = Signal()  # left == 2
        length = Signal(16)
        at_head = Signal()  # the packet is the head of the frame
        sending = Signal()  # the fixed part is being sent; otherwise `rest` is loaded every cycle
        flags = Signal.like(self.head.flags)  # the head's flags in the previous cycle
        rest = Signal(8 * protocol.TRACE_HEAD.size)  # part of the fixed part that has not been sent
        bins_left = Signal(16)  # bins of this channel in the packets after this one
        none_left = Signal()  # bins_left == 0, a cycle late
        many_left = Signal()  # bins_left > CHUNK_BINS, a cycle late
        word = Signal(SUM_BITS)  # bytes of a sum that have not been sent
        word_left = Signal(range(WORD_BYTES + 1))  # their number
        some = Signal()  # word_left != 0
        last = Signal()  # word_left == 1
        # Progress of the read that fetches the next word, one-hot. Bit 0: no read is in progress. Bit 1: requested.
        # Top bit: the word is on `read_data`, until it is taken.
        ahead = Signal(self.READ_LATENCY + 2, init=1)
        to_ask = Signal(range(CHUNK_BINS + 1))  # words of this packet that have not been requested
        # to_ask != 0 while a chunk is sent. It is a cycle late, but requests are further apart than that.
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
            # Samples that were in the pipeline at the swap may still set flags, so these are taken as late as possible.
            with m.If(at_head & two_left):
                m.d.sync += rest[:8].eq(flags)

        # A read in progress advances until its word is on `read_data`.
        with m.If(~ahead[0] & ~ahead[-1]):
            m.d.sync += ahead.eq(ahead << 1)
        m.d.sync += self.read.eq(0)
        with m.If(ahead[1]):
            m.d.sync += self.read_bin.eq(self.read_bin + 1)

        # `some` and `more` are high in the state DATA only.
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

        with m.FSM() as machine:
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

        # Words that have not been asked for; each takes `pace` and four cycles more.
        words = Signal(range(4 << 16))
        pace = Signal(3)
        whole = at_head | machine.ongoing("CHANNEL")  # of this channel no word has been asked for
        further = self.channel != self._channels - 1
        m.d.comb += [
            words.eq(
                to_ask + bins_left + Mux(whole, self.head.bins, 0) + Mux(further, self.head.bins, 0)
            ),
            pace.eq(Mux(ahead[1], 4, Mux(ahead[2], 3, Mux(ahead[3], 2, ahead[4])))),
            self.lasts.eq((words << 2) + pace),
        ]
        return m
