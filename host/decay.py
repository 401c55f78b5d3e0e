"""Lifetimes from a histogram of photon arrivals, with standard errors, by maximum likelihood.

The rate of arrivals after an excitation at t0 is

    background + sum_k amplitude_k exp(-(t - t0) / lifetime_k), spread by the detector's response,

and its integral over a bin, times the excitations, is the mean of a Poisson variable. The
likelihood is that of the Poisson distribution: least squares on sqrt(counts) is biased where counts
are few (W. Cash, Astrophys. J. 228, 939, 1979), and here most bins of a tail hold none or one. It
is climbed by Fisher scoring; standard errors are from the inverse of the Fisher information at the
top.

The response is one pole, so a component is the difference of two exponentials and everything is in
closed form. Inside, a component is counted in photons (amplitude times lifetime), which the data
fix far better than the amplitude.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import poisson

Array = NDArray[np.float64]

MAX_ORDER = 3

_FEWEST = 50  # photons; with fewer no error is believed
_VAGUE = 0.5  # part of a lifetime or amplitude; a larger standard error: not resolved
_CHANCE = 7.0  # a burst this much likelier than all others together is no accident
_FLOOR = 1e-3  # photons in the whole record: background or component at its lower end
_NEAR = 1e-4  # closest relative distance kept between a lifetime and the response
_GROSS, _SURE = 0.05, 6.0  # excess deviance per photon, and in standard deviations: another shape
_ITERATIONS = 200
_DONE = 1e-5  # what a step still promises to add to the log-likelihood
_STALL, _PATIENCE = 1e-3, 12  # the top, too: the deviance fell by less in so many iterations


@dataclass(frozen=True)
class Value:
    """A number and its standard error, in the same unit; nan if not measured."""

    value: float
    se: float


_UNKNOWN = Value(np.nan, np.nan)


@dataclass(frozen=True)
class Component:
    """One exponential: amplitude in photons per second right after one excitation, lifetime in s."""

    amplitude: Value
    lifetime: Value


@dataclass(frozen=True, eq=False)
class Decay:
    """What a histogram says about the decay.

    components: by ascending lifetime; empty if nothing is measured, and `reason` says why.
    background: photons per second. t0: s, the excitation, on the axis of the bin edges.
    amplitude_average: s, sum(a tau) / sum(a), over what was excited.
    intensity_average: s, sum(a tau^2) / sum(a tau), over the photons: their mean delay.
    deviance: per degree of freedom. deviance_expected, deviance_spread: its mean and standard
        deviation if the model is true; not 1 where bins hold few photons.
    bic: by number of components tried, less that of the best.
    expected: (bins,) counts that the model gives; empty if nothing is measured.
    """

    components: tuple[Component, ...]
    background: Value
    t0: Value
    amplitude_average: Value
    intensity_average: Value
    photons: int
    deviance: float
    deviance_expected: float
    deviance_spread: float
    bic: dict[int, float]
    expected: Array
    reason: str = ""

    @property
    def misfit(self) -> float:
        """Standard deviations by which the deviance is above its expectation."""
        return (self.deviance - self.deviance_expected) / self.deviance_spread


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
        return _unmeasured(reason, counts)
    early, late = start or (float(edges[0]), float(edges[-1]))
    if not (early < late and early < edges[-1] and late > edges[0]):
        return _unmeasured("the start is looked for where it is not in the window", counts)
    data = _Histogram(counts, edges, exposure / exposure.max(), response, early, late)
    burst = _burst(data)
    if burst is None:
        return _unmeasured("no light stands out of the background", counts)
    fits = list(_fits(data, *burst, MAX_ORDER if order is None else order))
    if order is not None:
        fits = fits[order - 1 :]
    bic = [fit.bic for fit in fits]
    ranks = {fit.order: fit.bic - min(bic) for fit in fits}
    best = min(fits, key=lambda fit: fit.bic)
    return _report(best, ranks, float(exposure.max()))


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


def _unmeasured(reason: str, counts: Array, bic: dict[int, float] | None = None) -> Decay:
    photons = int(counts[np.isfinite(counts)].sum())
    u, nan = _UNKNOWN, np.nan
    return Decay((), u, u, u, u, photons, nan, nan, nan, bic or {}, np.empty(0), reason)


@dataclass(frozen=True, eq=False)
class _Histogram:
    """Counts (bins,), edges (bins + 1,) s, exposure (bins,) relative to the bin exposed most,
    response s, and between which times (s) the excitation is looked for."""

    counts: Array
    edges: Array
    exposure: Array
    response: float
    early: float
    late: float

    @property
    def width(self) -> Array:
        return np.diff(self.edges)

    @property
    def span(self) -> float:
        return float(self.edges[-1] - self.edges[0])

    def bin_of(self, t0: float) -> int:
        """The bin that holds t0 (s), or the nearest in which it may be."""
        inside = min(max(t0, self.early, self.edges[0]), self.late)
        return int(
            np.clip(np.searchsorted(self.edges, inside, "right") - 1, 0, self.counts.size - 1)
        )

    def limits(self, order: int, cell: int) -> tuple[Array, Array]:
        """Least and greatest parameters, each (2 order + 2,), with t0 in bin `cell`."""
        end = self.edges[cell + 1] - 1e-6 * self.width[cell]  # still in the bin
        start = max(self.edges[cell], self.early), max(min(end, self.late), self.early)
        lives = np.log((self.width.min() / 20, 20 * self.span))
        low = [_FLOOR] * order + [lives[0]] * order + [start[0], _FLOOR / self.span]
        high = [np.inf] * order + [lives[1]] * order + [start[1], np.inf]
        return np.array(low), np.array(high)

    def model(self, p: Array) -> tuple[Array, Array]:
        """Mean counts (bins,) and their derivatives (bins, parameters).

        p: photons of each component, logarithm of each lifetime (s), t0 (s), background (photons
        per s over all pulses).
        """
        n = p.size // 2 - 1
        jac = np.empty((self.counts.size, p.size))
        moved = np.zeros(self.counts.size)
        for k in range(n):
            left, by_life, rate = _survival(
                self.edges - p[-2], float(np.exp(p[n + k])), self.response
            )
            jac[:, k] = -np.diff(left)
            jac[:, n + k] = -p[k] * np.diff(by_life)
            moved -= p[k] * np.diff(rate)
        jac[:, -2], jac[:, -1] = moved, self.width
        jac *= self.exposure[:, None]
        return jac[:, :n] @ p[:n] + jac[:, -1] * p[-1], jac

    def deviance(self, mean: Array) -> float:
        """Twice what the log-likelihood of `mean` (bins,) is below that of the counts themselves."""
        return float(_deviances(self.counts, mean).sum())


def _survival(t: Array, life: float, response: float) -> tuple[Array, Array, Array]:
    """Part of a component's photons still to come at `t` (s after the excitation).

    Returns it, its derivative by ln(life), and the rate (1/s) at which they come; all in the shape
    of t. A lifetime within _NEAR of the response is moved to that distance.
    """
    if abs(life - response) < _NEAR * response:
        life = response * (1 + _NEAR)
    after = np.maximum(t, 0.0)
    slow = np.exp(-after / life)
    fast = np.exp(-after / response) if response > 0 else np.zeros_like(t)
    gap = life - response
    left = np.where(t > 0, (life * slow - response * fast) / gap, 1.0)
    by_life = np.where(t > 0, life * ((1 + after / life) * slow - left) / gap, 0.0)
    return left, by_life, np.where(t > 0, (slow - fast) / gap, 0.0)


def _deviances(counts: Array, mean: Array) -> Array:
    """2 (n ln(n/mean) - (n - mean)) of each bin."""
    ratio = np.maximum(counts, 1e-300) / mean
    return np.asarray(2 * (counts * np.log(ratio) - counts + mean))


def _burst(data: _Histogram) -> tuple[float, float] | None:
    """Start and length (s) of the stretch that is brightest beyond chance; None without one.

    The scan statistic of M. Kulldorff, Commun. Stat. 26, 1481 (1997): of all stretches the one
    whose likelihood gains most from a rate of its own.
    """
    counts = np.concatenate((np.zeros(1), np.cumsum(data.counts)))
    share = np.concatenate((np.zeros(1), np.cumsum(data.width * data.exposure)))
    share /= share[-1]
    total = counts[-1]
    first = np.flatnonzero((data.edges[1:] > data.early) & (data.edges[:-1] <= data.late))
    bins = data.counts.size
    lengths = np.unique(np.round(np.geomspace(1, bins, 40)).astype(int))
    best, found = np.log(bins * lengths.size) + _CHANCE, None
    for length in lengths:
        a = first[first + length <= bins]
        if a.size == 0:
            break
        inside, part = (
            np.diff(counts[[a, a + length]], axis=0)[0],
            np.diff(share[[a, a + length]], axis=0)[0],
        )
        outside, other = total - inside, np.maximum(1 - part, 1e-12)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = inside * np.log(inside / (total * part))
            gain += np.where(outside > 0, outside * np.log(outside / (total * other)), 0.0)
        gain[~(inside > total * part)] = 0.0
        top = int(np.argmax(gain))
        if gain[top] > best:
            best = gain[top]
            found = int(a[top]), int(length)
    if found is None:
        return None
    at, length = found
    return float(data.edges[at]), float(data.edges[at + length] - data.edges[at])


@dataclass(frozen=True, eq=False)
class _Fit:
    """The top of the likelihood for one number of components.

    cell: the bin of t0. p, mean, jac: parameters there and what `_Histogram.model` makes of them. free: (parameters,)
    not at a limit. covariance: nan for what is not free, or everywhere if the data leave some
    combination open. converged: whether it is the top.
    """

    data: _Histogram
    cell: int
    p: Array
    mean: Array
    jac: Array
    free: NDArray[np.bool_]
    covariance: Array
    converged: bool

    @property
    def order(self) -> int:
        return self.p.size // 2 - 1

    @property
    def deviance(self) -> float:
        return self.data.deviance(self.mean)

    @property
    def bic(self) -> float:
        """G. Schwarz, Ann. Stat. 6, 461 (1978), up to a constant; the observations are photons."""
        return self.deviance + self.p.size * float(np.log(self.data.counts.sum()))


def _fits(data: _Histogram, start: float, length: float, most: int) -> Iterator[_Fit]:
    """The best fit with 1, 2, … `most` components; each begins from what the one before found."""
    # the stretch of most likelihood in a decay is 1.26 lifetimes long
    lives, t0 = np.array([length / 1.26]), start
    for order in range(1, most + 1):
        tried = []
        for begin in _splits(lives, order):
            here = data.bin_of(t0)
            tried += [_walk(data, begin, cell) for cell in (here, here - 1, here + 1)]
        best = min(tried, key=lambda fit: fit.deviance)
        lives, t0 = np.exp(best.p[order : 2 * order]), float(best.p[-2])
        yield best


def _walk(data: _Histogram, lives: Array, cell: int) -> _Fit:
    """The fit that begins with these lifetimes (s) and t0 in bin `cell`.

    Where the light starts, the model has a kink as t0 passes from a bin to the next, so the climb
    keeps to one bin; from a top at its border it goes on in the bin beyond.
    """
    cell = data.bin_of(float(data.edges[min(max(cell, 0), data.counts.size - 1)]))
    low, high = data.limits(lives.size, cell)
    best = _climb(data, _begin(data, lives, (low[-2] + high[-2]) / 2, cell), cell)
    seen, fit = {cell}, best
    while True:
        low, high = data.limits(lives.size, cell)
        t0 = fit.p[-2]
        cell += 1 if t0 >= high[-2] else -1 if t0 <= low[-2] else 0
        if cell in seen or cell != data.bin_of(float(data.edges[max(cell, 0)])):
            return best
        seen.add(cell)
        fit = _climb(data, np.clip(fit.p, *data.limits(lives.size, cell)), cell)
        if fit.deviance > best.deviance + _DONE:
            return best
        best = fit


def _splits(lives: Array, order: int) -> list[Array]:
    """Lifetimes to begin from, s: those found with one component less, one of them made two."""
    if lives.size == order:
        return [lives]
    return [
        np.concatenate((np.delete(lives, k), lives[k] * np.array((0.4, 1.6))))
        for k in range(lives.size)
    ]


def _begin(data: _Histogram, lives: Array, t0: float, cell: int) -> Array:
    """Parameters with these lifetimes and t0 (s), the rest from weighted least squares."""
    n = lives.size
    p = np.concatenate((np.ones(n), np.log(lives), (t0, 1.0)))
    low, high = data.limits(n, cell)
    p = np.clip(p, low, high)
    _, jac = data.model(p)
    linear = [*range(n), -1]
    weight = 1 / np.sqrt(data.counts + 1)
    scale = np.maximum(np.abs(jac[:, linear]).max(axis=0), 1e-300)
    amounts, _ = nnls(jac[:, linear] / scale * weight[:, None], data.counts * weight)
    p[linear] = np.maximum(
        amounts / scale, data.counts.sum() * 1e-3 * np.append(np.ones(n), 1e-3 / data.span)
    )
    return np.clip(p, low, high)


def _climb(data: _Histogram, p: Array, cell: int) -> _Fit:
    """Fisher scoring from `p`, damped as by Levenberg and Marquardt, to the top with t0 in `cell`."""
    low, high = data.limits(p.size // 2 - 1, cell)
    mean, jac = data.model(p)
    deviance, damping, converged = data.deviance(mean), 1e-3, False
    fell: list[float] = []
    for _ in range(_ITERATIONS):
        gradient, normal = jac.T @ (data.counts / mean - 1), (jac / mean[:, None]).T @ jac
        free = ~(((p <= low) & (gradient <= 0)) | ((p >= high) & (gradient >= 0)))
        free &= normal.diagonal() > 0
        step = np.zeros(p.size)
        step[free] = _solve(normal[np.ix_(free, free)], gradient[free], damping)
        n = p.size // 2 - 1
        step[n : 2 * n] = np.clip(step[n : 2 * n], -1.0, 1.0)
        # at the end of its bin t0 has no slope, and what it should explain goes to the background
        step[-2] = min(step[-2], 0.75 * max(high[-2] - p[-2], 4e-6 * data.width[cell]))
        trial = np.clip(p + step, low, high)
        promise = float(gradient @ (trial - p))
        trial_mean, trial_jac = data.model(trial)
        trial_deviance = data.deviance(trial_mean)
        fell.append(deviance)
        stalled = len(fell) > _PATIENCE and fell[-1 - _PATIENCE] - deviance < _STALL
        if stalled or (promise < _DONE and damping <= 1e-2):
            converged = True
            break
        if trial_deviance < deviance:
            p, mean, jac, deviance = trial, trial_mean, trial_jac, trial_deviance
            damping = max(damping / 10, 1e-6)
        else:
            damping *= 10
            if damping > 1e9:
                break
    free[-2] = True  # the borders of a bin do not limit t0
    return _Fit(data, cell, p, mean, jac, free, _covariance(jac, mean, free), converged)


def _solve(normal: Array, gradient: Array, damping: float) -> Array:
    """Step of a damped Newton iteration, with parameters scaled to unit information."""
    scale = np.sqrt(normal.diagonal())
    scaled = normal / np.outer(scale, scale) + damping * np.eye(scale.size)
    return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)


def _covariance(jac: Array, mean: Array, free: NDArray[np.bool_]) -> Array:
    """Inverse of the information (parameters, parameters) among the free; see _Fit."""
    part = jac[:, free]
    inside = (part / mean[:, None]).T @ part
    result = np.full((free.size, free.size), np.nan)
    scale = np.sqrt(inside.diagonal())
    scaled = inside / np.outer(scale, scale)
    if np.linalg.cond(scaled) < 1e12:
        result[np.ix_(free, free)] = np.linalg.inv(scaled) / np.outer(scale, scale)
    return result


def _report(fit: _Fit, bic: dict[int, float], pulses: float) -> Decay:
    """The fit in the units of `Decay`, or why it is not to be believed."""
    reason = _doubt(fit)
    expected, spread = _deviance_moments(fit)
    freedom = fit.data.counts.size - int(fit.free.sum())
    excess = fit.deviance - expected
    if not reason and excess > max(_GROSS * fit.p[: fit.order].sum(), _SURE * spread):
        reason = f"the light does not look like {fit.order} exponential{'s' * (fit.order > 1)}"
    if reason:
        return _unmeasured(reason, fit.data.counts, bic)
    return Decay(
        _components(fit, pulses),
        _background(fit, pulses),
        _moment(fit),
        _average(fit, 0),
        _average(fit, 1),
        int(fit.data.counts.sum()),
        fit.deviance / freedom,
        expected / freedom,
        spread / freedom,
        bic,
        fit.mean,
    )


def _doubt(fit: _Fit) -> str:
    """Why the numbers of a fit are not to be believed, or ""."""
    n, data = fit.order, fit.data
    left = data.edges[-1] - fit.p[-2]
    longest = float(np.exp(fit.p[n : 2 * n].max()))
    if longest > left:
        return (
            f"the light does not decay within the window, which ends {left:.3g} s after its start"
        )
    if fit.p[-2] <= max(data.early, data.edges[0]) or fit.p[-2] >= data.late:
        return "the light does not start within the window, or not where it was looked for"
    if not fit.converged:
        return f"the fit of {n} exponentials does not converge"
    variance = fit.covariance.diagonal()[: 2 * n]
    relative = np.sqrt(np.append(variance[:n] / fit.p[:n] ** 2, variance[n:]))
    if not relative.max() < _VAGUE:  # nan, too
        few = f"{data.counts.sum():.0f} photons do not fix "
        return few + ("a lifetime" if n == 1 else f"{n} lifetimes: fit fewer or count longer")
    return ""


def _components(fit: _Fit, pulses: float) -> tuple[Component, ...]:
    """By ascending lifetime."""
    n = fit.order
    found = []
    for k in np.argsort(fit.p[n : 2 * n]):
        life = float(np.exp(fit.p[n + k]))
        amplitude = float(fit.p[k]) / life / pulses
        slope = np.zeros(fit.p.size)
        slope[k], slope[n + k] = amplitude / fit.p[k], -amplitude
        life_se = life * float(np.sqrt(fit.covariance[n + k, n + k]))
        found.append(Component(Value(amplitude, _error(fit, slope)), Value(life, life_se)))
    return tuple(found)


def _background(fit: _Fit, pulses: float) -> Value:
    """Photons per second. At zero its error is the rate at which the likelihood drops by 1/e."""
    if fit.free[-1]:
        return Value(float(fit.p[-1]) / pulses, float(np.sqrt(fit.covariance[-1, -1])) / pulses)
    drop = -float(fit.jac[:, -1] @ (fit.data.counts / fit.mean - 1))
    return Value(0.0, 1 / drop / pulses)


def _moment(fit: _Fit) -> Value:
    """t0, s. Its error covers the next bin as far as the data allow t0 there.

    A stray photon or two of the background can pull t0 to the end of the bin before its own.
    """
    value, variance = float(fit.p[-2]), float(fit.covariance[-2, -2])
    if fit.cell + 1 < fit.data.counts.size:
        low, high = fit.data.limits(fit.order, fit.cell + 1)
        other = _climb(fit.data, np.clip(fit.p, low, high), fit.cell + 1)
        chance = float(np.exp(min(fit.deviance - other.deviance, 0.0) / 2))
        there = float(other.covariance[-2, -2]) + (float(other.p[-2]) - value) ** 2
        if np.isfinite(there):
            variance = max(variance, (variance + chance * there) / (1 + chance))
    return Value(value, float(np.sqrt(variance)))


def _average(fit: _Fit, power: int) -> Value:
    """sum(a tau^(power + 1)) / sum(a tau^power), s."""
    n = fit.order
    photons, lives = fit.p[:n], np.exp(fit.p[n : 2 * n])
    weight = photons * lives ** (power - 1)
    value = float(weight @ lives / weight.sum())
    slope = np.zeros(fit.p.size)
    slope[:n] = weight / photons * (lives - value) / weight.sum()
    slope[n : 2 * n] = weight * (power * lives - (power - 1) * value) / weight.sum()
    return Value(value, _error(fit, slope))


def _error(fit: _Fit, slope: Array) -> float:
    """Standard error of what changes by `slope` (parameters,) with the parameters."""
    free = fit.free
    return float(np.sqrt(slope[free] @ fit.covariance[np.ix_(free, free)] @ slope[free]))


def _deviance_moments(fit: _Fit) -> tuple[float, float]:
    """Mean and standard deviation of the deviance if the model is true.

    The fit follows the counts, which takes one off the mean for each free parameter, and off the
    variance what the scores explain: P. McCullagh, J. Am. Stat. Assoc. 81, 104 (1986).
    """
    grid, table = _moment_table()
    mean, variance, covariance = (np.interp(np.log(fit.mean), grid, row) for row in table)
    free = int(fit.free.sum())
    total = float(variance.sum())
    scores = fit.jac[:, fit.free].T @ (covariance / fit.mean)
    inverse = fit.covariance[np.ix_(fit.free, fit.free)]
    if np.isfinite(inverse).all():
        total -= float(scores @ inverse @ scores)
    return float(mean.sum()) - free, float(np.sqrt(max(total, 1e-300)))


@cache
def _moment_table() -> tuple[Array, Array]:
    """ln(mean), and of one bin's deviance the mean, variance and covariance with the count (3, m)."""
    mean = np.geomspace(1e-9, 300.0, 400)
    n = np.arange(500.0)
    chance: Any = poisson.pmf(n, mean[:, None])
    deviance = _deviances(n, mean[:, None])
    first = (chance * deviance).sum(axis=1)
    second = (chance * (deviance - first[:, None]) ** 2).sum(axis=1)
    with_n = (chance * (deviance - first[:, None]) * (n - mean[:, None])).sum(axis=1)
    return np.log(mean), np.array((first, second, with_n))
