"""Interface to the ADC LTC2285: two channels of 14 bits at 125 MS/s, on two parallel buses of 3.3 V CMOS."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.platform.delay import DEFAULT, DelaySteps
from trelscope.gateware.platform.pins import DdrPin, DelayedInputs
from trelscope.gateware.protocol import ADC_DELAY_BITS, ADC_TAP_PS, CHANNELS, SAMPLE_BITS


def full_scale(code: Value, bits: int) -> Value:
    """A code of `bits` bits, extended to SAMPLE_BITS so that the lowest and highest codes stay the lowest and highest.

    The upper bits are repeated in the bits that are added below.
    """
    missing = SAMPLE_BITS - bits
    return Cat(code[bits - missing :], code) if missing else code


class Adc(wiring.Component):
    """Drives the clock of the LTC2285 and captures its codes.

    The component relies on the following statements of the data sheet. A sample is taken at a rising edge of CLK. Its
    code is valid from 5.4 ns after the fifth edge that follows to 1.4 ns after the sixth. Codes are straight binary if
    MODE is at a third of VDD; MUX must be high, and OEA, OEB, SHDNA and SHDNB low.

    CLK rises in the middle of a cycle of `sync`, 4 ns before the capturing edge. If the ways from `sync` to the pin of
    CLK, along the traces and through the data pins take t ns, codes are right with delays from 2.6 - t to 6.6 - t ns in
    the data pins: DELAY_NS is in the middle for a t of 3.35 ns. `delay` is for all others; only the data are delayed,
    not CLK. The traces have to be short and of equal length.

    Parameters
    ----------
    clock : io.PortLike
        Pin of CLKA and CLKB.
    light : io.PortLike
        Data pins of channel A. A bus with fewer pins than SAMPLE_BITS is connected to the upper bits of the code.
    drive : io.PortLike
        Data pins of channel B.

    Members
    -------
    safe : In(1)
        Float the clock pin.
    delay : In(ADC_DELAY_BITS, init=DEFAULT)
        Delay in the data pins, in taps.
    samples : Out(data.ArrayLayout(SAMPLE_BITS, len(CHANNELS)))
        Code of each of CHANNELS, new in every cycle of `sync`.
    """

    PIPELINE = 5
    LATENCY = 8  # cycles from CLK's edge to `samples`: PIPELINE, the registers in the pins, and two more registers
    DELAY_NS = DEFAULT * ADC_TAP_PS / 1000

    def __init__(self, clock: io.PortLike, light: io.PortLike, drive: io.PortLike) -> None:
        self._clock = clock
        self._buses = dict(zip(CHANNELS, (light, drive), strict=True))
        super().__init__(
            {
                "safe": In(1),
                "delay": In(ADC_DELAY_BITS, init=DEFAULT),
                "samples": Out(data.ArrayLayout(SAMPLE_BITS, len(CHANNELS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.clock = clock = DdrPin(self._clock, "sync")
        m.d.comb += [clock.o.eq(0b10), clock.off.eq(self.safe)]
        m.submodules.steps = steps = DelaySteps()
        m.d.comb += steps.taps.eq(self.delay)
        for n, (name, port) in enumerate(self._buses.items()):
            m.submodules[name] = bus = DelayedInputs(port, DEFAULT)
            m.d.comb += [
                bus.loadn.eq(steps.loadn),
                bus.move.eq(steps.move),
                bus.back.eq(steps.back),
            ]
            # The pads lie around the chip, so one more register divides the route to `samples`.
            inside = Signal(SAMPLE_BITS, name=f"inside_{name}")
            m.d.sync += [inside.eq(full_scale(bus.i, len(port))), self.samples[n].eq(inside)]
        return m
