"""What a correlation tells of the detector: how long it is blind after a photon, and how often it counts one again."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from trelscope.host.photons.correlation import Correlation, Values

HALF = 0.5  # of what is found later: a detector that sees more than this is not blind
CERTAIN = 10.0  # gain in log-likelihood of a dip over none
LEAST = 20.0  # pairs that have to be expected, or nothing can be said


@dataclass(frozen=True)
class Counter:
    """dead_time, se: s; nan where no dip is seen. afterpulse: chance that a photon is followed by a pulse that is none,
    within the delays looked at; nan where too few pairs were found.
    """

    dead_time: float
    dead_time_se: float
    afterpulse: float
    afterpulse_se: float


def estimate(correlation: Correlation, photons: int) -> Counter:
    """From a `DelayCorrelation`. photons: that it is of. Light that blinks within a pulse looks like afterpulses."""
    width = float(correlation.at[1] - correlation.at[0])
    found, expected = correlation.found.copy(), correlation.expected.copy()
    if width == 1.0:  # two photons in the same ns are one, whatever the dead time
        found[0] = expected[0] = 0.0
    dead, dead_se = _dip(found, expected, width)
    if expected.sum() < LEAST or not photons:
        return Counter(dead, dead_se, np.nan, np.nan)
    blind = 0 if np.isnan(dead) else int(np.ceil(dead * 1e9 / width)) + 1
    behind = slice(blind, None)
    excess = float((found[behind] - expected[behind]).sum())
    scatter = correlation.se[behind] * expected[behind]
    scatter_squared = float(np.nansum(np.square(scatter)))
    return Counter(dead, dead_se, excess / photons, float(np.sqrt(scatter_squared)) / photons)


def _dip(found: Values, expected: Values, width: float) -> tuple[float, float]:
    """Where a step from fewer pairs to more is likeliest, and its standard error, s; nan without one."""
    below_found, below = np.cumsum(found), np.cumsum(expected)
    above_found, above = below_found[-1] - below_found, below[-1] - below
    fits = (below > 0) & (above > 0)
    if not fits.any() or not above_found[0]:
        return np.nan, np.nan
    ratio_below = below_found / np.where(fits, below, 1)
    ratio_above = above_found / np.where(fits, above, 1)
    overall = below_found[-1] / below[-1]
    gain = special.xlogy(below_found, ratio_below / overall) + special.xlogy(
        above_found, ratio_above / overall
    )
    gain = np.where(fits & (ratio_below < HALF * ratio_above), gain, 0.0)
    step = int(np.argmax(gain))
    if gain[step] < CERTAIN:
        return np.nan, np.nan
    # Bins up to `step` are blind: the edge lies within a bin of their end, or as far as pairs are sparse.
    density = expected[max(step - 2, 0) : step + 3].mean() / width * ratio_above[step]
    edge = width * (step + 1)
    error = np.hypot(width / np.sqrt(6), 1 / density)
    return float(edge) * 1e-9, float(error) * 1e-9
