"""Baseline and top of a pulse, with their standard errors, or why it has none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.layout import Layout
from trelscope.host.measure.quantities import Flag, MeasureOptions, Top
from trelscope.host.measure.trace import Trace, scatter

Array = NDArray[np.float64]

_DETECTED = 5.0  # an amplitude of fewer standard errors is called noise
_SUBSETS = 8  # of the pulse's samples, whose scatter is the error of a level that is no mean


class NoLevels(Exception):
    """There is no pulse to measure. `reason`: why, in words; `levels`: those found all the same; `flags`."""

    def __init__(
        self,
        reason: str,
        levels: tuple[float, float, float] = (np.nan, np.nan, np.nan),
        flags: tuple[Flag, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.reason, self.levels, self.flags = reason, levels, flags


@dataclass(frozen=True, eq=False)
class Levels:
    """baseline, top: V; baseline_se, top_se: their standard errors, V; variance: (n,) V^2, of each bin."""

    baseline: float
    top: float
    baseline_se: float
    top_se: float
    variance: Array

    @property
    def amplitude(self) -> float:
        """V; negative where light goes down."""
        return self.top - self.baseline

    @property
    def amplitude_se(self) -> float:
        """V."""
        return float(np.hypot(self.baseline_se, self.top_se))


def find_levels(light: Trace, layout: Layout, options: MeasureOptions) -> Levels:
    """Raises NoLevels."""
    y = light.y
    if options.baseline is None and layout.baseline.stop - layout.baseline.start < 2:
        raise NoLevels(
            "no baseline: the window shows neither what is before the pulse nor what is after it; give --baseline"
        )
    if options.top is None and layout.top.stop - layout.top.start < 2:
        raise NoLevels("no top: the window shows fewer than two bins of the pulse; give --top")
    if options.top is None and not layout.own_top and layout.hi - layout.lo < 2 * _SUBSETS:
        raise NoLevels("no top: too few bins of the pulse")
    baseline = options.baseline[0] if options.baseline else float(y[layout.baseline].mean())
    mean_top = float(y[layout.top].mean()) if layout.own_top else np.nan
    variance = _bin_variance(light, layout, baseline, mean_top)
    top, top_se = _top(y, layout, options, baseline, variance)
    baseline_se = options.baseline[1] if options.baseline else _mean_se(variance[layout.baseline])
    found = Levels(baseline, top, baseline_se, top_se, variance)
    known = found.baseline, found.top, found.amplitude_se
    if abs(found.amplitude) <= 1e-9 * float(np.abs(y).max()):
        raise NoLevels("no pulse: the top equals the baseline", known)
    if abs(found.amplitude) < _DETECTED * found.amplitude_se:
        reason = "no pulse: top and baseline differ by no more than noise"
        raise NoLevels(reason, known, (Flag.LOW_SNR,))
    return found


def _top(
    y: Array, layout: Layout, options: MeasureOptions, baseline: float, variance: Array
) -> tuple[float, float]:
    """V, and its standard error."""
    if options.top is not None:
        return options.top
    if layout.own_top:
        return float(y[layout.top].mean()), _mean_se(variance[layout.top])
    lit = y[layout.lo : layout.hi]
    sign = np.sign(y[layout.top].mean() - baseline)
    find = _shorth if options.top_method is Top.HISTOGRAM else _extreme(sign)
    parts = [find(lit[k::_SUBSETS]) for k in range(_SUBSETS)]
    return find(lit), float(np.std(parts, ddof=1) / np.sqrt(_SUBSETS))


def _bin_variance(light: Trace, layout: Layout, baseline: float, top: float) -> Array:
    """(n,) V^2: the given standard errors squared; where none has been seen to scatter, as of bins without a
    photon, the smallest that has.

    Where any is unknown: from the scatter of baseline and top, in proportion to the signal in between.
    """
    se = light.se
    if np.isfinite(se).all():
        least = se[se > 0].min(initial=np.inf)
        return np.asarray(np.where(se > 0, se, least if np.isfinite(least) else 0.0) ** 2)
    y = light.y
    dark, lit = scatter(y[layout.baseline]), scatter(y[layout.top])
    # a part too short, or without a photon, is taken to scatter like the other
    dark, lit = (dark if dark > 0 else lit), (lit if lit > 0 else dark)
    if np.isnan(dark):
        dark = lit = scatter(y)
    if not abs(top - baseline) > 0:
        return np.full(y.size, dark)
    part = np.clip((y - baseline) / (top - baseline), 0, 1)
    return np.asarray(dark + (lit - dark) * part)


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
