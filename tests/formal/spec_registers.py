"""Properties of the register file."""

from amaranth.hdl import Module, Signal, Value

from trelscope.gateware import protocol, registers
from trelscope.gateware.layouts import CONTROLS
from trelscope.gateware.protocol import Access, Outcome

from .prove import always, assume, invariant
from .spec_limits import DEPTH, FEATURES, LimitsKept, all_of, startable


class RegisterFileSpec(LimitsKept):
    """The register file: properties that the guard and the host rely on."""

    def component(self) -> registers.RegisterFile:
        return registers.RegisterFile(DEPTH, FEATURES)

    def offered(self) -> tuple[Value, Value]:
        return self.dut.requests.valid, self.dut.requests.payload.request.value

    def watch(self, m: Module) -> None:
        super().watch(m)
        r = self.dut
        self.heard = self.past(r.alive, 1)
        self.before = CONTROLS(self.past(Value.cast(r.controls)))
        self.announced = self.past(r.coming | r.requests.valid)
        self.unchanged = Value.cast(r.requests.payload) == self.past(Value.cast(r.requests.payload))
        self.settings_before = self.past(Value.cast(r.settings))
        self.refused = self.past(self.executed & (self.reply.outcome != Outcome.DONE))
        self.busy_for = Signal(8)
        with m.If(self.in_state("", "IDLE")):
            m.d.sync += self.busy_for.eq(0)
        with m.Elif(r.packet.ready & r.payload.ready & ~self.busy_for.all()):
            m.d.sync += self.busy_for.eq(self.busy_for + 1)

    @assume
    def requests_are_announced(self) -> Value:
        """A request is offered from the cycle after `coming` on at the earliest and does not change meanwhile, and none
        is announced while one is offered (`Deframer.requests_are_announced`)."""
        d = self.dut
        return ~d.requests.valid | (self.announced & self.unchanged & ~d.coming)

    @always
    def limits_hold(self) -> Value:
        """No setting and no control ever has a value outside its limits."""
        return self.kept()

    @always
    def refusal_changes_nothing(self) -> Value:
        """A request that is answered with another outcome than DONE changes no setting and no control, starts no train
        and acknowledges no trip; `enable` and `run` may be cleared meanwhile."""
        d = self.dut
        refused = self.executed & (self.reply.outcome != Outcome.DONE)
        same = (Value.cast(d.settings) == self.settings_before) & self.controls_kept()
        return (~refused | (~d.restart & (d.acknowledge == 0))) & (~self.refused | same)

    @always
    def starts_what_can_be(self) -> Value:
        """A train is started only while the settings go together: the fraction of the period is below 1, and the latest
        launch comes LAUNCH_TAIL cycles before the end of a period."""
        return ~self.dut.restart | startable(self.settings)

    @always
    def startable_looks_ahead(self) -> Value:
        """In the cycle after one in which `startable` was high, the settings go together."""
        return ~self.startable_before | startable(self.settings)

    def controls_kept(self) -> Value:
        """Whether the controls are what they were in the previous cycle, or `enable` and `run` have been cleared."""
        same = [
            self.controls[r.name] == self.before[r.name]
            for r in protocol.REGISTERS.values()
            if r.access is Access.CONTROL and r.name not in ("enable", "run")
        ]
        cleared = (self.controls.enable <= self.before.enable) & (
            self.controls.run <= self.before.run
        )
        return all_of(same) & cleared

    @always
    def controls_change_when_alive(self) -> Value:
        """A control changes only in the cycle after a request has been executed; `enable` and `run` may also be cleared
        in other cycles. A trip is acknowledged only in the cycle in which a request is executed."""
        return (self.heard | self.controls_kept()) & ((self.dut.acknowledge == 0) | self.dut.alive)

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
