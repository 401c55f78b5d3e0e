"""UART: tested with lines that are driven and sampled asynchronously, bit by bit."""

import random
from dataclasses import dataclass, field

import pytest
from amaranth.hdl import Module

from trelscope.gateware.link.uart import Uart
from trelscope.gateware.protocol import CLOCK_HZ

from .testbench import CLOCK_PERIOD, pauses, receive, send, simulate

BAUDS = (3_000_000, 12_000_000)
RNG = random.Random(7)
BYTES = [0x00, 0xFF, 0x55, 0xAA, *RNG.randbytes(10)]


@dataclass
class Heard:
    data: list[int] = field(default_factory=list)
    overruns: int = 0


def levels(byte: int, stop: int = 1) -> list[int]:
    """Levels of the line during a byte, bit by bit."""
    return [0, *(byte >> n & 1 for n in range(8)), stop]


def listen(
    wire: list[tuple[int, float]], baud: int, take: bool = True, offset: float = 0.0
) -> Heard:
    """What the receiver hears on `wire`, a list of levels and their durations in bits at exactly `baud`."""
    dut = Uart(baud)
    heard = Heard()

    async def line(ctx):
        await ctx.delay(offset)
        for level, bits in wire:
            ctx.set(dut.rx_pin, level)
            await ctx.delay(bits / baud)
        ctx.set(dut.rx_pin, 1)
        await ctx.delay(4 / baud)

    async def taker(ctx):
        while take:
            heard.data.append(await receive(ctx, dut.rx))
        # Never taken: what is offered at the end is all that was kept.
        async for _, _, valid, byte in ctx.tick().sample(dut.rx.valid, dut.rx.payload):
            heard.data = [byte] if valid else []

    async def counter(ctx):
        async for _, _, overrun in ctx.tick().sample(dut.rx_overrun):
            heard.overruns += overrun

    simulate(dut, line, background=[taker, counter])
    return heard


def spoken(data: list[int], length: float = 1.0, stop: float = 1.0) -> list[tuple[int, float]]:
    """Levels and durations for `data`; a bit lasts `length` nominal bits, and a stop bit `stop` times as long."""
    wire = []
    for byte in data:
        bits = levels(byte)
        wire += [(level, length) for level in bits[:-1]] + [(bits[-1], length * stop)]
    return wire


@pytest.mark.parametrize("baud", BAUDS)
@pytest.mark.parametrize("mismatch", [-0.04, -0.02, 0.0, 0.02, 0.04])
def test_back_to_back_bytes_at_either_end_of_the_tolerance(baud: int, mismatch: float) -> None:
    for offset in (0.0, 0.6):
        wire = spoken(BYTES, 1 / (1 + mismatch))
        assert listen(wire, baud, offset=offset * CLOCK_PERIOD) == Heard(BYTES)


def test_stop_bits_may_be_long() -> None:
    assert listen(spoken(BYTES, stop=3.7), BAUDS[0]) == Heard(BYTES)


@pytest.mark.parametrize("baud", BAUDS)
def test_a_glitch_is_no_start_bit(baud: int) -> None:
    glitch = [(0, 0.3), (1, 1.0)]
    assert listen(glitch + spoken([0x5A]) + glitch + spoken([0xC3]), baud) == Heard([0x5A, 0xC3])


def test_a_byte_without_a_stop_bit_is_dropped_and_said() -> None:
    broken = [(level, 1.0) for level in levels(0x41, stop=0)]
    wire = spoken([1]) + broken + [(1, 1.0)] + spoken([2])
    assert listen(wire, BAUDS[0]) == Heard([1, 2], overruns=1)


def test_a_line_held_low_is_one_break_however_long() -> None:
    assert listen([(0, 47.0), (1, 2.0), *spoken([3])], BAUDS[0]) == Heard([3], overruns=1)


def test_what_is_not_taken_is_kept_and_what_follows_is_dropped() -> None:
    assert listen(spoken([9, 8, 7]), BAUDS[0], take=False) == Heard([9], overruns=2)


@pytest.mark.parametrize("baud", BAUDS)
@pytest.mark.parametrize("gaps", [0, 300])
def test_sent_bytes_are_on_the_wire_where_they_belong(baud: int, gaps: int) -> None:
    dut = Uart(baud)
    cycles: list[int] = []

    async def wire(ctx):
        async for _, _, level in ctx.tick().sample(dut.tx_pin):
            cycles.append(level)

    async def host(ctx):
        await send(ctx, dut.tx, BYTES, pauses(1, gaps))
        await ctx.tick().repeat(11 * CLOCK_HZ // baud)

    simulate(dut, host, background=[wire])
    bit = CLOCK_HZ / baud
    heard, at = [], 0
    while 0 in cycles[at:]:
        start = cycles.index(0, at)
        if not gaps:  # not a cycle is lost, and no error adds up
            assert abs(start - cycles.index(0) - 10 * bit * len(heard)) < 1
        looks = [cycles[round(start + (n + 0.5) * bit - 0.5)] for n in range(10)]
        heard.append(sum(level << n for n, level in enumerate(looks[1:9])))
        assert looks == levels(heard[-1])
        at = round(start + 9.5 * bit)
    assert heard == BYTES


def test_one_speaks_and_another_listens_whose_clocks_differ() -> None:
    """A transmitter connected to a receiver of the same kind."""
    sender, receiver = Uart(BAUDS[1]), Uart(round(BAUDS[1] * 1.02))
    heard: list[int] = []

    m = Module()
    m.submodules += [sender, receiver]
    m.d.comb += receiver.rx_pin.eq(sender.tx_pin)

    async def speak(ctx):
        await send(ctx, sender.tx, BYTES)
        await ctx.tick().repeat(200)

    async def hear(ctx):
        while True:
            heard.append(await receive(ctx, receiver.rx))

    simulate(m, speak, background=[hear])
    assert heard == BYTES
