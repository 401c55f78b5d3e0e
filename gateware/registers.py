"""Register file: requests in, settings out, replies back."""

from amaranth.hdl import Array, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from . import protocol
from .layouts import CONTROLS, PACKET, REPLY, SETTINGS, STATUS
from .link.deframer import REQUEST_FRAME
from .protocol import REGISTERS, Access, Kind, Outcome


def _initial(access: Access) -> dict[str, int]:
    return {r.name: r.init for r in REGISTERS.values() if r.access is access}


class RegisterFile(wiring.Component):
    """Executes requests one at a time and answers every one of them.

    Ports
        requests: from the `Deframer`.
        settings: staged settings as written; controls: levels of the control registers.
        restart: strobe, 1 was written to `run`; acknowledge: the bits written to that register, for one cycle.
        disable: level, keeps `enable` at 0; finished: strobe, clears `run`.
        status: what the read-only registers show.
        packet, payload: reply to the `Framer`. alive: strobe, a request was executed. idle: no request in hand.

    A control changes 1 cycle after its request is taken; a value read is that of the cycle in which its reply begins.
    Throughput: one request for every reply sent.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "requests": In(stream.Signature(REQUEST_FRAME)),
                "settings": Out(SETTINGS, init=_initial(Access.SETTING)),
                "controls": Out(CONTROLS, init=_initial(Access.CONTROL)),
                "restart": Out(1),
                "acknowledge": Out(8),
                "disable": In(1),
                "finished": In(1),
                "status": In(STATUS),
                "alive": Out(1),
                "packet": Out(stream.Signature(PACKET)),
                "payload": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request = self.requests.p
        reply = Signal(REPLY)
        reading = Signal()
        first = Signal()
        looked_up, known = Signal(32), Signal()
        left = Signal(range(protocol.REPLY.size + 1))
        storage = {Access.SETTING: self.settings, Access.CONTROL: self.controls}
        with m.If(self.disable):
            m.d.sync += self.controls.enable.eq(0)
        with m.If(self.finished):
            m.d.sync += self.controls.run.eq(0)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    self.requests.ready.eq(1),
                    self.idle.eq(~self.requests.valid),
                ]
                with m.If(self.requests.valid):
                    m.d.comb += self.alive.eq(1)
                    m.d.sync += [
                        reply.sequence.eq(request.sequence),
                        reply.address.eq(request.request.address),
                        reply.outcome.eq(Outcome.DONE),
                        reply.value.eq(request.request.value),
                        left.eq(protocol.REPLY.size),
                    ]
                    m.d.sync += reading.eq(request.kind == Kind.READ)
                    with m.If(request.kind == Kind.WRITE):
                        self._write(m, storage, reply)
                    m.next = "PACKET"
            with m.State("PACKET"):
                m.d.comb += [
                    self.packet.valid.eq(1),
                    self.packet.p.kind.eq(Kind.REPLY),
                    self.packet.p.length.eq(protocol.REPLY.size),
                ]
                m.d.sync += first.eq(1)
                self._read(m, storage, reply, looked_up, known)
                with m.If(self.packet.ready):
                    m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                size = protocol.REPLY.size
                octets = Array(reply.as_value().word_select(n, 8) for n in range(size))
                m.d.comb += [
                    self.payload.valid.eq(1),
                    self.payload.payload.eq(octets[size - left]),
                ]
                m.d.sync += first.eq(0)
                with m.If(reading & first):
                    # What was looked up while the packet waited comes in time: it is sent last.
                    with m.If(known):
                        m.d.sync += reply.value.eq(looked_up)
                    with m.Else():
                        m.d.sync += reply.outcome.eq(Outcome.NO_REGISTER)
                with m.If(self.payload.ready):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "IDLE"
        return m

    def _write(self, m: Module, storage: dict, reply: Signal) -> None:
        value = self.requests.p.request.value
        with m.Switch(self.requests.p.request.address):
            for r in REGISTERS.values():
                with m.Case(r.address):
                    if r.access is Access.READ:
                        m.d.sync += reply.outcome.eq(Outcome.READ_ONLY)
                    elif r.name == "acknowledge":
                        m.d.comb += self.acknowledge.eq(value)
                    else:
                        m.d.sync += storage[r.access][r.name].eq(value)
                        if r.name == "run":
                            m.d.comb += self.restart.eq(value[0])
            with m.Default():
                m.d.sync += reply.outcome.eq(Outcome.NO_REGISTER)

    def _read(
        self, m: Module, storage: dict, reply: Signal, looked_up: Signal, found: Signal
    ) -> None:
        storage = {**storage, Access.READ: self.status}
        by_address = {r.address: storage[r.access][r.name] for r in REGISTERS.values()}
        count = 1 << max(by_address).bit_length()
        known = Array(Const(n in by_address) for n in range(count))
        values = Array(by_address.get(n, Const(0)) for n in range(count))
        number = reply.address[: count.bit_length() - 1]
        m.d.sync += [
            looked_up.eq(values[number]),
            found.eq(known[number] & (reply.address < count)),
        ]
