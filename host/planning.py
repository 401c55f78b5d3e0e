"""From what is asked of a capture to settings that the hardware can do; what it cannot do is refused with the range."""

import math
from dataclasses import dataclass

from trelscope.gateware.protocol import (
    CYCLE_NS,
    DUTY_LIMIT_16THS,
    HALF_CYCLE_NS,
    LEVEL_LSB_V,
    LEVEL_MAX,
    LEVEL_MIN,
    MAX_BIN_SHIFT,
    WIDTH_LIMIT_NS,
)
from trelscope.host.errors import UserError
from trelscope.host.settings import INTERLEAVE, SETUP_NS, Settings, exact_period, lead_ns
from trelscope.host.units import format_si

VOLTS = (LEVEL_MIN * LEVEL_LSB_V, LEVEL_MAX * LEVEL_LSB_V)
"""V: the levels that the guard lets pass."""
RATES = (500.0, 15e3)
"""Hz: the range that the paper covers."""
TAIL_NS = 64
"""At a period's end: launch steps and pipeline."""
BASELINE, DECAY = 1 / 25, 1 / 4
"""How much of the width the default window shows before the pulse, and after it."""
FRAMES = 16
"""In a counted train: enough for a standard error from their scatter."""
FRAME_PULSES = 32, 1024
"""Least and most pulses of such a frame: sending a frame should cost little."""
FRAMES_PER_SECOND = 20
"""In a train that runs until it is stopped."""


@dataclass(frozen=True)
class Usual:
    """What suits a kind of source where nothing else is asked for.

    rate: Hz. window: start from the drive edge and length, s; None: the pulse and its decay.
    """

    rate: float
    window: tuple[float, float] | None = None


DRIVEN = Usual(10e3)
"""A device that lights up while it is driven."""
EXCITED = Usual(15e3, (-100e-9, 1.024e-6))
"""A sample that a short excitation at the drive edge makes glow for some tens of nanoseconds."""


class SettingsError(UserError, ValueError):
    """A setting is out of range; the message says which, and what the range is, in one line."""

    exit_code = 2


@dataclass(frozen=True)
class CaptureRequest:
    """What is asked of a capture, whatever the instrument. The one place that knows the defaults.

    volts: V; rate: Hz; width: s, None: half the period. pulses: 0 until stopped. window: start from the drive edge
    and length, s, None: the pulse and its decay. bin: s, None: the finest that fits. interleave: launch steps of 1 ns
    fill the grid between ADC samples. frame_pulses: pulses a frame sums, None: enough for a standard error.
    counting: photons instead of samples, None: if the instrument can.
    """

    volts: float = 5.0
    rate: float = DRIVEN.rate
    width: float | None = None
    pulses: int = 4096
    window: tuple[float, float] | None = None
    bin: float | None = None
    interleave: bool = True
    frame_pulses: int | None = None
    counting: bool | None = None

    def plan(self, depth: int) -> Settings:
        """Settings on an instrument with `depth` bins of memory. Raises SettingsError before anything has moved."""
        _within("volts", self.volts, VOLTS, "V")
        _within("rate", self.rate, RATES, "Hz")
        if not 0 <= self.pulses < 2**32:
            raise SettingsError(
                f"pulses {self.pulses} is out of range: 0 (until stopped) to {2**32 - 1}"
            )
        period_ns = float(exact_period(self.rate) * CYCLE_NS)
        width_ns = _width_ns(self, period_ns)
        bin_ns = _bin_ns(self, width_ns, depth)
        start_ns, length_ns = _window_ns(self, period_ns, width_ns, bin_ns, depth)
        return Settings(
            volts=round(self.volts / LEVEL_LSB_V) * LEVEL_LSB_V,
            rate=self.rate,
            width=width_ns / 1e9,
            pulses=self.pulses,
            window_start=start_ns / 1e9,
            window_length=length_ns / 1e9,
            bin=bin_ns / 1e9,
            interleave=self.interleave,
            frame_pulses=_frame_pulses(self),
        )


