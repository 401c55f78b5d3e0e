"""Delay of the ADC's pins: steps the pads' delay cells, all alike, to where the host wants them."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import ADC_DELAY_BITS, REGISTERS

DEFAULT = REGISTERS["adc_delay"].init


class DelaySteps(wiring.Component):
    """Moves delay cells (DELAYF) to `taps`.

    A move begins at DEFAULT, which the cells load while `loadn` is low, so that a step that was missed once does not
    stay wrong. Each step is a pulse of `move`; `back` stands still from before it to after it. All outputs are
    registers that keep their values for HOLD cycles at least. A move takes fewer than 1500 cycles.

    Members
    -------
    taps : In(ADC_DELAY_BITS)
        Delay in taps.
    loadn : Out(1, init=1)
        LOADN of the cells.
    move : Out(1)
        MOVE of the cells.
    back : Out(1)
        DIRECTION of the cells: whether a step makes the delay shorter.
    """

    HOLD = 4

    def __init__(self) -> None:
        super().__init__(
            {
                "taps": In(ADC_DELAY_BITS),
                "loadn": Out(1, init=1),
                "move": Out(1),
                "back": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        now = Signal(ADC_DELAY_BITS, init=DEFAULT)
        wait = Signal(range(self.HOLD))
        wanted = Signal(ADC_DELAY_BITS, init=DEFAULT)
        there = Signal(init=1)
        m.d.sync += [wanted.eq(self.taps), there.eq(now == wanted), wait.eq(wait - 1)]
        done = Signal()  # the outputs have been as they are for long enough
        m.d.comb += done.eq(wait == 0)
        with m.FSM():
            with m.State("REST"):
                m.d.sync += wait.eq(self.HOLD - 1)
                with m.If(~there):
                    m.d.sync += self.loadn.eq(0)
                    m.next = "LOAD"
            with m.State("LOAD"):
                m.d.sync += now.eq(DEFAULT)
                with m.If(done):
                    m.d.sync += [self.loadn.eq(1), wait.eq(self.HOLD - 1)]
                    m.next = "CHOOSE"
            with m.State("CHOOSE"):
                with m.If(done):
                    m.d.sync += [self.back.eq(wanted < now), wait.eq(self.HOLD - 1)]
                    m.next = "AIM"
                    with m.If(there):
                        m.next = "REST"
            with m.State("AIM"):
                with m.If(done):
                    m.d.sync += [
                        self.move.eq(1),
                        now.eq(Mux(self.back, now - 1, now + 1)),
                        wait.eq(self.HOLD - 1),
                    ]
                    m.next = "STEP"
            with m.State("STEP"):
                with m.If(done):
                    m.d.sync += [self.move.eq(0), wait.eq(self.HOLD - 1)]
                    m.next = "CHOOSE"
        return m
