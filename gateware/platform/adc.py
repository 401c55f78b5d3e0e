"""The ADC: LTC2285, two channels of 14 bits at 125 MS/s on two parallel buses of 3.3 V CMOS."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, io, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.platform.pins import DdrPin, DelayedInputs
from trelscope.gateware.protocol import CHANNELS, SAMPLE_BITS


def full_scale(code: Value, bits: int) -> Value:
    """A code of `bits` bits as SAMPLE_BITS, its upper bits repeated below: both ends of the range stay ends."""
    missing = SAMPLE_BITS - bits
    return Cat(code[bits - missing :], code) if missing else code


class Adc(wiring.Component):
    """Clocks the LTC2285 and takes its codes.

    Of its data sheet this relies on: a sample is taken at CLK's rising edge, its code appears after 5 more of them and
    1.4 to 5.4 ns, straight binary (MODE at a third of VDD; MUX high; OEA, OEB, SHDNA and SHDNB low).
    CLK rises in the middle of a cycle of `sync`; with some 2.7 ns out of the FPGA and DELAY_NS in the data's pins, a
    code is there from about 1.3 ns before an edge of `sync` to 1.3 ns after it: traces have to be short, and alike.

    Parameters: clock, light, drive: ports; a bus of fewer pins than SAMPLE_BITS is wired to the ADC's upper bits.
    Ports: samples: of CHANNELS, one in every cycle of `sync`; safe: the clock's pin floats.
    """

    PIPELINE = 5
    LATENCY = 8  # cycles from CLK's edge to `samples`: PIPELINE, one to the pins' registers, two registers more
    DELAY_NS = 1.25

    def __init__(self, clock: io.PortLike, light: io.PortLike, drive: io.PortLike) -> None:
        self._clock = clock
        self._buses = dict(zip(CHANNELS, (light, drive), strict=True))
        super().__init__(
            {
                "safe": In(1),
                "samples": Out(data.ArrayLayout(SAMPLE_BITS, len(CHANNELS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.clock = clock = DdrPin(self._clock, "sync")
        m.d.comb += [clock.o.eq(0b10), clock.off.eq(self.safe)]
        taps = round(self.DELAY_NS / DelayedInputs.TAP_NS)
        for n, (name, port) in enumerate(self._buses.items()):
            m.submodules[name] = bus = DelayedInputs(port, taps)
            inside = Signal(SAMPLE_BITS, name=f"inside_{name}")  # the pads lie around the chip
            m.d.sync += [inside.eq(full_scale(bus.i, len(port))), self.samples[n].eq(inside)]
        return m
