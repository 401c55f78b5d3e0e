"""Families of pulse shapes: how a transition goes from 0 to 1, with parameters to be fitted.

Each knows its running integral in closed form, so the mean over a bin is a difference and exact however
wide the bin, also where light starts with a hinge within it. Times are in any one unit. Of every family the
first parameter is an instant in that unit; the others are dimensionless or logarithms, so that a step of
about one is large for all of them.

    exponentials    1 - sum a e^(-x/tau)            a circuit of resistors and capacitors
    squared rise    (1 - sum a e^(-x/tau))^2        light that goes with the square of the carriers
    squared fall    1 - (sum a e^(-x/tau))^2        the same, going dark
    stretched       1 - e^(-(x/tau)^beta)           R. Kohlrausch, Ann. Phys. 167, 179 (1854)
    cascade         of equal poles, a gamma distribution: 1 - e^(-x/tau) (1 + x/tau + …)
    second order    with natural frequency and damping below critical: it rings
    logistic        1 / (1 + e^(-(t - centre)/scale))

with x = max(t - delay, 0) and the a summing to 1: nothing jumps.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammainc

Array = NDArray[np.float64]

STEP = 1e-6  # of a derivative by differences, in dimensionless parameters
TIME_STEP = 1e-3  # the same, in the unit of time
_NEAR = 1e-4  # closest relative distance kept between a rate and the detector's
# The same between two time constants that follow each other. A shape with closer ones differs from it by 1e-5, while
# its derivatives by either become differences of numbers so large that rounding is most of what is left of them.
_NEAR_EACH_OTHER = 1e-2


class Shape(ABC):
    """One family. p: (parameters,), t: (n,)."""

    name: str

    @abstractmethod
    def start(self, low: float, high: float) -> Array:
        """Parameters (parameters,) of a member that passes 10 % at `low` and 90 % at `high`, about."""

    @abstractmethod
    def value(self, t: Array, p: Array) -> Array:
        """The transition at t (n,)."""

    @abstractmethod
    def area(self, t: Array, p: Array) -> Array:
        """Its integral from long ago to t (n,)."""

    def slopes(self, t: Array, p: Array) -> Array:
        """(parameters, n) derivatives of `area` with respect to the parameters."""
        rows = [-self.value(t, p)]  # all families move along with their first parameter
        for k in range(1, p.size):
            step = np.zeros(p.size)
            step[k] = STEP
            rows.append((self.area(t, p + step) - self.area(t, p - step)) / (2 * STEP))
        return np.array(rows)

    def gradient(self, t: float, p: Array) -> Array:
        """(parameters,) derivatives of `value` at one t. Not from `slopes`, whose rounding grows with the area."""
        steps = np.diag(np.append(TIME_STEP, np.full(p.size - 1, STEP)))
        at = np.array([t])
        there = [self.value(at, p + step) - self.value(at, p - step) for step in steps]
        return np.asarray(np.concatenate(there) / (2 * steps.diagonal()))


@dataclass(frozen=True)
class Modes(Shape):
    """A step's way through `order` time constants, or the square of it, seen by a detector with one pole.

    The step arrives as 1 - sum a e, of the time constants but the last if `smooth`, of all if not; the last is then
    one pole that follows, so that the slope begins at zero, too.
    p: delay, ln tau of each, the amplitudes a of all but one, which is 1 minus their sum.
    linear, square: the shape is 1 + linear * s + square * s^2, where s is what is still missing from the step.
    pole: time constant of the detector, in the unit of time; 0: none.
    """

    name: str
    order: int
    linear: float
    square: float
    smooth: bool = False
    pole: float = 0.0

    def start(self, low: float, high: float) -> Array:
        """Of one time constant; the others `grow` from it."""
        rise = high - low
        return np.array([low - 0.1 * rise, np.log(rise / 2.2)])

    def grow(self, p: Array, low: float, high: float, tail: bool) -> list[Array]:
        """Starts for one time constant more, from p of this order: near p in several ways, or all anew and spread.

        tail: also with a little light that is much slower than all else, which is not found from nearby.
        """
        n, delay, logs, amps = self.order, p[:1], p[1 : 1 + self.order], p[1 + self.order :]
        faster, extras = logs.min() - 1.5, [(logs.max() + 1.5, 0.1)]
        if tail:
            extras.append((logs.max() + 4.0, 0.003))
        if self.smooth:
            again = logs.min() + 0.7  # late by as much as the delay is less
            starts = [
                np.concatenate((delay - np.exp(again), logs, [again], self._modes(p)[0][:-1])),
                *(
                    np.concatenate((delay, [extra], logs, [part] * (n > 1), (1 - part) * amps))
                    for extra, part in extras
                ),
            ]
            if n > 1:
                before, twice = np.append(amps, 1 - amps.sum()), [logs[-1] + 1.7] * 2
                starts.append(np.concatenate((delay, logs[:-1], twice, 0.95 * before)))
        else:
            starts = [
                np.concatenate((delay, [extra], logs, [part], (1 - part) * amps))
                for extra, part in ((faster, 0.1), *extras)
            ]
        free = starts[0].size - n - 2
        first, slowest = self.start(low, high)
        spread = slowest + np.linspace(0.7, -2.3, n + 1)
        starts.append(np.concatenate(([first], spread, np.full(free, 1 / (free + 1)))))
        return starts

    def value(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        amps, rates = self._terms(*self._modes(p))
        decayed = np.exp(-np.multiply.outer(rates, x))
        return self._step(
            x, self._seen(decayed, rates, np.exp(-x / self.pole) if self.pole else x), amps
        )

    def area(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        amps, rates = self._terms(*self._modes(p))
        areas = -np.expm1(-np.multiply.outer(rates, x)) / rates[:, None]
        lag = self._lag(x)
        return np.asarray(x - lag + amps @ self._seen(areas, rates, lag))

    def slopes(self, t: Array, p: Array) -> Array:
        n = self.order
        x = np.maximum(t - p[0], 0.0)
        a, r = self._modes(p)
        amps, rates = self._terms(a, r)
        lost = np.expm1(
            -np.multiply.outer(rates, x)
        )  # exact where a time constant is far longer than the trace
        decayed, lag = 1 + lost, self._lag(x)
        areas = -lost / rates[:, None]
        by_tau = areas - x * decayed
        areas = self._seen(areas, rates, lag)
        if self.pole:
            gap = 1 - (rates * self.pole)[:, None]
            by_tau = by_tau / gap - areas * (1 - gap) / gap
        first, second, times = _pairs(n, self.linear, self.square)
        # what a term's amplitude, and the logarithm of its rate, owe to each of the time constants
        share = (first + second) * r / rates[:, None]
        weight = times[:, None] * (first * self._or_one(second, a) + second * (first @ a)[:, None])
        rest = self._amplitude_slopes(p.size - 1, a, r) @ (weight.T @ areas)
        rest[:n] += share.T @ (amps[:, None] * by_tau)
        gone = 1 - lag / self.pole if self.pole else x
        value = self._step(x, self._seen(decayed, rates, gone), amps)
        return np.vstack((-value, rest))

    def gradient(self, t: float, p: Array) -> Array:
        """As of every shape; here the slopes are exact, and the faster way."""
        down, up = self.slopes(np.array([t - TIME_STEP, t + TIME_STEP]), p).T
        return np.asarray((up - down) / (2 * TIME_STEP))

    def _step(self, x: Array, decayed: Array, amps: Array) -> Array:
        """(n,) the shape from its exponentials as seen (terms, n)."""
        through = -np.expm1(-x / self.pole) if self.pole else 1.0
        return np.asarray(through + amps @ decayed)

    def _seen(self, terms: Array, rates: Array, own: Array) -> Array:
        """(terms, n) through the detector; own: (n,) the same of its pole."""
        if not self.pole:
            return terms
        return np.asarray((terms - own) / (1 - (rates * self.pole)[:, None]))

    def _lag(self, x: Array) -> Array:
        """(n,) what the detector's pole has cost the integral of a step by x."""
        return -self.pole * np.expm1(-x / self.pole) if self.pole else np.zeros_like(x)

    def _modes(self, p: Array) -> tuple[Array, Array]:
        """Amplitudes of what is missing from the step, and rates, both (order,)."""
        n = self.order
        r, amps = np.exp(-p[1 : 1 + n]), p[1 + n :]
        amps = np.concatenate((amps, [1 - amps.sum()]))
        if self.smooth and n > 1:
            r[:-1] = _apart(r[:-1], r[-1], _NEAR_EACH_OTHER)
            amps = amps / (1 - r[:-1] / r[-1])
            amps = np.concatenate((amps, [1 - amps.sum()]))
        return amps, r

    def _amplitude_slopes(self, parameters: int, a: Array, r: Array) -> Array:
        """(parameters, order) derivatives of the amplitudes a by all parameters but the delay; r: rates."""
        n = self.order
        slopes = np.zeros((parameters, n))
        if not (self.smooth and n > 1):
            slopes[n:, :-1] = np.eye(n - 1)
            slopes[n:, -1] = -1
            return slopes
        gap = 1 - r[:-1] / r[-1]
        moved = a[:-1] * (1 - gap) / gap
        slopes[: n - 1, :-1] = -np.diag(moved)
        slopes[n - 1, :-1] = moved
        slopes[n:, : n - 2] = np.diag(1 / gap[:-1])
        slopes[n:, n - 2] = -1 / gap[-1]
        slopes[:, -1] = -slopes[:, :-1].sum(axis=1)
        return slopes

    def _terms(self, a: Array, r: Array) -> tuple[Array, Array]:
        """Amplitudes and rates of all the exponentials that the shape is 1 plus a sum of."""
        first, second, times = _pairs(self.order, self.linear, self.square)
        rates = (first + second) @ r
        if self.pole:
            rates = _apart(rates, 1 / self.pole, _NEAR)
        return times * (first @ a) * self._or_one(second, a)[:, 0], rates

    @staticmethod
    def _or_one(second: Array, a: Array) -> Array:
        """(terms, 1) amplitude of the second factor of each term; 1 where it has none."""
        return np.where(second.any(axis=1), second @ a, 1.0)[:, None]


