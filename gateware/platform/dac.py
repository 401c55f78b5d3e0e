"""Interface to the level DAC AD5641: 14 bits, one serial write per level. The DAC powers up at 0 V."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import LEVEL_BITS

FRAME_BITS = 2 + LEVEL_BITS  # two bits of power-down mode, 0 for normal operation, and the code


class LevelCrossing(wiring.Component):
    """Brings a level into `sync` from another clock domain; a new value is accepted once two samples of it agree.

    Members
    -------
    level_in : In(LEVEL_BITS)
        Level in the other domain. Its bits must arrive within one cycle of `sync` of each other; the timing analysis of
        the build checks that.
    hold_off : In(1)
        Makes `level` 0, combinationally.
    level : Out(LEVEL_BITS)
        Level in `sync`. At most 5 cycles after `level_in` has changed.
    """

    def __init__(self) -> None:
        super().__init__({"level_in": In(LEVEL_BITS), "hold_off": In(1), "level": Out(LEVEL_BITS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        now = Signal(LEVEL_BITS)
        before = Signal(LEVEL_BITS)
        taken = Signal(LEVEL_BITS)
        m.submodules.crossing = cdc.FFSynchronizer(self.level_in, now)
        alike = Signal()  # `before` equals the sample before it
        m.d.sync += [before.eq(now), alike.eq(now == before)]
        with m.If(self.hold_off):
            m.d.sync += taken.eq(0)
        with m.Elif(alike):
            m.d.sync += taken.eq(before)
        with m.If(~self.hold_off):
            m.d.comb += self.level.eq(taken)
        return m


class LevelDac(wiring.Component):
    """Writes `level` to the AD5641 after configuration, whenever it changes, and again every REFRESH seconds.

    So a word that was disturbed on its way, which could ask for any voltage or switch the output off, does not stay.

    The component relies on the following statements of the data sheet. A write has 16 bits, the highest one first; each
    is taken at a falling edge of SCLK, and the output changes after the 16th. SCLK may have up to 30 MHz, with 5 ns of
    set-up and hold time around the falling edge. SYNC must be high for 20 ns between writes.

    A write takes 34 half periods of SCLK. The pins are static between writes.

    Parameters
    ----------
    clock_hz : float
        Clock frequency in Hz.
    refresh : float
        Seconds from one write to the next, if the level does not change.

    Members
    -------
    level : In(LEVEL_BITS)
        Code to write.
    sync : Out(1, init=1)
        SYNC pin, low during a write.
    sclk : Out(1)
        SCLK pin.
    din : Out(1)
        DIN pin. Changes at rising edges of SCLK.
    """

    MAX_SCLK_HZ = 30_000_000
    REFRESH = 1e-3

    def __init__(self, clock_hz: float, refresh: float = REFRESH) -> None:
        self._refresh = int(clock_hz * refresh)
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
        due = Signal()  # the DAC does not hold `level`, or may not; a cycle late
        old = Signal(range(self._refresh))  # cycles since the last write, saturated
        frame = Signal(FRAME_BITS)
        left = Signal(range(FRAME_BITS + 1))
        wait = Signal(range(self._half), init=0)
        m.d.comb += self.din.eq(frame[-1])
        stale = old == self._refresh - 1
        m.d.sync += due.eq(~known | (written != self.level) | stale)
        with m.If(~stale):
            m.d.sync += old.eq(old + 1)
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
                        old.eq(0),
                        left.eq(FRAME_BITS),
                    ]
            with m.Elif(self.sclk):
                m.d.sync += [self.sclk.eq(0), left.eq(left - 1)]
            with m.Elif(left == 0):
                m.d.sync += self.sync.eq(1)
            with m.Else():
                m.d.sync += [self.sclk.eq(1), frame.eq(frame << 1)]
        return m
