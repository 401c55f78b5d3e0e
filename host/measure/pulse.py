"""One light pulse, normalised: progress from 0 at the baseline to 1 at the top, and what is wrong with it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.layout import Layout
from trelscope.host.measure.levels import Levels, find_levels
from trelscope.host.measure.quantities import Flag, MeasureOptions
from trelscope.host.measure.reference import Reference
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]

_CLEAR = 20.0  # fewer standard errors of amplitude: LOW_SNR
_SLOPE = 0.02  # of A per width over the last 30 % of the pulse: UNSETTLED
_SLOPE_PART = 0.3
_DRIFT = 0.01  # of A over the baseline: DRIFT


@dataclass(frozen=True, eq=False)
class Pulse:
    """z, variance: (n,) progress, and its variance. baseline_se, top_se: standard errors of z's 0 and 1.

    delay: bins, of the detector. flags: what is wrong with all of it. pulses: averaged.
    """

    layout: Layout
    levels: Levels
    options: MeasureOptions
    delay: float
    pulses: int
    z: Array
    variance: Array
    baseline_se: float
    top_se: float
    flags: tuple[Flag, ...]

    @classmethod
    def of(
        cls,
        light: Trace,
        width: float,
        reference: Reference,
        options: MeasureOptions,
        detector_delay: float,
    ) -> "Pulse":
        """The pulse of commanded `width` (s) in a trace that is fit to be measured. Raises NoLevels."""
        layout = Layout.of(light, width, reference, options)
        levels = find_levels(light, layout, options)
        size = abs(levels.amplitude)
        z = (light.y - levels.baseline) / levels.amplitude
        variance = levels.variance / size**2
        # Rounding, at least: of a noiseless trace, and of differences of running sums over all of it.
        variance = np.maximum(variance, max(1e-14, 1e-9 * float(variance.max())))
        return cls(
            layout=layout,
            levels=levels,
            options=options,
            delay=detector_delay / layout.dt,
            pulses=light.pulses,
            z=z,
            variance=variance,
            baseline_se=levels.baseline_se / size,
            top_se=levels.top_se / size,
            flags=_flags(layout, levels, z, variance),
        )


def _flags(layout: Layout, levels: Levels, z: Array, variance: Array) -> tuple[Flag, ...]:
    flags = []
    if levels.amplitude < 0:
        flags.append(Flag.INVERTED)
    if abs(levels.amplitude) < _CLEAR * levels.amplitude_se:
        flags.append(Flag.LOW_SNR)
    if layout.borrowed:
        flags.append(Flag.WINDOW_LEVEL)
    end = min(layout.u1, layout.bins - 0.5)
    begin = max(layout.lo, int(np.ceil(end - _SLOPE_PART * (end - layout.u0))))
    slope, se = _line(slice(begin, layout.hi), z, variance)
    if abs(slope) * layout.width > max(_SLOPE, 3 * se * layout.width):
        flags.append(Flag.UNSETTLED)
    slope, se = _line(layout.baseline, z, variance)
    span = layout.baseline.stop - layout.baseline.start
    if abs(slope) * span > max(_DRIFT, 4 * se * span):
        flags.append(Flag.DRIFT)
    return tuple(flags)


def _line(part: slice, z: Array, variance: Array) -> tuple[float, float]:
    """Least-squares slope of a part of the trace and its se, A per bin."""
    u = np.arange(part.start, part.stop) - (part.start + part.stop - 1) / 2
    if u.size < 3:
        return 0.0, np.inf
    w = u / np.sum(u * u)
    se = np.sqrt(np.sum(w**2 * variance[part]))
    return float(np.sum(w * z[part])), float(se)
