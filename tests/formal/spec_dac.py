"""Property of the level DAC's interface: the DAC holds the level, and is told so again and again."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from trelscope.gateware.platform import dac
from trelscope.gateware.platform.dac import FRAME_BITS

from .prove import Spec, always, invariant

CLOCK_HZ = 25_000_000
"""Of the oscillator on most boards; half a period of SCLK is one cycle of it."""
REFRESH = int(CLOCK_HZ * dac.LevelDac.REFRESH)
BOUND = 2 * REFRESH
WRITE = 2 * FRAME_BITS  # cycles with SYNC low


class LevelDacSpec(Spec):
    """The interface, and a DAC that takes a bit at each falling edge of SCLK and a word with the last of them."""

    def component(self) -> dac.LevelDac:
        return dac.LevelDac(CLOCK_HZ)

    def watch(self, m: Module) -> None:
        sync, sclk, din = self.dut.sync, self.dut.sclk, self.dut.din
        self.bits = Signal(range(FRAME_BITS + 1))  # taken in this write
        self.taken = Signal(FRAME_BITS)
        self.word = Signal(FRAME_BITS)  # the latest whole one
        self.any = Signal()
        self.age = Signal(range(BOUND + 1), init=BOUND)  # cycles since it came, saturated
        self.sclk_before = self.past(sclk)
        before = self.past(self.dut.level)
        since = Signal(range(BOUND + 1))
        self.still = Signal.like(since)
        """Cycles before this one, on end, with the level of this one; saturated."""
        m.d.comb += self.still.eq(Mux(self.dut.level == before, since, 0))
        m.d.sync += since.eq(Mux(self.still == BOUND, BOUND, self.still + 1))

        with m.If(self.age != BOUND):
            m.d.sync += self.age.eq(self.age + 1)
        with m.If(sync):
            m.d.sync += [self.bits.eq(0), self.taken.eq(0)]
        with m.Elif(self.sclk_before & ~sclk):
            taken = Cat(din, self.taken[:-1])
            m.d.sync += [self.bits.eq(self.bits + 1), self.taken.eq(taken)]
            with m.If(self.bits == FRAME_BITS - 1):
                m.d.sync += [self.word.eq(taken), self.any.eq(1), self.age.eq(0)]

    def word_for(self, level: Value) -> Value:
        """The word for a level: normal operation, and the code."""
        return Cat(level, Const(0, FRAME_BITS - len(level)))

    @always
    def wire_has_the_level(self) -> Value:
        """After two milliseconds at one level, the latest word that the DAC has taken is that level, in normal
        operation, and has come within the last two milliseconds, whatever the DAC held before."""
        right = self.any & (self.word == self.word_for(self.dut.level)) & (self.age < BOUND)
        return (self.still < BOUND) | right

    @invariant
    def writes_are_in_step(self) -> Value:
        """How far a write has come follows from the cycles since it began."""
        old, left = self.inside("old"), self.inside("left")
        sync, sclk, known = self.dut.sync, self.dut.sclk, self.inside("known")
        word, gone = self.word_for(self.inside("written")), old[1:6]
        writing = (
            known
            & (old < WRITE)
            & (sclk != old[0])
            & (self.sclk_before == old[0])
            & (left + ((old + 1) >> 1) == FRAME_BITS)
            & (self.inside("frame") == (word << gone)[:FRAME_BITS])
            & (self.bits == gone)
            & (self.taken == (word << gone)[FRAME_BITS : 2 * FRAME_BITS])
        )
        idle = ~sclk & ~self.sclk_before & (left == 0) & (~known | (old >= WRITE))
        return (old < REFRESH) & ((sync & idle) | (~sync & writing))

    @invariant
    def word_is_what_was_written(self) -> Value:
        """Between writes the DAC holds the word that was written last, and its age is known."""
        old, known, due = self.inside("old"), self.inside("known"), self.inside("due")
        word = self.any & (self.word == self.word_for(self.inside("written")))
        full = old == REFRESH - 1
        late = self.age - (old - WRITE)
        on_time = (late == 0) | (full & (late == 1) & due)
        idle = Mux(known, word & on_time, ~self.any)
        young = ~self.any | (self.age <= REFRESH + 1 + old - WRITE)
        return Mux(self.dut.sync, idle, young)

    @invariant
    def changes_are_written(self) -> Value:
        """A level that has not been written is new, or is about to be."""
        old, known, due = self.inside("old"), self.inside("known"), self.inside("due")
        other = ~known | (self.inside("written") != self.dut.level)
        waits = (self.still == 0) | (due & (self.still <= Mux(known, WRITE, 1)))
        new = Mux(self.dut.sync, waits, self.still <= old)
        same = self.any & (self.word == self.word_for(self.inside("written")))
        on_its_way = self.dut.sync | same | (self.still <= WRITE + 1 + old)
        return (~other | new) & (other | on_its_way)
