"""Corner cases of the whole instrument that the tests of single blocks cannot show."""

from trelscope.gateware.instrument import Instrument
from trelscope.gateware.protocol import (
    REGISTERS,
    REQUEST,
    TRACE_DATA,
    TRACE_HEAD,
    Kind,
    encode_frame,
)
from trelscope.host.link.codec import Decoder

from .testbench import simulate


def test_one_bin_that_fills_the_whole_period_still_holds_every_sample():
    """Without a gap between the samples of two pulses, each pulse is added to memory separately."""
    dut = Instrument(depth=16)
    code, pulses, period = 0x3FFF, 24, 64
    settings = {
        "period": period,
        "width": 20,
        "delay": 8,
        "level": 8000,
        "dither": 1,
        "count": pulses,
        "window_start": -88 & 0xFFFFFFFF,  # before the period begins: the window is never closed
        "window_bins": 1,
        "bin_shift": 10,
        "frame_pulses": pulses,
        "enable": 1,
        "run": 1,
    }
    requests = b"".join(
        encode_frame(Kind.WRITE, n, REQUEST.pack(address=REGISTERS[name].address, value=value))
        for n, (name, value) in enumerate(settings.items())
    )
    sent = bytearray()

    async def bench(ctx):
        ctx.set(dut.tx.ready, 1)
        ctx.set(dut.samples.as_value(), (1 << 28) - 1)
        ctx.set(dut.rx.valid, 1)
        left = list(requests)
        for _ in range(pulses * period + 2500):
            ctx.set(dut.rx.valid, bool(left))
            if left:
                ctx.set(dut.rx.payload, left[0])
                if ctx.get(dut.rx.ready):
                    left.pop(0)
            if ctx.get(dut.tx.valid):
                sent.append(ctx.get(dut.tx.payload))
            await ctx.tick()

    simulate(dut, bench)
    packets = list(Decoder().feed(bytes(sent)))
    head = TRACE_HEAD.unpack(next(p.payload for p in packets if p.kind == Kind.TRACE_HEAD))
    assert head["pulses"] == pulses
    sums = [p.payload[TRACE_DATA.size :] for p in packets if p.kind == Kind.TRACE_DATA]
    # The first period's first cycles lie in no earlier pulse; from then on every cycle is a sample.
    assert [int.from_bytes(s, "little") for s in sums] == [code * period * pulses] * 2