@cache
def _pairs(order: int, linear: float, square: float) -> tuple[Array, Array, Array]:
    """Which time constants multiply in each term: (terms, order) ones and zeros of the first and of the second factor,
    (terms,) what stands before them."""
    one = np.eye(order)
    first, second, times = np.zeros((0, order)), np.zeros((0, order)), np.zeros(0)
    if linear:
        first, second, times = one, np.zeros_like(one), np.full(order, linear)
    if square:
        i, j = np.triu_indices(order)
        first, second = np.vstack((first, one[i])), np.vstack((second, one[j]))
        times = np.concatenate((times, square * np.where(i == j, 1.0, 2.0)))
    return first, second, times


def _apart(rates: Array, other: float, near: float) -> Array:
    """`rates`, kept at a relative distance from `other`: of two that are equal a difference, which is 0, is divided by
    one that is 0, too."""
    return np.where(np.abs(rates - other) < near * other, other * (1 - near), rates)


class Stretched(Shape):
    """p: delay, ln tau, ln beta."""

    name = "stretched exponential"

    def start(self, low: float, high: float) -> Array:
        return np.array([low - 0.05 * (high - low), np.log((high - low) / 2.2), 0.0])

    def value(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        return np.asarray(-np.expm1(-((x / np.exp(p[1])) ** np.exp(p[2]))))

    def area(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        tau, beta = np.exp(p[1]), np.exp(p[2])
        return np.asarray(x - tau * gamma(1 + 1 / beta) * gammainc(1 / beta, (x / tau) ** beta))


class Cascade(Shape):
    """p: delay, ln of the sum of the time constants, ln of their number, which need not be whole."""

    name = "cascade of equal poles"

    def start(self, low: float, high: float) -> Array:
        return np.array([low - 0.3 * (high - low), np.log(0.9 * (high - low)), np.log(2.0)])

    def value(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        total, number = np.exp(p[1:])
        return np.asarray(gammainc(number, x * number / total))

    def area(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        total, number = np.exp(p[1:])
        u = x * number / total
        return np.asarray(x * gammainc(number, u) - total * gammainc(number + 1, u))


class SecondOrder(Shape):
    """p: delay, ln natural frequency (rad per unit), logit of the damping ratio."""

    name = "second-order response"

    def start(self, low: float, high: float) -> Array:
        return np.array([low - 0.1 * (high - low), np.log(1.2 / (high - low)), 0.0])

    def value(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        root, weight = self._root(p)
        return np.asarray(1 - (weight * np.exp(root * x)).real)

    def area(self, t: Array, p: Array) -> Array:
        x = np.maximum(t - p[0], 0.0)
        root, weight = self._root(p)
        return np.asarray(x - (weight * np.expm1(root * x) / root).real)

    @staticmethod
    def _root(p: Array) -> tuple[complex, complex]:
        """s and c so that the response is 1 - Re(c e^(s x)), with value and slope 0 at x = 0."""
        damping = 1 / (1 + np.exp(-p[2]))
        side = np.sqrt(1 - damping**2)
        return complex(np.exp(p[1]) * (-damping + 1j * side)), complex(1 - 1j * damping / side)


class Logistic(Shape):
    """p: centre, ln scale."""

    name = "logistic"

    def start(self, low: float, high: float) -> Array:
        return np.array([(low + high) / 2, np.log((high - low) / 4.4)])

    def value(self, t: Array, p: Array) -> Array:
        return np.asarray(0.5 + 0.5 * np.tanh((t - p[0]) / (2 * np.exp(p[1]))))

    def area(self, t: Array, p: Array) -> Array:
        return np.asarray(np.exp(p[1]) * np.logaddexp(0.0, (t - p[0]) / np.exp(p[1])))


def exponentials(order: int, pole: float = 0.0) -> Modes:
    """Sum of `order` exponentials."""
    return Modes(_named("exponential", order), order, -1.0, 0.0, pole=pole)


def squared_rise(order: int, pole: float = 0.0) -> Modes:
    """Square of a rise by `order` exponentials."""
    return Modes(f"square of {_named('exponential', order)}", order, -2.0, 1.0, True, pole)


def squared_fall(order: int, pole: float = 0.0) -> Modes:
    """Square of a decay by `order` exponentials."""
    return Modes(f"decay squared, of {_named('exponential', order)}", order, 0.0, -1.0, True, pole)


def _named(what: str, count: int) -> str:
    return what if count == 1 else f"{count} {what}s"
