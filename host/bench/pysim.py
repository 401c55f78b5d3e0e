"""The gateware in Amaranth's own simulator."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.bench.workload import FRAME, TAKEN, commands


class PySim:
    """An `Engine` in pure Python."""

    key, name = "amaranth", "Amaranth's simulator"
    block = FRAME // 2

    def __init__(self) -> None:
        from amaranth.sim import Simulator  # takes long to import, like the next

        from trelscope.host.bench.pins import Pins

        self._pins = Pins()
        self._words: list[int] = []
        self._simulator = Simulator(self._pins)
        self._simulator.add_clock(8e-9)
        self._simulator.add_testbench(self._bench)

    async def _bench(self, ctx: Any) -> None:
        pins, queue = self._pins, bytearray(commands())
        ctx.set(pins.valid, 1)
        ctx.set(pins.payload, queue[0])
        async for _, _, word in ctx.tick().sample(pins.word):
            self._words.append(word)
            if word >> TAKEN & 1:
                del queue[0]
                ctx.set(pins.valid, bool(queue))
                if queue:
                    ctx.set(pins.payload, queue[0])

    def watch(self, cycles: int) -> NDArray[np.uint32]:
        """Run so many further cycles; what each showed."""
        self._words.clear()
        while len(self._words) < cycles:
            self._simulator.advance()
        return np.array(self._words, np.uint32)

    def run(self, cycles: int) -> float:
        """Run so many further cycles; the seconds it took of its core."""
        begin = time.process_time()
        self.watch(cycles)
        return time.process_time() - begin

    def close(self) -> None:
        """Nothing to let go of."""
