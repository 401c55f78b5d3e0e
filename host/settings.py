"""One acquisition on the grids of the hardware: its register values, and when and how often each bin is sampled."""

from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.protocol import (
    CLOCK_HZ,
    CYCLE_NS,
    HALF_CYCLE_NS,
    Mode,
)

INTERLEAVE = 8  # launch steps that fill the 1 ns grid between samples 8 ns apart
SETUP_NS = 512
"""From a period's start to the earliest launch: the launch phase settles."""


@dataclass(frozen=True)
class Settings:
    """One acquisition, in SI units, on the grids of the hardware.

    volts: V; rate: Hz; width: s; pulses: 0 until stopped; window_start: s from the drive edge; window_length, bin: s;
    interleave: launch steps of 1 ns fill the grid between ADC samples; frame_pulses: pulses a frame at least sums.
    counting: the light channel's memory counts photons instead of summing samples. time_tags: each of them is sent with
    its time as well.
    """

    volts: float
    rate: float
    width: float
    pulses: int
    window_start: float
    window_length: float
    bin: float
    interleave: bool
    frame_pulses: int
    counting: bool = False
    time_tags: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Every setting by name, in SI units. Time tags only where there are any: older programs know of none."""
        values = asdict(self)
        if not self.time_tags:
            del values["time_tags"]
        return values

    @property
    def bins(self) -> int:
        """Bins of the trace."""
        return round(self.window_length / self.bin)

    @property
    def light_unit(self) -> str:
        """Of the light channel's trace."""
        return "1/s" if self.counting else "V"

    @property
    def dither(self) -> int:
        """Launch steps, in ns, that successive pulses take in turn."""
        return INTERLEAVE if self.interleave else 1

    @property
    def spacing(self) -> float:
        """s between the instants that are sampled, which a bin is the mean over."""
        return (1 if self.interleave else CYCLE_NS) * 1e-9

    def registers(self, level: int) -> dict[str, int]:
        """Value of every setting register. level: the code that gives `volts` on the board at hand."""
        start_ns = _ns(self.window_start)
        period = exact_period(self.rate)
        whole = int(period)
        rest = period - whole
        return {
            "period": whole,
            "period_num": rest.numerator,
            "period_den": rest.denominator,
            "delay": lead_ns(start_ns) // CYCLE_NS,
            "width": _ns(self.width) // HALF_CYCLE_NS,
            "level": level,
            "count": self.pulses,
            "dither": self.dither,
            "window_start": start_ns,
            "window_bins": self.bins,
            "bin_shift": _ns(self.bin).bit_length() - 1,
            "frame_pulses": self.frame_pulses,
            "mode": int(Mode.COUNTING * self.counting | Mode.TIME_TAGS * self.time_tags),
        }

    def times(self) -> NDArray[np.float64]:
        """(bins,) s: mean sample instant of each bin, relative to the drive edge as commanded."""
        first = _ns(self.window_start) + (_ns(self.bin) - _ns(self.spacing)) / 2
        return np.asarray((first + _ns(self.bin) * np.arange(self.bins)) * 1e-9, np.float64)

    def counts(self, pulses: int) -> NDArray[np.int64]:
        """(channels, bins) samples in each bin after `pulses` pulses, the first of them launched without delay.

        Of a channel that counts photons: how often the bin was looked at.
        """
        return _counts(self, pulses)


@lru_cache(maxsize=8)  # most frames have as many pulses
def _counts(settings: Settings, pulses: int) -> NDArray[np.int64]:
    """See Settings.counts."""
    samples = _samples(settings, pulses)
    light = np.full(settings.bins, pulses, np.int64) if settings.counting else samples
    both = np.stack((light, samples))
    both.flags.writeable = False  # it is handed out more than once
    return both


def _samples(settings: Settings, pulses: int) -> NDArray[np.int64]:
    rounds, rest = divmod(pulses, settings.dither)
    grid = np.zeros(CYCLE_NS, np.int64)  # by instant modulo 8 ns; pulse k's are -k
    for k in range(settings.dither):
        grid[-k % CYCLE_NS] += rounds + (k < rest)
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(grid)))
    cycles, ns = np.divmod(_ns(settings.bin) * np.arange(settings.bins + 1), CYCLE_NS)
    return np.asarray(np.diff(cycles * before[-1] + before[ns]))


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def lead_ns(start_ns: int) -> int:
    """From a period's start to the launch: the window may begin before the pulse."""
    return max(SETUP_NS, -(-(SETUP_NS - start_ns) // CYCLE_NS) * CYCLE_NS)


def exact_period(rate: float) -> Fraction:
    """Cycles; exact for the rate as written, to a millihertz."""
    return Fraction(CLOCK_HZ * 1000, round(rate * 1000))
