"""The level DAC: AD5641, 14 bits, one serial write a level. It powers up at 0 V."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import LEVEL_BITS

FRAME_BITS = 2 + LEVEL_BITS  # two bits of power-down mode, 0: normal


class LevelCrossing(wiring.Component):
    """A level from another clock, taken over once it reads the same twice on end.

    Ports
        level_in: of another domain; its bits arrive within a cycle of `sync` of each other, which the build checks.
        hold_off: read 0 instead, at once. level: latency up to 5 cycles after `level_in` has changed.
    """

    def __init__(self) -> None:
        super().__init__({"level_in": In(LEVEL_BITS), "hold_off": In(1), "level": Out(LEVEL_BITS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        now = Signal(LEVEL_BITS)
        before = Signal(LEVEL_BITS)
        taken = Signal(LEVEL_BITS)
        m.submodules.crossing = cdc.FFSynchronizer(self.level_in, now)
        alike = Signal()  # `before` and the one before it were
        m.d.sync += [before.eq(now), alike.eq(now == before)]
        with m.If(self.hold_off):
            m.d.sync += taken.eq(0)
        with m.Elif(alike):
            m.d.sync += taken.eq(before)
        with m.If(~self.hold_off):
            m.d.comb += self.level.eq(taken)
        return m


class LevelDac(wiring.Component):
    """Writes `level` to the AD5641: 0 after configuration, then every new value.

    Of its data sheet this relies on: 16 bits, highest first, each taken at SCLK's falling edge, the output follows the
    16th; SCLK up to 30 MHz, 5 ns of set-up and hold around that edge, SYNC high for 20 ns between writes.

    Ports
        level: code. sync, sclk, din: the DAC's pins; the data changes with SCLK's rising edge.
    Latency: a write takes 34 half periods of SCLK, `half` cycles each. Nothing moves while the level stays.
    """

    MAX_SCLK_HZ = 30_000_000

    def __init__(self, clock_hz: float) -> None:
        self._half = -int(-clock_hz // (2 * self.MAX_SCLK_HZ))
        super().__init__(
            {
                "level": In(LEVEL_BITS),
                "sync": Out(1, init=1),
                "sclk": Out(1),
                "din": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        written = Signal(LEVEL_BITS)
        known = Signal()  # `written` is what the DAC holds
        due = Signal()  # another level is wanted than it holds; a cycle late
        frame = Signal(FRAME_BITS)
        left = Signal(range(FRAME_BITS + 1))
        wait = Signal(range(self._half), init=0)
        m.d.comb += self.din.eq(frame[-1])
        m.d.sync += due.eq(~known | (written != self.level))
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += wait.eq(self._half - 1)
            with m.If(self.sync):
                with m.If(due):
                    m.d.sync += [
                        self.sync.eq(0),
                        self.sclk.eq(1),
                        frame.eq(Cat(self.level, Const(0, FRAME_BITS - LEVEL_BITS))),
                        written.eq(self.level),
                        known.eq(1),
                        left.eq(FRAME_BITS),
                    ]
            with m.Elif(self.sclk):
                m.d.sync += [self.sclk.eq(0), left.eq(left - 1)]
            with m.Elif(left == 0):
                m.d.sync += self.sync.eq(1)
            with m.Else():
                m.d.sync += [self.sclk.eq(1), frame.eq(frame << 1)]
        return m
