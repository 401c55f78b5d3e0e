"""Counts to a `Decay`: what can be fitted, with which model."""

import numpy as np

from trelscope.host.decay.climb import Fit, fits, stretched
from trelscope.host.decay.data import FitData
from trelscope.host.decay.histogram import Histogram, burst
from trelscope.host.decay.report import report
from trelscope.host.decay.response import MeasuredResponse, Response
from trelscope.host.decay.result import Array, Decay, Key, unmeasured

MAX_ORDER = 3
_FEWEST = 50  # photons; with fewer no error is believed
_BURST = 1.26  # lifetimes: the stretch of most likelihood in a decay


def fit_decay(
    counts: Array,
    edges: Array,
    pulses: float | Array,
    response: Response = 0.0,
    order: Key | None = None,
    start: tuple[float, float] | None = None,
    known: Array | float = 0.0,
) -> Decay:
    """Fit one to three exponentials, or a stretched one, and a background to a histogram.

    counts: (bins,) photons. edges: (bins + 1,) s, of the bins. pulses: excitations, one number or
    (bins,) from `live_pulses`. response: s, time constant of the detector's one-pole spread, or a
    response from `measured`. order: number of exponentials, or "stretched"; None takes what is of
    least BIC. start: s, between which t0 is looked for; None is anywhere in the window. known:
    (bins,) counts to expect besides, from `after_pulses`.
    """
    counts, edges = np.asarray(counts, np.float64), np.asarray(edges, np.float64)
    exposure = np.asarray(pulses, np.float64)
    if exposure.ndim == 0:
        exposure = np.full(counts.shape, exposure)
    photons = int(counts[np.isfinite(counts)].sum())
    reason = _reason_unfit(counts, edges, exposure, response, order)
    if reason:
        return unmeasured(reason, photons)
    lead = response.start if isinstance(response, MeasuredResponse) else 0.0
    early, late = start or (float(edges[0]) - lead, float(edges[-1]) - lead)
    if not (early < late and early + lead < edges[-1] and late + lead > edges[0]):
        return unmeasured("the start is looked for where it is not in the window", photons)
    data = Histogram(counts, edges, exposure / exposure.max(), response, early, late, known)
    light = burst(data, early + lead, late + lead)
    if light is None:
        return unmeasured("no light stands out of the background", photons)
    return choose(data, light[0] - lead, light[1] / _BURST, order, float(exposure.max()), photons)


def choose(
    data: FitData, start: float, life: float, order: Key | None, scale: float, photons: int
) -> Decay:
    """The model of least BIC, or the one asked for. start, life: s, guesses; scale: of the amplitudes."""
    found: list[Fit] = []
    if order != "stretched":
        found = list(fits(data, start, life, order or MAX_ORDER))
        if order is not None:
            found = found[order - 1 :]
    if order in (None, "stretched"):
        begin = float(found[0].p[-2]) if found else start
        found.append(stretched(data, begin, life))
    return report(found, scale, photons)


def _reason_unfit(
    counts: Array, edges: Array, exposure: Array, response: Response, order: Key | None
) -> str:
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
    if not isinstance(response, MeasuredResponse) and not (np.isfinite(response) and response >= 0):
        return "the response is not a time"
    if isinstance(response, MeasuredResponse) and np.ptp(response.edges) > np.ptp(edges):
        return "the response is longer than the window of the decay"
    if order not in (None, "stretched", *range(1, MAX_ORDER + 1)):
        return f"{order} exponentials: 1 to {MAX_ORDER} can be fitted"
    if counts.sum() < _FEWEST:
        return f"{counts.sum():.0f} photons are too few: at least {_FEWEST} are needed"
    return ""
