"""One averaged waveform: the object that averaging produces and measuring reads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Trace:
    """An averaged waveform of one channel.

    t: (n,) s, mean sample instant of each bin relative to the commanded drive edge.
    y: (n,) V, mean of the samples in each bin; nan where a bin holds none.
    se: (n,) V, standard error of `y`, nan where unknown.
    pulses: number of drive pulses averaged.
    """

    t: NDArray[np.float64]
    y: NDArray[np.float64]
    se: NDArray[np.float64]
    pulses: int


def unfit(trace: Trace, width: float) -> str:
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


def scatter(y: NDArray[np.float64]) -> float:
    """Variance per bin from second differences (blind to level and slope), V^2."""
    return float(np.mean(np.diff(y, 2) ** 2) / 6) if y.size >= 8 else np.nan
