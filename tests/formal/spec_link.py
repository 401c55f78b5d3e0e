"""Properties of the deframer, for any sequence of bytes."""

from amaranth.hdl import Cat, Module, Signal, Value

from trelscope.gateware import protocol
from trelscope.gateware.layouts import HEADER
from trelscope.gateware.link import deframer
from trelscope.gateware.protocol import CRC_SIZE, REQUEST

from .prove import Spec, always, invariant

FRAME_REST = REQUEST.size + CRC_SIZE


class DeframerSpec(Spec):
    """The deframer."""

    def component(self) -> deframer.Deframer:
        return deframer.Deframer()

    def watch(self, m: Module) -> None:
        d = self.dut
        self.header = self.inside("header")
        self.hunting = self.in_state("", "HUNT")
        # Cycles since the header in which a byte is offered and a request would be taken.
        self.served = Signal(8)
        with m.If(self.hunting):
            m.d.sync += self.served.eq(0)
        with m.Elif(d.rx.valid & d.requests.ready & ~self.served.all()):
            m.d.sync += self.served.eq(self.served + 1)
        self.judging = ~d.rx.ready & ~d.requests.valid
        self.judged = [self.judging]  # [n]: n cycles ago
        for _ in range(3):
            self.judged.append(self.past(self.judged[-1]))
        self.silent = self.past(self.hunting & ~d.rx.valid)  # a cycle ago, and before that
        self.silent_before = self.past(self.silent)
        self.announced = self.past(d.coming | d.requests.valid)
        self.payload = Value.cast(d.requests.payload)
        self.unchanged = self.payload == self.past(self.payload)

    @always
    def returns_to_hunting(self) -> Value:
        """Whatever was received, the deframer searches for a header again after at most 14 cycles in which a byte is
        offered and a request would be taken."""
        return self.served <= FRAME_REST + 4

    @always
    def never_stuck(self) -> Value:
        """In every cycle, the deframer takes a byte, offers a request or checks what it has received.

        A check takes at most three cycles. If no byte comes while it searches for a header, it is idle after two
        cycles.
        """
        d = self.dut
        silent = self.silent & self.silent_before
        long = Cat(self.judged).all()
        return ~long & (~silent | ~self.hunting | d.idle)

    @always
    def only_sound_requests(self) -> Value:
        """Every request that is offered has a known kind and the right length, and the CRCs of its header and its
        payload are correct."""
        return ~self.dut.requests.valid | (self.sound_header() & self.checked())

    @always
    def requests_are_announced(self) -> Value:
        """In the cycle before it is first offered, a request is announced by `coming`, and its payload is that of the
        cycle before already; it does not change while it is offered."""
        d = self.dut
        return (~(d.coming | d.requests.valid) | self.unchanged) & (
            ~d.requests.valid | (self.announced & ~d.coming)
        )

    def sound_header(self) -> Value:
        """The header is that of a request, and its CRC is correct."""
        header = HEADER(self.header)
        return (
            (header.sync == protocol.SYNC)
            & self.request()
            & (header.crc == self.inside("header_check.crc"))
        )

    def request(self) -> Value:
        """The header's kind and length are those of a request."""
        header = HEADER(self.header)
        asks = (header.kind == protocol.Kind.READ) | (header.kind == protocol.Kind.WRITE)
        return asks & (header.length == REQUEST.size)

    def checked(self) -> Value:
        """The payload's CRC register holds the residue of a message that is followed by its CRC."""
        residue = protocol.payload_crc(protocol.payload_crc(b"").to_bytes(CRC_SIZE, "little"))
        return self.inside("crc.register") == (residue ^ 0xFFFFFFFF)

    @invariant
    def progress(self) -> Value:
        """The number of bytes still missing agrees with the number of cycles in which a byte was offered."""
        missing = self.inside("missing")
        away = self.in_state("", "PAYLOAD")
        known = away | self.hunting
        wrong = away & ((missing < 1) | (self.served + missing > FRAME_REST))
        for late, names in enumerate((["CHECK"], ["JUDGE"], ["HAND ON", "REFUSE"], ["FORGET"])):
            for name in names:
                here = self.in_state("", name)
                known = known | here
                wrong = wrong | (here & (self.served > FRAME_REST + late))
        return known & ~wrong

    @invariant
    def judges_what_has_come(self) -> Value:
        """A byte has been taken before a header is examined or a payload is checked, and a payload is checked before it
        is refused."""
        checking, looking = self.in_state("", "CHECK"), self.inside("looks") & self.hunting
        judging, refusing = self.in_state("", "JUDGE"), self.in_state("", "REFUSE")
        forgetting = self.in_state("", "FORGET")
        looked = self.inside("looked") & self.hunting
        return (
            ~((checking | looking | forgetting) & self.judged[1])
            & ~((judging | looked) & self.judged[2])
            & ~(refusing & self.judged[3])
            & ~(looking & self.silent)
            & ~(looked & self.silent_before)
        )

    @invariant
    def looks_at_a_header(self) -> Value:
        """A header that is examined begins with the sync word and has just been received.

        Only a correct one is followed by the state PAYLOAD, and then all bytes of the payload are missing.
        """
        header = HEADER(self.header)
        looks, looked = self.inside("looks"), self.inside("looked")
        begins = (header.sync == protocol.SYNC) & self.inside("fresh") & self.hunting
        missing = self.inside("missing") == FRAME_REST
        return (
            (~looks | (begins & missing))
            & (~looked | (self.hunting & ~looks & missing))
            & (~self.inside("request") | (looked & self.sound_header()))
        )

    @invariant
    def header_is_sound_in_a_frame(self) -> Value:
        """In all states but HUNT, the header is one that was found correct."""
        return self.hunting | self.sound_header()

    @invariant
    def handed_on_is_checked(self) -> Value:
        """A request is offered only after its payload was found correct."""
        handing, judging = self.in_state("", "HAND ON"), self.in_state("", "JUDGE")
        return ~(handing | (judging & self.inside("passed"))) | self.checked()
