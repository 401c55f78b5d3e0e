"""Property of the sequencer: nothing is launched before the level has had the time to settle."""

from amaranth.hdl import Module, Signal, Value

from trelscope.gateware import sequencer
from trelscope.gateware.sequencer import SETTLE_BITS

from .prove import Spec, always, invariant


class SequencerSpec(Spec):
    """The sequencer alone."""

    def component(self) -> sequencer.Sequencer:
        return sequencer.Sequencer(depth=16, channels=2)

    def watch(self, m: Module) -> None:
        self.latch = self.inside("latch")
        self.level_before = self.past(self.dut.settings.level)
        self.asked = Signal(SETTLE_BITS)  # `settle`, when the settings were copied
        self.waited = Signal(SETTLE_BITS + 1)  # cycles since the first one with these settings
        with m.If(self.latch):
            m.d.sync += [self.asked.eq(self.dut.settle), self.waited.eq(0)]
        with m.Elif(~self.waited.all()):
            m.d.sync += self.waited.eq(self.waited + 1)

    @always
    def level_settles_first(self) -> Value:
        """A train starts at least as many cycles after its level has changed as `settle` says."""
        still = self.dut.settings.level == self.level_before
        return (still | (self.waited == 0)) & (~self.dut.prepare | (self.waited >= self.asked))

    @invariant
    def copied_in_the_state_for_that(self) -> Value:
        """The settings are copied in the cycle before the wait begins."""
        return self.latch == self.in_state("", "LATCH")

    @invariant
    def waits_for_the_rest(self) -> Value:
        """The cycles that have been waited and those that are left make up what was asked for."""
        left = self.inside("to_settle")
        return (~self.in_state("", "SETTLE") | (self.waited + left + 1 == self.asked)) & (
            ~self.in_state("", "PREPARE") | (self.waited >= self.asked)
        )
