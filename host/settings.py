"""What the user asks for, checked and turned into register values."""

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.protocol import (
    CLOCK_HZ,
    CYCLE_NS,
    DUTY_LIMIT_16THS,
    HALF_CYCLE_NS,
    LEVEL_LSB_V,
    LEVEL_MAX,
    LEVEL_MIN,
    MAX_BIN_SHIFT,
    WIDTH_LIMIT_NS,
    Mode,
)
from trelscope.host.errors import UserError
from trelscope.host.units import format_si

VOLTS = (LEVEL_MIN * LEVEL_LSB_V, LEVEL_MAX * LEVEL_LSB_V)
RATES = (500.0, 15e3)  # Hz: the range the paper covers
INTERLEAVE = 8  # launch steps that fill the 1 ns grid between samples 8 ns apart
SETUP_NS = 512  # from a period's start to the earliest launch: the launch phase settles
TAIL_NS = 64  # at a period's end: launch steps, pipeline
BASELINE = 1 / 25  # of the width, before the pulse
DECAY = 1 / 4  # of the width, after it


class SettingsError(UserError, ValueError):
    """A setting is out of range; the message says which, and what the range is, in one line."""

    exit_code = 2


@dataclass(frozen=True)
class Settings:
    """One acquisition, in SI units, on the grids of the hardware.

    volts: V; rate: Hz; width: s; pulses: 0 until stopped; window_start: s from the drive edge; window_length, bin: s;
    interleave: launch steps of 1 ns fill the grid between ADC samples; frame_pulses: pulses a frame at least sums.
    counting: the light channel's memory counts photons instead of summing samples.
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

    def as_dict(self) -> dict[str, float | int | bool]:
        """Every setting by name, in SI units."""
        return asdict(self)

    @property
    def bins(self) -> int:
        """Bins of the trace."""
        return round(self.window_length / self.bin)

    @property
    def dither(self) -> int:
        """Launch steps, in ns, that successive pulses take in turn."""
        return INTERLEAVE if self.interleave else 1

    def registers(self) -> dict[str, int]:
        """Value of every setting register."""
        start_ns = _ns(self.window_start)
        period = _period(self.rate)
        whole = int(period)
        rest = period - whole
        return {
            "period": whole,
            "period_num": rest.numerator,
            "period_den": rest.denominator,
            "delay": _lead_ns(start_ns) // CYCLE_NS,
            "width": _ns(self.width) // HALF_CYCLE_NS,
            "level": round(self.volts / LEVEL_LSB_V),
            "count": self.pulses,
            "dither": self.dither,
            "window_start": start_ns,
            "window_bins": self.bins,
            "bin_shift": _ns(self.bin).bit_length() - 1,
            "frame_pulses": self.frame_pulses,
            "mode": int(Mode.COUNTING if self.counting else 0),
        }

    def times(self) -> NDArray[np.float64]:
        """(bins,) s: mean sample instant of each bin, relative to the drive edge as commanded."""
        samples = 1 if self.interleave else CYCLE_NS  # ns between possible sample instants
        first = _ns(self.window_start) + (_ns(self.bin) - samples) / 2
        return np.asarray((first + _ns(self.bin) * np.arange(self.bins)) * 1e-9, np.float64)

    def counts(self, pulses: int) -> NDArray[np.int64]:
        """(channels, bins) samples in each bin after `pulses` pulses, the first of them launched without delay.

        Of a channel that counts photons: how often the bin was looked at.
        """
        return _counts(self, pulses)


def plan(
    depth: int,
    volts: float = 5.0,
    rate: float = 10e3,
    width: float | None = None,
    pulses: int = 4096,
    window: tuple[float, float] | None = None,
    bin: float | None = None,
    interleave: bool = True,
    frame_pulses: int | None = None,
) -> Settings:
    """Settings from what is asked, the rest by default, on an instrument with `depth` bins of memory.

    The width is half the period unless given; `window` is (start, length) and covers the pulse and its decay unless
    given; `bin` is the finest that fits unless given. Raises SettingsError before anything has moved.
    """
    _within("volts", volts, VOLTS, "V")
    _within("rate", rate, RATES, "Hz")
    period_ns = float(_period(rate) * CYCLE_NS)
    width = width if width is not None else 0.5 / rate
    width_ns = round(width * 1e9 / HALF_CYCLE_NS) * HALF_CYCLE_NS if math.isfinite(width) else 0
    longest = min(WIDTH_LIMIT_NS, period_ns * DUTY_LIMIT_16THS / 16, period_ns - SETUP_NS - TAIL_NS)
    if not HALF_CYCLE_NS <= width_ns <= longest:
        longest_text = format_si(longest * 1e-9, "s")
        raise SettingsError(
            f"width {format_si(width, 's')} is out of range: 4 ns to {longest_text} at {format_si(rate, 'Hz')}"
        )
    if not 0 <= pulses < 2**32:
        raise SettingsError(f"pulses {pulses} is out of range: 0 (until stopped) to {2**32 - 1}")

    smallest = 1 if interleave else CYCLE_NS
    if bin is None:
        wanted = width_ns * (BASELINE + 1 + DECAY) if window is None else window[1] * 1e9
        bin_ns = smallest
        while bin_ns < wanted / depth and bin_ns < 1 << MAX_BIN_SHIFT:
            bin_ns *= 2
    else:
        bin_ns = round(bin * 1e9) if math.isfinite(bin) else 0
        choices = [1 << n for n in range(MAX_BIN_SHIFT + 1) if 1 << n >= smallest]
        if bin_ns not in choices:
            names = ", ".join(map(str, choices))
            why = "" if interleave else " without interleaving"
            raise SettingsError(f"bin {format_si(bin, 's')} is not one of {names} ns{why}")

    grid = max(bin_ns, CYCLE_NS)
    if window is None:
        start_ns = -math.ceil(width_ns * BASELINE / grid) * grid
        end_ns = period_ns - _lead_ns(start_ns) - TAIL_NS
        length_ns = min(depth * bin_ns, int((end_ns - start_ns) // bin_ns) * bin_ns)
    else:
        if not all(map(math.isfinite, window)):
            raise SettingsError("window START:LENGTH must be finite numbers")
        start_ns = round(window[0] * 1e9 / grid) * grid
        length_ns = round(window[1] * 1e9 / bin_ns) * bin_ns
        if length_ns < bin_ns:
            raise SettingsError(
                f"window length {format_si(window[1], 's')} is shorter than one bin"
            )
        if length_ns > depth * bin_ns:
            most = format_si(depth * bin_ns * 1e-9, "s")
            raise SettingsError(
                f"window {format_si(window[1], 's')} is longer than the memory: {most} with {bin_ns} ns bins"
                f" ({depth} bins); take a wider bin or a shorter window"
            )
    lead_ns = _lead_ns(start_ns)
    if lead_ns + max(width_ns, start_ns + length_ns) > period_ns - TAIL_NS:
        room = format_si((period_ns - TAIL_NS - lead_ns) * 1e-9, "s")
        raise SettingsError(
            f"window and pulse do not fit the period of {format_si(period_ns * 1e-9, 's')}: with a window from"
            f" {format_si(start_ns * 1e-9, 's')}, both must end within {room} of the drive edge"
        )
    if frame_pulses is None:
        # Enough frames for a standard error from their scatter; enough pulses in each that sending it costs little.
        frame_pulses = min(max(pulses // 16, 32), 1024) if pulses else max(int(rate / 20), 1)
    return Settings(
        volts=round(volts / LEVEL_LSB_V) * LEVEL_LSB_V,
        rate=rate,
        width=width_ns / 1e9,
        pulses=pulses,
        window_start=start_ns / 1e9,
        window_length=length_ns / 1e9,
        bin=bin_ns / 1e9,
        interleave=interleave,
        frame_pulses=-(-frame_pulses // INTERLEAVE) * INTERLEAVE,
    )


@dataclass(frozen=True)
class Asked:
    """What is asked for, whatever the instrument, as of `plan`. counting: None: if the instrument can."""

    volts: float = 5.0
    rate: float = 10e3
    width: float | None = None
    pulses: int = 4096
    window: tuple[float, float] | None = None
    bin: float | None = None
    counting: bool | None = None

    def plan(self, depth: int) -> Settings:
        """Settings on an instrument with `depth` bins of memory. Raises SettingsError."""
        return plan(depth, self.volts, self.rate, self.width, self.pulses, self.window, self.bin)


@lru_cache(maxsize=8)  # most frames have as many pulses
def _counts(settings: Settings, pulses: int) -> NDArray[np.int64]:
    """See Settings.counts."""
    samples = _samples(settings, pulses)
    light = np.full(settings.bins, pulses, np.int64) if settings.counting else samples
    both = np.stack((light, samples))
    both.flags.writeable = False  # it is handed out more than once
    return both


def _samples(settings: Settings, pulses: int) -> NDArray[np.int64]:
    width = _ns(settings.bin)
    if width >= CYCLE_NS:
        return np.full(settings.bins, pulses * (width // CYCLE_NS), np.int64)
    rounds, rest = divmod(pulses, settings.dither)
    grid = np.zeros(CYCLE_NS, np.int64)  # by instant modulo 8 ns; pulse k's are -k
    for k in range(settings.dither):
        grid[-k % CYCLE_NS] += rounds + (k < rest)
    per_bin = grid.reshape(-1, width).sum(axis=1)
    return np.resize(per_bin, settings.bins)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _lead_ns(start_ns: int) -> int:
    """From a period's start to the launch: the window may begin before the pulse."""
    return max(SETUP_NS, -(-(SETUP_NS - start_ns) // CYCLE_NS) * CYCLE_NS)


def _period(rate: float) -> Fraction:
    """Cycles; exact for the rate as written, to a millihertz."""
    return Fraction(CLOCK_HZ * 1000, round(rate * 1000))


def _within(name: str, value: float, limits: tuple[float, float], unit: str) -> None:
    low, high = limits
    if not low <= value <= high:
        raise SettingsError(
            f"{name} {format_si(value, unit)} is out of range: {format_si(low, unit)} to {format_si(high, unit)}"
        )