def _width_ns(request: CaptureRequest, period_ns: float) -> int:
    """On the grid of half cycles, as long as guard and period allow."""
    width = request.width if request.width is not None else 0.5 / request.rate
    width_ns = round(width * 1e9 / HALF_CYCLE_NS) * HALF_CYCLE_NS if math.isfinite(width) else 0
    longest = min(WIDTH_LIMIT_NS, period_ns * DUTY_LIMIT_16THS / 16, period_ns - SETUP_NS - TAIL_NS)
    if not HALF_CYCLE_NS <= width_ns <= longest:
        raise SettingsError(
            f"width {format_si(width, 's')} is out of range: {HALF_CYCLE_NS} ns to {format_si(longest * 1e-9, 's')}"
            f" at {format_si(request.rate, 'Hz')}"
        )
    return width_ns


def _bin_ns(request: CaptureRequest, width_ns: int, depth: int) -> int:
    """A power of two; without interleaving no finer than the ADC samples."""
    smallest = 1 if request.interleave else CYCLE_NS
    choices = [1 << n for n in range(MAX_BIN_SHIFT + 1) if 1 << n >= smallest]
    if request.bin is None:
        wanted = (
            width_ns * (BASELINE + 1 + DECAY) if request.window is None else request.window[1] * 1e9
        )
        return next((each for each in choices if each >= wanted / depth), choices[-1])
    bin_ns = round(request.bin * 1e9) if math.isfinite(request.bin) else 0
    if bin_ns not in choices:
        names = ", ".join(map(str, choices))
        why = "" if request.interleave else " without interleaving"
        raise SettingsError(f"bin {format_si(request.bin, 's')} is not one of {names} ns{why}")
    return bin_ns


def _window_ns(
    request: CaptureRequest, period_ns: float, width_ns: int, bin_ns: int, depth: int
) -> tuple[int, int]:
    """Start, from the drive edge, and length: on the grids of cycle and bin, within memory and period."""
    grid = max(bin_ns, CYCLE_NS)
    if request.window is None:
        start_ns = -math.ceil(width_ns * BASELINE / grid) * grid
        end_ns = period_ns - lead_ns(start_ns) - TAIL_NS
        length_ns = min(depth * bin_ns, int((end_ns - start_ns) // bin_ns) * bin_ns)
    else:
        start, length = request.window
        if not (math.isfinite(start) and math.isfinite(length)):
            raise SettingsError("window START:LENGTH must be finite numbers")
        start_ns = round(start * 1e9 / grid) * grid
        length_ns = round(length * 1e9 / bin_ns) * bin_ns
        if length_ns < bin_ns:
            raise SettingsError(f"window length {format_si(length, 's')} is shorter than one bin")
        if length_ns > depth * bin_ns:
            most = format_si(depth * bin_ns * 1e-9, "s")
            raise SettingsError(
                f"window {format_si(length, 's')} is longer than the memory: {most} with {bin_ns} ns bins"
                f" ({depth} bins); take a wider bin or a shorter window"
            )
    lead = lead_ns(start_ns)
    if lead + max(width_ns, start_ns + length_ns) > period_ns - TAIL_NS:
        room = format_si((period_ns - TAIL_NS - lead) * 1e-9, "s")
        raise SettingsError(
            f"window and pulse do not fit the period of {format_si(period_ns * 1e-9, 's')}: with a window from"
            f" {format_si(start_ns * 1e-9, 's')}, both must end within {room} of the drive edge"
        )
    return start_ns, length_ns


def _frame_pulses(request: CaptureRequest) -> int:
    """Whole rounds of launch steps."""
    pulses = request.frame_pulses
    if pulses is None and request.pulses:
        least, most = FRAME_PULSES
        pulses = min(max(request.pulses // FRAMES, least), most)
    elif pulses is None:
        pulses = max(int(request.rate / FRAMES_PER_SECOND), 1)
    return -(-pulses // INTERLEAVE) * INTERLEAVE


def _within(name: str, value: float, limits: tuple[float, float], unit: str) -> None:
    low, high = limits
    if not low <= value <= high:
        raise SettingsError(
            f"{name} {format_si(value, unit)} is out of range: {format_si(low, unit)} to {format_si(high, unit)}"
        )
