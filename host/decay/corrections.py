"""What counting does to a histogram."""

import numpy as np

from trelscope.host.decay.result import Array


def live_pulses(
    counts: Array, edges: Array, pulses: float, dead_time: float, lane: float = 0.0
) -> Array:
    """Excitations after which the detector was ready in each bin (bins,): give them to `fit_decay`.

    counts (bins,) after `pulses` excitations, every photon of a pulse counted unless it came within
    `dead_time` (s) of one that was. The rate in bin i is counts_i / (live_i of this function):

        lambda_i = -ln(1 - n_i / (pulses - sum of n_j in the dead time before i)).

    P. B. Coates, J. Phys. E 1, 878 (1968), for a detector that sees one photon per pulse (an
    endless dead time); here the sum ends where the detector has recovered. Counts are spread evenly
    over their bin, so neither side needs to be a multiple of the other. A dead time shorter than a
    bin costs that bin n (d - d^2/2) pulses, d = dead_time / width. What was counted before the
    first bin is not known and not corrected for. Zero or negative: the detector is saturated.

    lane: s, the time for which the counter holds one bit (1 ns in the gateware; bins are whole
    lanes). With a shorter dead time it is the lane that merges photons, and it obeys the logarithm.
    """
    width, until = np.diff(edges), np.concatenate((np.zeros(1), np.cumsum(counts)))
    area = np.concatenate((np.zeros(1), np.cumsum(width * (until[:-1] + until[1:]) / 2)))

    def integral(t: Array) -> Array:
        """Of the counts until each time, from the first edge to `t` (bins,) s."""
        i = np.clip(np.searchsorted(edges, t, side="right") - 1, 0, counts.size - 1)
        x = np.maximum(t - edges[i], 0.0)
        return np.asarray(area[i] + x * (until[i] + counts[i] / width[i] * x / 2))

    first = edges[:-1] - dead_time
    last = np.minimum(edges[1:] - dead_time, edges[:-1])
    rest = np.maximum(width - dead_time, 0.0) * until[:-1]  # recovered within the bin
    ready = pulses - until[:-1] + (integral(last) - integral(first) + rest) / width
    part = np.minimum(dead_time / width, 1.0)
    live = ready - counts * (part - part**2 / 2)
    lanes = np.where(part == 1.0, 1.0, width / lane if dead_time < lane else np.inf)
    own = np.isfinite(lanes) & (counts > 0)  # one photon at most in each part of these bins
    each = counts[own] / lanes[own]
    taken = np.clip(each / np.maximum(ready[own], 1e-300), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        live[own] = each / -np.log1p(-taken)
    return np.asarray(live)


LONGEST_DEAD_TIME = 100e-9
"""s: of the usual single-photon detectors and counters, where none is known (photomultipliers 20 ns, silicon 50 ns)."""
PILE_UP_LIMIT = 0.01
"""Part of the pulses for which the detector is not ready: more distorts what is counted by as much."""
_SURE = 4.0  # standard errors of a number of photons


def pile_up(counts: Array, width: float, pulses: float, dead_time: float) -> float:
    """Part of the pulses for which the detector is surely not ready, where that is worst.

    counts (bins,) of `width` (s), after `pulses` excitations; dead_time: s. Looked for in stretches of one dead time
    and longer: what a short one hides in its noise a long one may show.
    """
    until = np.concatenate((np.zeros(1), np.cumsum(counts)))
    size, worst = max(round(dead_time / width), 1), 0.0
    while size <= counts.size:
        photons = max(float(np.max(until[size:] - until[:-size])), 0.0)
        sure = max(photons - _SURE * np.sqrt(photons), 0.0)
        worst = max(worst, float(sure / pulses * dead_time / (size * width)))
        size *= 2
    return worst


def after_pulses(counts: Array, edges: Array, chance: float, time: float) -> Array:
    """Counts (bins,) to expect that no photon made: give them to `fit_decay` as `known`.

    Each of `counts` (bins,) is followed with probability `chance` by another, exponentially late
    with mean `time` (s). Given what came before, an afterpulse is as likely whatever the light, so
    this is exact in the likelihood but for what came before the first bin; counts are spread evenly
    over their bin. Those lost in the dead time are not taken off.
    """
    result = np.zeros(counts.size)
    waiting = 0.0  # afterpulses to come of what was counted before
    for i, (n, width) in enumerate(zip(counts, np.diff(edges), strict=True)):
        kept = float(np.exp(-width / time))
        mean = time / width * (1 - kept)  # of an afterpulse still to come from within the bin
        result[i] = waiting * (1 - kept) + chance * n * (1 - mean)
        waiting = waiting * kept + chance * n * mean
    return result
