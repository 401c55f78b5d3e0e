"""Helpers for testbenches in Amaranth's simulator: running them, sending to streams and receiving from them."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from amaranth.sim import Simulator

CLOCK_PERIOD = 8e-9
PATIENCE = 10_000
"""Cycles after which a testbench stops waiting."""


def simulate(dut: Any, *benches: Callable, background: Iterable[Callable] = ()) -> None:
    """Run until all of `benches` have ended, whether or not those in `background` have."""
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
    """Send `items` to a stream input, each after `pause()` idle cycles."""
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
    """Receive the next item of a stream output, after `pause()` cycles in which `ready` is low."""
    for _ in range(pause()):
        await ctx.tick()
    ctx.set(stream.ready, 1)
    valid = False
    while not valid:
        *_, item, valid = await ctx.tick().sample(stream.payload, stream.valid)
    ctx.set(stream.ready, 0)
    return item


def pauses(seed: int, most: int) -> Callable[[], int]:
    """A function that gives random pauses: none in most cases, otherwise 1 to `most` cycles."""
    rng = random.Random(seed)
    return lambda: rng.randint(1, most) if most and rng.random() < 0.3 else 0
