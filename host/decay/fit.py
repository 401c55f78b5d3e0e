"""Counts to a `Decay`: what can be fitted, with how many exponentials."""

import numpy as np

from host.decay.climb import fits
from host.decay.histogram import Histogram, burst
from host.decay.report import report
from host.decay.result import Array, Decay, unmeasured

MAX_ORDER = 3
_FEWEST = 50  # photons; with fewer no error is believed


def fit_decay(
    counts: Array,
    edges: Array,
    pulses: float | Array,
    response: float = 0.0,
    order: int | None = None,
    start: tuple[float, float] | None = None,
) -> Decay:
    """Fit one to three exponentials and a background to a histogram.

    counts: (bins,) photons. edges: (bins + 1,) s, of the bins. pulses: excitations, one number or
    (bins,) from `live_pulses`. response: s, time constant of the detector's one-pole spread.
    order: number of exponentials; None takes that of least BIC. start: s, between which t0 is
    looked for; None is anywhere in the window.
    """
    counts, edges = np.asarray(counts, np.float64), np.asarray(edges, np.float64)
    exposure = np.asarray(pulses, np.float64)
    if exposure.ndim == 0:
        exposure = np.full(counts.shape, exposure)
    reason = _unfit(counts, edges, exposure, response, order)
    if reason:
        return unmeasured(reason, counts)
    early, late = start or (float(edges[0]), float(edges[-1]))
    if not (early < late and early < edges[-1] and late > edges[0]):
        return unmeasured("the start is looked for where it is not in the window", counts)
    data = Histogram(counts, edges, exposure / exposure.max(), response, early, late)
    light = burst(data)
    if light is None:
        return unmeasured("no light stands out of the background", counts)
    found = list(fits(data, *light, MAX_ORDER if order is None else order))
    if order is not None:
        found = found[order - 1 :]
    bic = [fit.bic for fit in found]
    ranks = {fit.order: fit.bic - min(bic) for fit in found}
    best = min(found, key=lambda fit: fit.bic)
    return report(best, ranks, float(exposure.max()))


def _unfit(counts: Array, edges: Array, exposure: Array, response: float, order: int | None) -> str:
    """Why a histogram cannot be fitted at all, or ""."""
    if counts.ndim != 1 or edges.shape != (counts.size + 1,):
        return f"{counts.size} bins need {counts.size + 1} edges, not {edges.size}"
    if exposure.shape != counts.shape:
        return f"{counts.size} bins need as many numbers of pulses, not {exposure.size}"
    bad = int(np.count_nonzero(~(np.isfinite(counts) & (counts >= 0))))
    if bad:
        return f"{bad} of {counts.size} bins hold no count"
    if counts.size < 16:
        return f"{counts.size} bins are too few"
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        return "the bin edges do not ascend"
    if not (np.isfinite(exposure).all() and (exposure > 0).all()):
        return "the number of pulses is not positive everywhere: the detector is saturated"
    if not (np.isfinite(response) and response >= 0):
        return "the response is not a time"
    if order is not None and order not in range(1, MAX_ORDER + 1):
        return f"{order} exponentials: 1 to {MAX_ORDER} can be fitted"
    if counts.sum() < _FEWEST:
        return f"{counts.sum():.0f} photons are too few: at least {_FEWEST} are needed"
    return ""
