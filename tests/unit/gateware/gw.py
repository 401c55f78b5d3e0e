"""How the gateware's testbenches run and talk to streams."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from amaranth.sim import Simulator

CLOCK_PERIOD = 8e-9
PATIENCE = 10_000
"""Cycles after which a testbench stops waiting."""


def simulate(dut: Any, *benches: Callable, background: Iterable[Callable] = ()) -> None:
    """Run until every one of `benches` has ended; those in `background` need not."""
    sim = Simulator(dut)
    sim.add_clock(CLOCK_PERIOD)
    for bench in background:
        sim.add_testbench(bench, background=True)
    for bench in benches:
        sim.add_testbench(bench)
    sim.run()


async def send(
    ctx: Any, stream: Any, items: Iterable, pause: Callable[[], int] = lambda: 0
) -> None:
    """Give `items` to a stream input, each after `pause()` idle cycles."""
    for item in items:
        for _ in range(pause()):
            await ctx.tick()
        ctx.set(stream.payload, item)
        ctx.set(stream.valid, 1)
        ready = False
        while not ready:
            *_, ready = await ctx.tick().sample(stream.ready)
        ctx.set(stream.valid, 0)


async def receive(ctx: Any, stream: Any, pause: Callable[[], int] = lambda: 0) -> Any:
    """The next item of a stream output, taken after `pause()` cycles in which it is refused."""
    for _ in range(pause()):
        await ctx.tick()
    ctx.set(stream.ready, 1)
    valid = False
    while not valid:
        *_, item, valid = await ctx.tick().sample(stream.payload, stream.valid)
    ctx.set(stream.ready, 0)
    return item


def pauses(seed: int, most: int) -> Callable[[], int]:
    """Random idle times: mostly none, at times up to `most` cycles."""
    rng = random.Random(seed)
    return lambda: rng.randint(1, most) if most and rng.random() < 0.3 else 0
