"""When the periods of a train begin, and where in them the pulses are launched: what a stamp's numbers mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.protocol import CYCLE_NS
from trelscope.gateware.tags.wire import launch_ns
from trelscope.host.settings import Settings

Integers = NDArray[np.int64]

LATENCY = 2
"""Cycles from the one in which a launch falls due to the gate at the pins, which belong to the pulse's period."""


@dataclass(frozen=True)
class Timing:
    """Of one train.

    period: cycles, whole part; period_num / period_den: the rest. dither: ns, launch steps taken in turn.
    launch_ns: from a period's start to the launch edge of pulse 0. rate: Hz, as it was asked for. origin_ns: a period's
    start in the time of tag words.
    """

    period: int
    period_num: int
    period_den: int
    dither: int
    launch_ns: int
    rate: float
    origin_ns: int

    @classmethod
    def of(cls, settings: Settings) -> "Timing":
        """Of a train with these settings."""
        registers = settings.registers(level=0)
        return cls(
            registers["period"],
            registers["period_num"],
            registers["period_den"],
            registers["dither"],
            CYCLE_NS * (registers["delay"] + LATENCY),
            settings.rate,
            launch_ns(registers["delay"], 1, 0) - CYCLE_NS * (registers["delay"] + LATENCY),
        )

    @property
    def longest_ns(self) -> int:
        """Of a period: one cycle longer than others, where its length in cycles is not whole."""
        return CYCLE_NS * (self.period + (self.period_num > 0))

    def launch(self, pulses: Integers, out: Integers | None = None) -> Integers:
        """From each pulse's period's start to its launch edge, ns. out: where to put that."""
        if self.dither & (self.dither - 1) == 0:  # several times as fast
            late = np.bitwise_and(pulses, self.dither - 1, out=out)
        else:
            late = np.remainder(pulses, self.dither, out=out)
        late += self.launch_ns
        return late

    def start(self, pulses: Integers) -> Integers:
        """When each pulse's period starts, ns from the start of the train."""
        extra = np.maximum(pulses - 1, 0) * self.period_num // self.period_den
        return np.asarray(CYCLE_NS * (pulses * self.period + extra))
