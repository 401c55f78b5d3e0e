"""Properties of the drive switch's output enable."""

from amaranth.hdl import Module, Mux, Signal, Value

from trelscope.gateware.platform import enable

from .prove import Spec, always, invariant

DRAIN = enable.OutputEnable.DRAIN
OFF = DRAIN + 2
"""Cycles at level 0 after which the switch is disabled, with those of two registers."""


class OutputEnableSpec(Spec):
    """The output enable, with its real delay."""

    def component(self) -> enable.OutputEnable:
        return enable.OutputEnable()

    def watch(self, m: Module) -> None:
        self.quiet = Signal(range(OFF + 1), init=OFF)  # cycles on end at level 0, saturated
        with m.If(self.dut.level != 0):
            m.d.sync += self.quiet.eq(0)
        with m.Elif(self.quiet != OFF):
            m.d.sync += self.quiet.eq(self.quiet + 1)
        self.enabled_before = self.past(self.dut.enable)
        self.quiet_before = self.past(self.quiet)

    @always
    def gate_falls_first(self) -> Value:
        """The switch is disabled only after 5 µs at level 0, at which the gate is low
        (`Guard.no_gate_without_level`)."""
        return self.dut.enable | ~self.enabled_before | (self.quiet_before >= DRAIN)

    @always
    def off_at_level_0(self) -> Value:
        """The switch is disabled after 5 µs and two cycles at level 0, and stays so."""
        return ~self.dut.enable | (self.quiet < OFF)

    @always
    def on_at_a_level(self) -> Value:
        """Two cycles after there is a level, the switch is enabled."""
        return self.dut.enable | ~self.past(self.quiet == 0)

    @invariant
    def counts(self) -> Value:
        """The counter agrees with what it counts."""
        left, gone = self.inside("left"), self.quiet - 1
        draining = (left == Mux(gone < DRAIN, DRAIN - gone, 0)) & (
            self.dut.enable == (self.quiet < OFF)
        )
        on = self.inside("on") == (self.quiet == 0)
        return on & (self.quiet <= OFF) & ((self.quiet == 0) | draining)
