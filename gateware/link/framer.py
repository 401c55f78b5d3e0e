"""Framer: sends packets as frames on a byte stream."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol
from trelscope.gateware.layouts import HEADER, PACKET
from trelscope.gateware.link.crc import COVERED, HeaderCheck, PayloadCheck


class Source(wiring.Signature):
    """Output of a block that sends packets.

    Members
    -------
    packet : Out(stream.Signature(PACKET))
        Kind and length of a packet.
    payload : Out(stream.Signature(8))
        Bytes of the packet that has been taken last.
    """

    def __init__(self) -> None:
        super().__init__(
            {"packet": Out(stream.Signature(PACKET)), "payload": Out(stream.Signature(8))}
        )


class Framer(wiring.Component):
    """Sends the packets of several sources as frames, each with a header, the payload and its CRC-32.

    If several sources offer a packet, the one with the lowest index goes first; but of three or more, the last one goes
    before all but the first when TURN packets of others have gone since its latest. One byte is sent per cycle, if the
    source can supply it, with pauses of 3 cycles between frames and before each payload. Sequence numbers count all
    frames.

    Parameters
    ----------
    sources : int
        Number of sources.

    Members
    -------
    sources : In(Source()).array(sources)
        Packets to send.
    tx : Out(stream.Signature(8))
        Bytes to send.
    idle : Out(1)
        No frame is being sent or offered.
    """

    TURN = 8  # packets of time tags, which are as long as one of a trace

    def __init__(self, sources: int) -> None:
        super().__init__(
            {
                "sources": In(Source()).array(sources),
                "tx": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = PayloadCheck()
        m.submodules.header_check = header_check = HeaderCheck()
        header = Signal(HEADER)
        shift = Signal(8 * protocol.HEADER.size)
        sequence = Signal(16)
        chosen = Signal(len(self.sources))  # one bit a source
        sending = Signal.like(chosen)
        taking = Signal.like(chosen)
        passed = Signal(range(self.TURN + 1))  # packets since the latest of the last source
        pop = Signal()
        left = Signal(16)
        place = left[: protocol.HEADER.size.bit_length()]  # bytes left while a header is sent
        one_left = Signal()
        two_left = Signal()
        covered = Signal()  # the byte being sent is covered by the header's CRC
        length = Signal(16)
        one_byte = Signal()  # length == 1
        # Queue of the payload's bytes, the next one first; `come` has just been taken from the source. Whether to take
        # another byte is decided ahead: after the decision that one byte suffices, up to three more may arrive.
        bytes_ = [Signal(8, name=f"byte{n}") for n in range(4)]
        filled = Signal(len(bytes_))
        push = Signal()
        come = Signal(8)
        m.d.comb += [
            header.sync.eq(protocol.SYNC),
            header.sequence.eq(sequence),
            header_check.entering.eq(shift[:8]),
        ]

        def begin(count: int | Signal, one: int | Signal) -> None:
            """Start to send `count` bytes; `one` tells whether that is a single byte."""
            m.d.sync += [left.eq(count), one_left.eq(one), two_left.eq(0)]

        def sent() -> None:
            """Count a byte that has been sent, and update the flags next to the counter."""
            m.d.sync += [left.eq(left - 1), one_left.eq(left == 2), two_left.eq(left == 3)]

        m.d.sync += one_byte.eq(length == 1)
        offered = Signal(8)
        taken = Cat(
            source.payload.valid & bit for source, bit in zip(self.sources, taking, strict=True)
        ).any()
        comes = Cat(source.packet.valid for source in self.sources)
        waiting = Signal.like(comes)  # `comes` in the previous cycle
        m.d.sync += [come.eq(offered), push.eq(taken), waiting.eq(comes)]
        for index, source in enumerate(self.sources):
            m.d.comb += [
                source.packet.ready.eq(chosen[index]),
                source.payload.ready.eq(taking[index]),
            ]
            with m.If(sending[index]):
                m.d.comb += offered.eq(source.payload.payload)

        with m.FSM():
            with m.State("CHOOSE"):
                m.d.comb += self.idle.eq(~waiting.any() & ~comes.any())
                for index in reversed(range(len(self.sources))):
                    with m.If(waiting[index]):
                        m.d.sync += chosen.eq(1 << index)
                        m.next = "ACCEPT"
                if len(self.sources) > 2:
                    with m.If(waiting[-1] & (passed == self.TURN) & ~waiting[0]):
                        m.d.sync += chosen.eq(1 << len(self.sources) - 1)
            with m.State("ACCEPT"):
                for index, source in enumerate(self.sources):
                    with m.If(chosen[index]):
                        m.d.comb += [
                            header.kind.eq(source.packet.p.kind),
                            header.length.eq(source.packet.p.length),
                        ]
                with m.If(chosen[-1]):
                    m.d.sync += passed.eq(0)
                with m.Elif(passed != self.TURN):
                    m.d.sync += passed.eq(passed + 1)
                m.d.sync += [sending.eq(chosen), chosen.eq(0)]
                m.d.sync += [shift.eq(header), length.eq(header.length)]
                m.d.sync += [sequence.eq(sequence + 1), covered.eq(0)]
                begin(protocol.HEADER.size, 0)
                m.d.comb += [crc.start.eq(1), header_check.restart.eq(1)]
                m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [self.tx.valid.eq(1), self.tx.payload.eq(shift[:8])]
                with m.If(self.tx.ready):
                    # The bytes between sync and CRC are covered; the CRC follows them.
                    m.d.comb += header_check.valid.eq(covered)
                    m.d.sync += [
                        shift.eq(shift[8:]),
                        covered.eq((place <= COVERED + 3) & (place > 3)),
                    ]
                    sent()
                    with m.If(one_left):
                        begin(length, one_byte)
                        m.next = "PAYLOAD"
                with m.If(two_left):
                    m.d.comb += self.tx.payload.eq(header_check.crc[:8])
                with m.If(one_left):
                    m.d.comb += self.tx.payload.eq(header_check.crc[8:])
            with m.State("PAYLOAD"):
                m.d.comb += [
                    self.tx.valid.eq(filled[0]),
                    self.tx.payload.eq(bytes_[0]),
                    pop.eq(filled[0] & self.tx.ready),
                    crc.data.eq(bytes_[0]),
                    crc.valid.eq(pop),
                ]
                m.d.sync += taking.eq(sending & ~filled[1].replicate(len(sending)))
                with m.If(pop):
                    m.d.sync += filled.eq(filled >> 1 | (filled & push.replicate(len(filled))))
                    for n, byte in enumerate(bytes_):
                        behind = bytes_[n + 1] if n + 1 < len(bytes_) else come
                        there = filled[n + 1] if n + 1 < len(bytes_) else 0
                        m.d.sync += byte.eq(Mux(there, behind, come))
                with m.Else():
                    with m.If(push):
                        m.d.sync += filled.eq(filled << 1 | 1)
                    for n, byte in enumerate(bytes_):
                        with m.If(~filled[n]):
                            m.d.sync += byte.eq(come)
                with m.If(pop):
                    sent()
                    with m.If(one_left):
                        m.d.sync += taking.eq(0)
                        m.next = "LOAD CHECK"
            with m.State("LOAD CHECK"):
                m.d.sync += shift.eq(crc.crc)
                begin(protocol.CRC_SIZE, 0)
                m.next = "CHECK"
            with m.State("CHECK"):
                m.d.comb += [self.tx.valid.eq(1), self.tx.payload.eq(shift[:8])]
                with m.If(self.tx.ready):
                    m.d.sync += shift.eq(shift[8:])
                    sent()
                    with m.If(one_left):
                        m.next = "CHOOSE"
        return m
