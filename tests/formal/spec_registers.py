"""Properties of the register file."""

from amaranth.hdl import Module, Signal, Value

from trelscope.gateware import protocol, registers
from trelscope.gateware.layouts import CONTROLS
from trelscope.gateware.protocol import Access, Feature

from .prove import Spec, always, invariant


class RegisterFileSpec(Spec):
    """The register file: properties that the guard and the host rely on."""

    def component(self) -> registers.RegisterFile:
        return registers.RegisterFile(16, Feature.DRIVE_MONITOR)

    def watch(self, m: Module) -> None:
        r = self.dut
        self.heard = self.past(r.alive, 1)
        self.controls = CONTROLS(Value.cast(r.controls))
        self.busy_for = Signal(8)
        with m.If(self.in_state("", "IDLE")):
            m.d.sync += self.busy_for.eq(0)
        with m.Elif(r.packet.ready & r.payload.ready & ~self.busy_for.all()):
            m.d.sync += self.busy_for.eq(self.busy_for + 1)

    @always
    def controls_change_when_alive(self) -> Value:
        """A control changes only in the cycle after a request has been executed; `enable` and `run` may also be cleared
        in other cycles. A trip is acknowledged only in the cycle in which a request is executed."""
        before = CONTROLS(self.past(Value.cast(self.dut.controls)))
        same = [
            getattr(self.controls, r.name) == getattr(before, r.name)
            for r in protocol.REGISTERS.values()
            if r.access is Access.CONTROL and r.name not in ("enable", "run")
        ]
        fell = (self.controls.enable <= before.enable) & (self.controls.run <= before.run)
        quiet = fell
        for one in same:
            quiet = quiet & one
        return (self.heard | quiet) & ((self.dut.acknowledge == 0) | self.dut.alive)

    @always
    def disable_wins(self) -> Value:
        """While `disable` is high, `enable` is 0 in the next cycle unless the host has just written to it."""
        return ~self.past(self.dut.disable) | ~self.controls.enable | self.heard

    @always
    def every_request_ends(self) -> Value:
        """A request is answered, and the next one can be taken, after at most three cycles more than the reply has
        bytes, not counting cycles in which the reply is not taken."""
        return self.busy_for <= protocol.REPLY.size + 3

    @invariant
    def reply_counts_down(self) -> Value:
        """The number of bytes left agrees with the number of bytes sent."""
        left = self.inside("left")
        packet, payload = self.in_state("", "PACKET"), self.in_state("", "PAYLOAD")
        look_up, load = self.in_state("", "LOOK UP"), self.in_state("", "LOAD")
        size = protocol.REPLY.size
        return (
            (~packet | (self.busy_for == 0))
            & (~look_up | ((left == size) & (self.busy_for <= 1)))
            & (~load | ((left == size) & (self.busy_for <= 2)))
            & (~payload | ((left >= 1) & (left <= size) & (self.busy_for + left <= size + 3)))
            & (
                packet
                | look_up
                | load
                | payload
                | (self.in_state("", "IDLE") & (self.busy_for <= size + 3))
            )
        )
