"""Onset, rise, response, settling and fall of an averaged light pulse, with standard errors.

Definitions (IEEE 181 words where it has them). t0 is the 50 % instant of the monitored drive edge,
or the commanded edge. Baseline B: mean before t0. Top T: mean over the last part of the pulse.
A = T - B; t10, t90: where light passes B + 0.1 A and B + 0.9 A.

    onset = t10 - t0    rise = t90 - t10    response = t90 - t0
    settling = last entry into T ± 2 % A, - t0
    fall = from 90 % to 10 % after the falling drive edge

Standard errors are first-order propagation of the per-bin errors through every step (the local
polynomials of `host.estimate`, B, T and t0, which share bins), taking bins as independent.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from host.estimate import Crossing, Sums, crossing, edge, pilot, transition
from host.trace import Trace

Array = NDArray[np.float64]

# Drivers and their lead (README: about 5 ohm into 1 nF) make an edge with a pole near 5 ns. Only
# bins too wide to show the edge rely on this, and then with a factor-of-two doubt.
NOMINAL_POLE = 5e-9
POLE_SPREAD = 0.7

_DETECTED = 5.0  # an amplitude of fewer standard errors is called noise
_CLEAR = 20.0  # fewer standard errors of amplitude: LOW_SNR
_STEEP = 6.0  # a slope of fewer standard errors: LOW_SNR
_VAGUE = 0.1  # se above this part of the transition: LOW_SNR
_SLOPE = 0.02  # of A per width over the last 30 % of the pulse: UNSETTLED
_SLOPE_PART = 0.3
_DRIFT = 0.01  # of A over the baseline: DRIFT
_FEW_BINS = 4.0  # a transition shorter than this many bins: BANDWIDTH_LIMITED
_RESOLVED = 0.3  # those groups must be shorter than this part of the rise to see ringing
_SMOOTH = 8.0  # settling is looked for in groups whose error is the band over this


class Flag(StrEnum):
    """What a reader of a quantity must know."""

    LOW_SNR = "LOW_SNR"
    UNSETTLED = "UNSETTLED"
    DRIFT = "DRIFT"
    CLIPPED = "CLIPPED"
    INVERTED = "INVERTED"
    DROPPED = "DROPPED"
    BANDWIDTH_LIMITED = "BANDWIDTH_LIMITED"


@dataclass(frozen=True)
class Quantity:
    """A duration: value and standard error in s; nan with a reason in words if not measured."""

    value: float
    se: float
    flags: tuple[Flag, ...]
    reason: str = ""


@dataclass(frozen=True)
class Options:
    """How to measure.

    top_fraction: last part of the pulse that makes the top.
    top: V and its standard error, instead of that: of a window that ends before the pulse does.
    low, high: levels of A between which rise and fall run.
    settle_band: half width of the settling band, part of A.
    detector_delay: s, delay of the light channel against the drive; it is subtracted from onset,
        response and settling, and leaves rise and fall as they are.
    """

    top_fraction: float = 0.1
    top: tuple[float, float] | None = None
    low: float = 0.1
    high: float = 0.9
    settle_band: float = 0.02
    detector_delay: float = 0.0


DEFAULTS = Options()


@dataclass(frozen=True)
class Measurements:
    """Everything read from one pulse.

    baseline, top, amplitude_se: V (amplitude = top - baseline, negative when INVERTED).
    t0: s, reference instant, on the trace's time axis; reference: which edge it is.
    t_low, t_high: s, instants on the trace where the rise passes its levels; nan if unknown.
    """

    onset: Quantity
    rise: Quantity
    response: Quantity
    settling: Quantity
    fall: Quantity
    baseline: float
    top: float
    amplitude_se: float
    t0: float
    reference: str
    t_low: float
    t_high: float
    pulses: int

    def quantities(self) -> dict[str, Quantity]:
        """All of them by name."""
        names = ("onset", "rise", "response", "settling", "fall")
        return {name: getattr(self, name) for name in names}

    def as_dict(self) -> dict[str, dict[str, object]]:
        """Quantities by name: value and se (s, None if not measured), flags, reason if any."""
        result: dict[str, dict[str, object]] = {}
        for name, q in self.quantities().items():
            known = bool(np.isfinite(q.value))
            result[name] = {
                "value": q.value if known else None,
                "se": q.se if np.isfinite(q.se) else None,
                "flags": [str(flag) for flag in q.flags],
            }
            if not known:
                result[name]["reason"] = q.reason
        return result


@dataclass(frozen=True, eq=False)
class _Instant:
    """An instant on the light trace.

    u: bins. by_bin: (n,) bins/V, its derivative with respect to every bin. variance: bins^2, what
    comes on top of the bins' own noise. steep: whether the slope there stands clear of the noise.
    """

    u: float
    by_bin: Array
    variance: float
    steep: bool


@dataclass(frozen=True)
class _Reference:
    """Pulse edges, s: start with its standard error, end, and which edges they are."""

    start: float
    start_se: float
    end: float
    words: str


def measure(
    light: Trace,
    width: float,
    drive: Trace | None = None,
    options: Options = DEFAULTS,
    clipped: int = 0,
    dropped: int = 0,
) -> Measurements:
    """Measure one pulse of commanded `width` (s).

    light: detector trace, evenly spaced bins that begin before the pulse. drive: monitor of the
    drive voltage; without it t0 is the commanded edge, t = 0. clipped, dropped: samples at the
    converter's end stops and pulses lost; any at all is flagged.
    """
    flags = [Flag.CLIPPED] * (clipped > 0) + [Flag.DROPPED] * (dropped > 0)
    reference = _reference(width, drive)
    problem = _unfit(light, width)
    if problem:
        return _unmeasured(light, reference, flags, problem)
    return _Pulse(light, width, reference, options, flags).measure()


def _unfit(trace: Trace, width: float) -> str:
    """Why a trace cannot be measured at all, or ""."""
    if trace.t.size == 0:
        return "the trace is empty"
    if not trace.t.size == trace.y.size == trace.se.size:
        return "t, y and se differ in length"
    if not (np.isfinite(width) and width > 0):
        return "the pulse width is not a positive time"
    bad = int(np.count_nonzero(~(np.isfinite(trace.t) & np.isfinite(trace.y))))
    if bad:
        return f"{bad} of {trace.t.size} bins hold no number"
    if trace.t.size < 16:
        return f"{trace.t.size} bins are too few"
    step = np.diff(trace.t)
    if step.min() <= 0 or np.ptp(step) > 0.01 * step.mean():
        return "the bins are not evenly spaced"
    return ""


def _unmeasured(
    light: Trace,
    reference: _Reference,
    flags: list[Flag],
    reason: str,
    levels: tuple[float, float, float] = (np.nan, np.nan, np.nan),
) -> Measurements:
    """Nothing measured; levels: baseline, top, amplitude_se as far as they are known, V."""
    q = Quantity(np.nan, np.nan, tuple(flags), reason)
    return Measurements(
        q, q, q, q, q, *levels, reference.start, reference.words, np.nan, np.nan, light.pulses
    )


def _scatter(y: Array) -> float:
    """Variance per bin from second differences (blind to level and slope), V^2."""
    return float(np.mean(np.diff(y, 2) ** 2) / 6) if y.size >= 8 else np.nan


# ---------------------------------------------------------------------------------------- drive


def _reference(width: float, drive: Trace | None) -> _Reference:
    if drive is None:
        return _Reference(0.0, 0.0, width, "commanded edge")
    problem = _unfit(drive, width)
    if problem:
        return _Reference(0.0, 0.0, width, f"commanded edge (drive monitor: {problem})")
    rising = _drive_edge(drive, 0.0, width / 2)
    if rising is None:
        return _Reference(0.0, 0.0, width, "commanded edge (the drive monitor shows no edge)")
    start, se, resolved = rising
    words = "drive monitor 50 % edge"
    if not resolved:
        words += f" (placed by its area: bins too wide for a {NOMINAL_POLE * 1e9:.0f} ns edge)"
    falling = _drive_edge(drive, width, width / 2)
    return _Reference(start, se, falling[0] if falling else start + width, words)


def _drive_edge(drive: Trace, expected: float, reach: float) -> tuple[float, float, bool] | None:
    """50 % instant and its se (s), and whether the bins resolve the edge; None without an edge.

    Looks within ± reach (s) of where the edge is expected.
    """
    dt = float(np.mean(np.diff(drive.t)))
    near = np.abs(drive.t - expected) < reach
    t, y = drive.t[near], drive.y[near]
    before, after = t < expected - dt, t > expected + reach / 2
    if np.count_nonzero(before) < 3 or np.count_nonzero(after) < 3:
        return None
    low, high = float(y[before].mean()), float(y[after].mean())
    se = drive.se[near]
    if np.isfinite(se).all():
        variance = se**2
    else:
        scatter = _scatter(y[before])
        variance = np.full(y.size, scatter if np.isfinite(scatter) else 0.0)
    height = high - low
    if abs(height) < 10 * np.sqrt(variance.max()) or height == 0:
        return None
    variance = np.maximum(variance, (1e-6 * height) ** 2)
    at = pilot((y - low) / height, np.array([0.1, 0.5, 0.9]))
    if np.isnan(at[1]):
        return None
    middle = float(at[1])
    span = float(at[2] - at[0]) if np.isfinite(at[2]) else 2.0
    room = 8 + int(np.ceil(5 * span))
    a, b = max(int(middle) - room, 0), min(int(middle) + room + 2, y.size)
    fit = edge(y[a:b], variance[a:b], NOMINAL_POLE / dt, POLE_SPREAD)
    if fit is None or not abs(fit.u + a - middle) < 2 + span:
        return None
    return float(t[0] + (a + fit.u) * dt), fit.se * dt, fit.resolved


# ---------------------------------------------------------------------------------------- light


class _Pulse:
    """One light pulse on an even grid, in bins: bin i spans i ± 1/2."""

    def __init__(
        self,
        light: Trace,
        width: float,
        reference: _Reference,
        options: Options,
        flags: list[Flag],
    ) -> None:
        self._light, self._reference, self._options = light, reference, options
        self._flags = flags
        self._dt = float(light.t[-1] - light.t[0]) / (light.t.size - 1)
        self._width = width / self._dt
        self._u0 = (reference.start - light.t[0]) / self._dt
        self._u1 = (reference.end - light.t[0]) / self._dt
        n = light.t.size
        length = self._u1 - self._u0
        # whole bins only: those that an edge cuts belong to neither side
        self._base = slice(0, _clip(np.floor(self._u0 - 0.5), n))
        self._lo = _clip(np.ceil(self._u0 + 0.5), n)
        self._hi = _clip(np.floor(self._u1 - 0.5) + 1, n)
        self._top = slice(
            max(_clip(np.ceil(self._u1 - options.top_fraction * length + 0.5), n), self._lo),
            self._hi,
        )
        if options.top:
            self._top = slice(self._hi, self._hi)  # no bin of this trace
        self._after = _clip(np.ceil(self._u1 + 0.5), n)

    def measure(self) -> Measurements:
        light, y = self._light, self._light.y
        if self._base.stop < 2:
            return self._nothing("no baseline: the window does not begin before the drive edge")
        if self._options.top is None and self._top.stop - self._top.start < 2:
            return self._nothing("no top: under two bins of the last part of the pulse")
        self._baseline = float(y[self._base].mean())
        top, top_se = self._options.top or (float(y[self._top].mean()), None)
        self._amplitude = top - self._baseline
        self._variance = self._bin_variance()
        if top_se is None:
            top_se = self._mean_se(self._top)
        amplitude_se = float(np.hypot(self._mean_se(self._base), top_se))
        levels = (self._baseline, top, amplitude_se)
        if abs(self._amplitude) <= 1e-9 * float(np.abs(y).max()):
            return self._nothing("no pulse: the top equals the baseline", levels)
        if abs(self._amplitude) < _DETECTED * amplitude_se:
            self._flags.append(Flag.LOW_SNR)
            return self._nothing("no pulse: top and baseline differ by no more than noise", levels)

        self._z = (y - self._baseline) / self._amplitude
        self._z_variance = np.maximum(self._variance / self._amplitude**2, 1e-14)
        self._variance = self._z_variance * self._amplitude**2  # a noiseless trace has rounding
        self._add_flags(amplitude_se)
        low, high, rise_reason, short = self._transition(self._lo, self._top.start, 1)
        start = _Instant(self._u0, np.zeros(y.size), 0.0, True)
        start_se = self._reference.start_se
        delay = self._options.detector_delay
        limited = [Flag.BANDWIDTH_LIMITED] * short
        scale = self._width
        if high:
            scale = high.u - (low.u if low else self._u0)
        onset = self._duration(start, low, scale, rise_reason, limited, start_se, delay)
        response = self._duration(start, high, scale, rise_reason, limited, start_se, delay)
        rise = self._duration(low, high, scale, rise_reason, limited)
        settled, reason = None, rise_reason
        if low and high:
            settled, reason = self._settling(high.u - low.u)
        if settled:
            scale = settled.u - self._u0
        settling = self._duration(start, settled, scale, reason, limited, start_se, delay)
        return Measurements(
            onset,
            rise,
            response,
            settling,
            self._fall(),
            *levels,
            self._reference.start,
            self._reference.words,
            self._time(low),
            self._time(high),
            light.pulses,
        )

    def _mean_se(self, part: slice) -> float:
        """Standard error of the mean of a part of the trace, V."""
        return float(np.sqrt(self._variance[part].sum()) / (part.stop - part.start))

    def _nothing(
        self, reason: str, levels: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    ) -> Measurements:
        return _unmeasured(self._light, self._reference, self._flags, reason, levels)

    def _time(self, at: _Instant | None) -> float:
        return float(self._light.t[0] + at.u * self._dt) if at else np.nan

    def _bin_variance(self) -> Array:
        """(n,) V^2: the given standard errors squared.

        Where any is unknown: from the scatter of baseline and top, in proportion to the signal
        in between.
        """
        se = self._light.se
        if np.isfinite(se).all():
            return np.asarray(se**2)
        y = self._light.y
        dark, lit = _scatter(y[self._base]), _scatter(y[self._top])
        dark, lit = (lit if np.isnan(dark) else dark), (dark if np.isnan(lit) else lit)
        if np.isnan(dark):
            dark = lit = _scatter(y)
        if self._amplitude == 0:
            return np.full(y.size, dark)
        part = np.clip((y - self._baseline) / self._amplitude, 0, 1)
        return np.asarray(dark + (lit - dark) * part)

    def _add_flags(self, amplitude_se: float) -> None:
        if self._amplitude < 0:
            self._flags.append(Flag.INVERTED)
        if abs(self._amplitude) < _CLEAR * amplitude_se:
            self._flags.append(Flag.LOW_SNR)
        begin = max(self._lo, int(np.ceil(self._u1 - _SLOPE_PART * (self._u1 - self._u0))))
        slope, se = self._line(slice(begin, self._hi))
        if abs(slope) * self._width > max(_SLOPE, 3 * se * self._width):
            self._flags.append(Flag.UNSETTLED)
        slope, se = self._line(self._base)
        span = self._base.stop - self._base.start
        if abs(slope) * span > max(_DRIFT, 4 * se * span):
            self._flags.append(Flag.DRIFT)

    def _line(self, part: slice) -> tuple[float, float]:
        """Least-squares slope of a part of the trace and its se, A per bin."""
        u = np.arange(part.start, part.stop) - (part.start + part.stop - 1) / 2
        if u.size < 3:
            return 0.0, np.inf
        w = u / np.sum(u * u)
        se = np.sqrt(np.sum(w**2 * self._z_variance[part]))
        return float(np.sum(w * self._z[part])), float(se)

    def _instant(self, c: Crossing, level: float, sign: int) -> _Instant:
        """A crossing of `level` (part of A) upward (sign 1) or downward (-1).

        Its derivative includes what baseline and top do to the level.
        """
        by_bin = np.zeros(self._z.size)
        by_bin[c.start : c.start + c.weights.size] = c.weights * c.misfit
        by_bin[self._base] += (1 - level) / c.slope / (self._base.stop - self._base.start)
        variance = 0.0
        if self._options.top:
            variance = (level / c.slope * self._options.top[1] / self._amplitude) ** 2
        else:
            by_bin[self._top] += level / c.slope / (self._top.stop - self._top.start)
        return _Instant(c.u, by_bin * (sign / self._amplitude), variance, c.steepness >= _STEEP)

    def _transition(
        self, lo: int, hi: int, sign: int
    ) -> tuple[_Instant | None, _Instant | None, str, bool]:
        """First and last level of the rise (sign 1) or fall (-1) within bins lo … hi-1.

        Also a reason if one is missing, and whether the transition is too short for the bins.
        """
        first, last = self._options.low, self._options.high
        z = self._z
        if sign < 0:
            first, last, z = 1 - last, 1 - first, 1 - z
        if hi - lo < 5:
            return None, None, "too few bins after the drive edge", True
        c_first, c_last, p_first, p_last = transition(z, self._z_variance, lo, hi, first, last)
        if np.isnan(p_last) or hi - p_last < 3:
            return None, None, f"light does not cover {last:.0%} of its way in the window", False
        span = c_last.u - c_first.u if c_first and c_last else p_last - p_first
        short = bool(span < _FEW_BINS)

        def instant(c: Crossing | None, pilot: float, part: float) -> _Instant | None:
            if c is not None:
                return self._instant(c, part if sign > 0 else 1 - part, sign)
            if short:  # no window fits in: between two bins, known to half a bin
                return _Instant(pilot, np.zeros(z.size), 0.25, True)
            return None

        begin, end = instant(c_first, p_first, first), instant(c_last, p_last, last)
        reason = "" if begin and end else "too noisy: the slope at the crossing is lost in noise"
        return begin, end, reason, short

    def _settling(self, rise: float) -> tuple[_Instant | None, str]:
        """Last entry into the band around the top, or why there is none; rise in bins."""
        band = self._options.settle_band
        noise = float(self._z_variance[self._lo : self._hi].mean())
        size = max(1, int(np.ceil(noise * (_SMOOTH / band) ** 2)))
        groups = (self._hi - self._lo) // size
        if groups < 8 or (size > 1 and size > _RESOLVED * rise):
            return None, "too noisy: noise over a good part of a rise time exceeds the band"
        begin = self._hi - groups * size
        z = self._z[begin : self._hi].reshape(groups, size).mean(axis=1)
        outside = np.flatnonzero(np.abs(z - 1) > band)
        if outside.size == 0:
            return None, "inside the settling band from the first bins on"
        k = int(outside[-1])
        at = begin + (k + 1) * size - 0.5
        if at >= self._top.start:
            return None, "not settled: outside the band in the last part of the pulse"
        sign = 1 if z[k] < 1 else -1
        # begin at the extreme since the waveform last passed the top: it only approaches from there
        away = sign * (1 - z[: k + 1])
        passed = np.flatnonzero(away <= 0)
        first = int(passed[-1]) + 1 if passed.size else 0
        lo = begin + (first + int(np.argmax(away[first:]))) * size
        hi = min(int(at + max(at - lo, 8 * size, 16)) + 1, self._top.start)
        level = 1 - sign * band
        at = float(pilot(sign * self._z[lo:hi], np.array([sign * level]))[0]) + lo
        if np.isnan(at):
            return None, "too noisy: the entry into the settling band is lost in noise"
        c = crossing(Sums.of(sign * self._z, self._z_variance), sign * level, at, lo, hi)
        if c is None:
            return None, "too noisy: the slope at the edge of the settling band is lost in noise"
        return self._instant(c, level, sign), ""

    def _fall(self) -> Quantity:
        """From `high` to `low` after the falling drive edge."""
        n = self._z.size
        if n - self._after < 5:
            reason = "the window ends before the light falls"
            return Quantity(np.nan, np.nan, tuple(self._flags), reason)
        high, low, reason, short = self._transition(self._after, n, -1)
        scale = low.u - high.u if high and low else self._width
        return self._duration(high, low, scale, reason, [Flag.BANDWIDTH_LIMITED] * short)

    def _duration(
        self,
        start: _Instant | None,
        end: _Instant | None,
        scale: float,
        reason: str,
        flags: list[Flag],
        start_se: float = 0.0,
        delay: float = 0.0,
    ) -> Quantity:
        """end - start - delay. start_se (s): what t0 adds. scale: bins, what se is held against."""
        flags = self._flags + flags
        if start is None or end is None:
            noisy = [Flag.LOW_SNR] * (reason.startswith("too noisy") and Flag.LOW_SNR not in flags)
            return Quantity(np.nan, np.nan, tuple(flags + noisy), reason)
        by_bin = end.by_bin - start.by_bin
        variance = float(np.sum(by_bin**2 * self._variance)) + start.variance + end.variance
        se = float(np.hypot(np.sqrt(variance) * self._dt, start_se))
        vague = se > _VAGUE * abs(scale) * self._dt or not (start.steep and end.steep)
        if vague and Flag.LOW_SNR not in flags and Flag.BANDWIDTH_LIMITED not in flags:
            flags = [*flags, Flag.LOW_SNR]
        return Quantity(float((end.u - start.u) * self._dt - delay), se, tuple(flags))


def _clip(u: float, n: int) -> int:
    """A bin boundary (bins) held within a trace of n bins."""
    return int(min(max(u, 0), n))
