"""One light pulse laid out in bins: what is before, in and after it, its levels, and what is wrong with it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.quantities import Flag, Options, Top
from trelscope.host.measure.reference import Reference
from trelscope.host.measure.trace import Trace, scatter

Array = NDArray[np.float64]

_DETECTED = 5.0  # an amplitude of fewer standard errors is called noise
_CLEAR = 20.0  # fewer standard errors of amplitude: LOW_SNR
_SLOPE = 0.02  # of A per width over the last 30 % of the pulse: UNSETTLED
_SLOPE_PART = 0.3
_DRIFT = 0.01  # of A over the baseline: DRIFT
_SUBSETS = 8  # of the pulse's samples, whose scatter is the error of a level that is no mean


class Pulse:
    """Times are in bins: bin i spans i ± 1/2.

    u0, u1: the drive's edges; dt: s, of a bin.
    base, top: bins of baseline and top; lo, hi: first and one past the last whole bin of the pulse; after: first whole
    bin after it. own_top: whether the top is a mean of this trace's bins.
    baseline, level, amplitude: V, after `find_levels`, with standard errors; z, variance: (n,) progress from 0 at the
    baseline to 1 at the top, and its variance.
    """

    baseline = level = amplitude = amplitude_se = float("nan")
    baseline_se = top_se = 0.0
    """The latter two of z."""
    z: Array
    variance: Array

    def __init__(
        self, light: Trace, width: float, reference: Reference, options: Options, flags: list[Flag]
    ) -> None:
        self.light, self.reference, self.options, self.flags = light, reference, options, flags
        n = light.t.size
        self.dt = float(light.t[-1] - light.t[0]) / (n - 1)
        self.width = width / self.dt
        self.u0 = (reference.start - light.t[0]) / self.dt
        self.u1 = (reference.end - light.t[0]) / self.dt
        length = self.u1 - self.u0
        # whole bins only: those that an edge cuts belong to neither side
        self.base = slice(0, _clip(np.floor(self.u0 - 0.5), n))
        self.lo = _clip(np.ceil(self.u0 + 0.5), n)
        self.hi = _clip(np.floor(self.u1 - 0.5) + 1, n)
        first = _clip(np.ceil(self.u1 - options.top_fraction * length + 0.5), n)
        self.top = slice(max(first, self.lo), self.hi)
        if options.top:
            self.top = slice(self.hi, self.hi)  # no bin of this trace
        self.own_top = options.top is None and options.top_method is Top.MEAN
        self.after = _clip(np.ceil(self.u1 + 0.5), n)

    def find_levels(self) -> str:
        """Baseline, top and flags. Returns why there is nothing to measure, or ""."""
        y = self.light.y
        if self.base.stop < 2:
            return "no baseline: the window does not begin before the drive edge"
        if self.options.top is None and self.top.stop - self.top.start < 2:
            return "no top: under two bins of the last part of the pulse"
        if not self.own_top and self.hi - self.lo < 2 * _SUBSETS:
            return "no top: too few bins of the pulse"
        self.baseline = float(y[self.base].mean())
        variance = self._bin_variance(float(y[self.top].mean()) if self.own_top else np.nan)
        self.level, top_se = self._top(variance)
        self.amplitude = self.level - self.baseline
        baseline_se = _mean_se(variance[self.base])
        self.amplitude_se = float(np.hypot(baseline_se, top_se))
        if abs(self.amplitude) <= 1e-9 * float(np.abs(y).max()):
            return "no pulse: the top equals the baseline"
        if abs(self.amplitude) < _DETECTED * self.amplitude_se:
            self.flags.append(Flag.LOW_SNR)
            return "no pulse: top and baseline differ by no more than noise"
        size = abs(self.amplitude)
        self.baseline_se, self.top_se = baseline_se / size, top_se / size
        self.z = (y - self.baseline) / self.amplitude
        variance = variance / size**2
        # Rounding, at least: of a noiseless trace, and of differences of running sums over all of it.
        self.variance = np.maximum(variance, max(1e-14, 1e-9 * float(variance.max())))
        self._add_flags()
        return ""

    def instant(self, u: float) -> float:
        """s on the trace's time axis."""
        return float(self.light.t[0] + u * self.dt)

    def _top(self, variance: Array) -> tuple[float, float]:
        """V, and its standard error."""
        y = self.light.y
        if self.options.top is not None:
            return self.options.top
        if self.own_top:
            return float(y[self.top].mean()), _mean_se(variance[self.top])
        lit = y[self.lo : self.hi]
        sign = np.sign(y[self.top].mean() - self.baseline)
        find = _shorth if self.options.top_method is Top.HISTOGRAM else _extreme(sign)
        parts = [find(lit[k::_SUBSETS]) for k in range(_SUBSETS)]
        return find(lit), float(np.std(parts, ddof=1) / np.sqrt(_SUBSETS))

    def _bin_variance(self, top: float) -> Array:
        """(n,) V^2: the given standard errors squared; where none has been seen to scatter, as of bins without a
        photon, the smallest that has.

        Where any is unknown: from the scatter of baseline and top, in proportion to the signal
        in between.
        """
        se = self.light.se
        if np.isfinite(se).all():
            least = se[se > 0].min(initial=np.inf)
            return np.asarray(np.where(se > 0, se, least if np.isfinite(least) else 0.0) ** 2)
        y = self.light.y
        dark, lit = scatter(y[self.base]), scatter(y[self.top])
        # a part too short, or without a photon, is taken to scatter like the other
        dark, lit = (dark if dark > 0 else lit), (lit if lit > 0 else dark)
        if np.isnan(dark):
            dark = lit = scatter(y)
        if not abs(top - self.baseline) > 0:
            return np.full(y.size, dark)
        part = np.clip((y - self.baseline) / (top - self.baseline), 0, 1)
        return np.asarray(dark + (lit - dark) * part)

    def _add_flags(self) -> None:
        if self.amplitude < 0:
            self.flags.append(Flag.INVERTED)
        if abs(self.amplitude) < _CLEAR * self.amplitude_se:
            self.flags.append(Flag.LOW_SNR)
        begin = max(self.lo, int(np.ceil(self.u1 - _SLOPE_PART * (self.u1 - self.u0))))
        slope, se = self._line(slice(begin, self.hi))
        if abs(slope) * self.width > max(_SLOPE, 3 * se * self.width):
            self.flags.append(Flag.UNSETTLED)
        slope, se = self._line(self.base)
        span = self.base.stop - self.base.start
        if abs(slope) * span > max(_DRIFT, 4 * se * span):
            self.flags.append(Flag.DRIFT)

    def _line(self, part: slice) -> tuple[float, float]:
        """Least-squares slope of a part of the trace and its se, A per bin."""
        u = np.arange(part.start, part.stop) - (part.start + part.stop - 1) / 2
        if u.size < 3:
            return 0.0, np.inf
        w = u / np.sum(u * u)
        se = np.sqrt(np.sum(w**2 * self.variance[part]))
        return float(np.sum(w * self.z[part])), float(se)


def _mean_se(variance: Array) -> float:
    """Of the mean of bins with variances (n,)."""
    return float(np.sqrt(variance.sum()) / variance.size)


def _shorth(y: Array) -> float:
    """Mean of the shortest interval that holds half of the samples: the mode, without a bin width to choose."""
    y = np.sort(y)
    half = y.size // 2 + 1
    start = int(np.argmin(y[half - 1 :] - y[: y.size - half + 1]))
    return float(y[start : start + half].mean())


def _extreme(sign: float) -> Callable[[Array], float]:
    """The highest of samples (n,) of a pulse of this sign."""
    return lambda y: float(sign * np.max(sign * y))


def _clip(u: float, n: int) -> int:
    """A bin boundary (bins) held within a trace of n bins."""
    return int(min(max(u, 0), n))
