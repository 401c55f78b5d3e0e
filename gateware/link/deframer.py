"""Deframer: finds the host's requests in a byte stream."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol
from trelscope.gateware.layouts import HEADER, REQUEST
from trelscope.gateware.link.crc import COVERED, HeaderCheck, PayloadCheck
from trelscope.gateware.protocol import Kind

REQUEST_FRAME = data.StructLayout({"kind": 8, "sequence": 16, "request": REQUEST})


class Deframer(wiring.Component):
    """Finds requests in a byte stream and counts frames that are not correct requests.

    Received bytes are shifted through a register that is as long as a header, and the register is examined after every
    byte; so a header is found whatever bytes precede it. A request is handed on only if the CRC-32 of its payload is
    correct. It is offered 3 cycles after its last byte.

    Members
    -------
    rx : In(stream.Signature(8))
        Bytes received. One byte per cycle is accepted while no request is waiting to be taken.
    requests : Out(stream.Signature(REQUEST_FRAME))
        Kind, sequence number and payload of correct requests.
    coming : Out(1)
        Strobe. The payload of `requests` is valid, and may be offered from the next cycle on.
    bad_headers : Out(16)
        Headers whose CRC-16 was wrong. This and the following counters saturate.
    bad_payloads : Out(16)
        Payloads whose CRC-32 was wrong.
    unknown : Out(16)
        Frames whose kind or length is not that of a request.
    sequence_gaps : Out(16)
        Requests whose sequence number was not the next one.
    idle : Out(1)
        No frame has been started.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "rx": In(stream.Signature(8)),
                "requests": Out(stream.Signature(REQUEST_FRAME)),
                "coming": Out(1),
                "bad_headers": Out(16),
                "bad_payloads": Out(16),
                "unknown": Out(16),
                "sequence_gaps": Out(16),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.header_check = header_check = HeaderCheck()
        m.submodules.crc = crc = PayloadCheck()
        header = Signal(HEADER)
        fresh = Signal()  # a byte has come since the header register was last examined
        shift = Signal(8 * (protocol.REQUEST.size + protocol.CRC_SIZE))
        missing = Signal(range(len(shift) // 8 + 1))
        expected = Signal(16)
        passed = Signal()  # the payload's CRC is correct
        gap = Signal()  # requests have been lost before the current one
        octets = header.as_value()
        looks = Signal()  # the header register begins with the sync word and must be examined
        # The result, one cycle later.
        looked = Signal()
        request = Signal()
        bad_header = Signal()
        unknown = Signal()
        sound = header_check.crc == header.crc
        asks = (header.kind == Kind.WRITE) | (header.kind == Kind.READ)
        known = asks & (header.length == protocol.REQUEST.size)
        m.d.comb += [
            # The byte that enters the covered part is now the first one of the CRC field.
            header_check.entering.eq(octets.word_select(2 + COVERED, 8)),
            header_check.leaving.eq(octets.word_select(2, 8)),
            crc.data.eq(self.rx.payload),
            self.requests.p.kind.eq(header.kind),
            self.requests.p.sequence.eq(header.sequence),
            self.requests.p.request.eq(shift),
        ]

        def count(counter: Signal) -> None:
            with m.If(~counter.all()):
                m.d.sync += counter.eq(counter + 1)

        def hunt() -> None:
            """Clear the header register after a complete frame, whose bytes must not be searched for a header."""
            m.d.comb += header_check.restart.eq(1)
            m.d.sync += header.eq(0)
            m.next = "HUNT"

        m.d.sync += [
            looked.eq(looks),
            request.eq(looks & sound & known),
            bad_header.eq(looks & ~sound),
            unknown.eq(looks & sound & ~known),
        ]
        with m.If(bad_header):
            count(self.bad_headers)
        with m.If(unknown):
            count(self.unknown)
        with m.FSM():
            with m.State("HUNT"):
                m.d.comb += [
                    self.rx.ready.eq(~looks & ~looked),
                    crc.start.eq(1),
                    self.idle.eq(~fresh & ~looked & (missing == len(shift) // 8)),
                ]
                m.d.sync += [fresh.eq(0), looks.eq(0), missing.eq(len(shift) // 8)]
                with m.If(self.rx.valid & self.rx.ready):
                    coming = HEADER(Cat(octets[8:], self.rx.payload))
                    m.d.comb += header_check.valid.eq(1)
                    m.d.sync += [
                        header.eq(coming),
                        fresh.eq(1),
                        looks.eq(coming.sync == protocol.SYNC),
                    ]
                with m.If(request):
                    m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                m.d.comb += [self.rx.ready.eq(1), crc.valid.eq(self.rx.valid)]
                m.d.sync += gap.eq(header.sequence != expected)
                with m.If(self.rx.valid):
                    m.d.sync += [
                        shift.eq(Cat(shift[8:], self.rx.payload)),
                        missing.eq(missing - 1),
                    ]
                    with m.If(missing == 1):
                        m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += passed.eq(crc.sound)
                m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.comb += self.coming.eq(1)
                m.next = "REFUSE"
                with m.If(passed):
                    m.next = "HAND ON"
            with m.State("REFUSE"):
                count(self.bad_payloads)
                hunt()
            with m.State("HAND ON"):
                m.d.comb += self.requests.valid.eq(1)
                m.d.sync += expected.eq(header.sequence + 1)
                with m.If(self.requests.ready):
                    m.next = "FORGET"
            with m.State("FORGET"):
                with m.If(gap):
                    count(self.sequence_gaps)
                hunt()
        return m
