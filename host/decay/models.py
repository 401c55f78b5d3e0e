"""Laws of decay, seen through the response of the detector.

A law is a curve of light after an excitation at 0, or after the end of a steady state. What a
histogram needs of it is the part still to come; what a trace of the light after a steady state
needs is the curve itself. Of exponentials the two are the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import gamma, gammainc, gammaincc

from trelscope.host.decay.response import MeasuredResponse, Response
from trelscope.host.decay.result import Array

_NEAR = 1e-4  # closest relative distance kept between a lifetime and the response
_STEP = 1e-6  # of ln(stretch), for derivatives by it
_FAR, _NODES = 25.0, (4, 48)  # response times after which few nodes do; nodes far and near
STRETCH = 0.1, 2.0
"""Least and greatest stretching exponent that is looked for."""

Seen = tuple[Array, Array, Array]
"""Curves (parts, n), their derivatives (shapes, n) by each parameter of shape, falling rates (parts, n) in 1/s."""


class Law(Protocol):
    """Parts, each with an amount and with parameters of shape; `owner` is the part of each of those."""

    @property
    def parts(self) -> int:
        """Number of amounts."""

    @property
    def owner(self) -> tuple[int, ...]:
        """(shapes,) part that each parameter of shape belongs to."""

    @property
    def name(self) -> str:
        """In words."""

    def begin(self, lives: Array) -> Array:
        """Parameters of shape (shapes,) to begin from."""

    def bounds(self, shortest: float, longest: float) -> tuple[Array, Array]:
        """Least and greatest parameters of shape, each (shapes,), for lifetimes between these, s."""

    def lives(self, shape: Array) -> Array:
        """(parts,) s, the scale of each part."""

    def areas(self, shape: Array) -> Array:
        """(parts,) s, integral over all time of each part's curve, which is 1 at 0."""

    def delays(self, shape: Array) -> Array:
        """(parts,) s, mean delay of the light of each part."""

    def seen(self, t: Array, shape: Array, response: Response, steady: bool) -> Seen:
        """At `t` (n,) s: the part still to come, or with `steady` the curve itself."""


@dataclass(frozen=True)
class Exponentials:
    """sum_k amount_k exp(-t / lifetime_k); a shape parameter is the logarithm of a lifetime in s."""

    parts: int

    @property
    def owner(self) -> tuple[int, ...]:
        return tuple(range(self.parts))

    @property
    def name(self) -> str:
        return f"{self.parts} exponential{'s' * (self.parts > 1)}"

    def begin(self, lives: Array) -> Array:
        return np.log(lives)

    def bounds(self, shortest: float, longest: float) -> tuple[Array, Array]:
        return np.full(self.parts, np.log(shortest)), np.full(self.parts, np.log(longest))

    def lives(self, shape: Array) -> Array:
        return np.exp(shape)

    areas = delays = lives

    def seen(self, t: Array, shape: Array, response: Response, steady: bool) -> Seen:
        each = [_exponential(t, float(np.exp(s)), response) for s in shape]
        value, by_life, rate = (np.array(rows) for rows in zip(*each, strict=True))
        return value, by_life, rate


@dataclass(frozen=True)
class Stretched:
    """amount exp(-(t / tau)^beta), R. Kohlrausch, Ann. Phys. 167, 56 (1854); shape is ln(tau / s), ln(beta)."""

    parts = 1
    owner = (0, 0)
    name = "a stretched exponential"

    def begin(self, lives: Array) -> Array:
        return np.array((np.log(lives[0]), np.log(0.8)))

    def bounds(self, shortest: float, longest: float) -> tuple[Array, Array]:
        low, high = np.log(STRETCH)
        return np.array((np.log(shortest), low)), np.array((np.log(longest), high))

    def lives(self, shape: Array) -> Array:
        return np.exp(shape[:1])

    def areas(self, shape: Array) -> Array:
        life, stretch = np.exp(shape)
        return np.array([life / stretch * gamma(1 / stretch)])

    def delays(self, shape: Array) -> Array:
        life, stretch = np.exp(shape)
        return np.array([life * gamma(2 / stretch) / gamma(1 / stretch)])

    def seen(self, t: Array, shape: Array, response: Response, steady: bool) -> Seen:
        curve = _curve if steady else _to_come
        if isinstance(response, MeasuredResponse):
            value, by_life, by_stretch, rate = response.spread(t, lambda x: _integrated(x, shape))
        elif response > 0:
            value, by_life, by_stretch = _pole(t, response, lambda x: _sharp(x, shape, curve)[:3])
            rate = (value - _at(t, shape, curve)) / response
        else:
            value, by_life, by_stretch, rate = _sharp(t, shape, curve)
        return value[None], np.array((by_life, by_stretch)), rate[None]


def _exponential(t: Array, life: float, response: Response) -> tuple[Array, Array, Array]:
    """One exponential at `t`, its derivative by ln(life), its rate (1/s); all in the shape of t."""
    if isinstance(response, MeasuredResponse):

        def integrated(x: Array) -> Array:
            after = np.maximum(x, 0.0)
            slow = np.exp(-after / life)
            area = life * (1 - slow)
            return np.array((area + np.minimum(x, 0.0), area - after * slow, -slow))

        value, by_life, rate = response.spread(t, integrated)
        return value, by_life, rate
    return survival(t, life, response)


def survival(t: Array, life: float, response: float) -> tuple[Array, Array, Array]:
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


Curve = Callable[[Array, float, float], tuple[Array, Array]]
"""Of x >= 0 (s), life and stretch: a curve that falls from 1, and its rate times x."""


def _curve(x: Array, life: float, stretch: float) -> tuple[Array, Array]:
    z = (x / life) ** stretch
    value = np.exp(-z)
    return value, stretch * z * value


def _to_come(x: Array, life: float, stretch: float) -> tuple[Array, Array]:
    z = (x / life) ** stretch
    rate = stretch / life / gamma(1 / stretch) * np.exp(-z)
    return gammaincc(1 / stretch, z), x * rate


def _at(t: Array, shape: Array, curve: Curve) -> Array:
    life, stretch = np.exp(shape)
    return np.where(t > 0, curve(np.maximum(t, 0.0), life, stretch)[0], 1.0)


def _sharp(t: Array, shape: Array, curve: Curve) -> Array:
    """(4, n): a curve, its derivatives by ln(life) and ln(stretch), its rate (1/s); no response."""
    life, stretch = np.exp(shape)
    after = np.maximum(t, 1e-9 * life)  # at 0 the rate of the light itself is infinite
    value, by_life = curve(after, life, stretch)
    other, _ = curve(after, life, stretch * np.exp(_STEP))
    rows = np.array((value, by_life, (other - value) / _STEP, by_life / after))
    return np.where(t > 0, rows, np.array((1.0, 0.0, 0.0, 0.0))[:, None])


def _integrated(x: Array, shape: Array) -> Array:
    """(4, n): integral from 0 to x of the part to come, its derivatives, minus its integrand."""
    life, stretch = np.exp(shape)
    after = np.maximum(x, 0.0)

    def area(stretch: float) -> tuple[Array, Array]:
        z = (after / life) ** stretch
        left = gammaincc(1 / stretch, z)
        delay = life * gamma(2 / stretch) / gamma(1 / stretch)
        return after * left + delay * gammainc(2 / stretch, z), left

    value, left = area(stretch)
    other, _ = area(stretch * np.exp(_STEP))
    by_stretch = (other - value) / _STEP
    return np.array((value + np.minimum(x, 0.0), value - after * left, by_stretch, -left))


def _pole(t: Array, response: float, rows: Callable[[Array], Array]) -> Array:
    """(m, n): each row of a function that is constant before 0, after a pole of `response` s.

    The mean over exponentially distributed delays: long after the start by Gauss and Laguerre,
    within it by Gauss and Legendre, with the nodes drawn to the start, where the curve is steep.
    """
    ends = rows(np.zeros(1))
    result = np.repeat(ends, t.size, axis=1)
    far, near = t > _FAR * response, (t > 0) & (t <= _FAR * response)
    for where, nodes in zip((far, near), _NODES, strict=True):
        if not where.any():
            continue
        after = t[where, None]
        if where is far:
            x, weight = np.polynomial.laguerre.laggauss(nodes)
            at, share = after - response * x, np.broadcast_to(weight, (after.size, nodes))
        else:
            x, weight = np.polynomial.legendre.leggauss(nodes)
            part = ((x + 1) / 2) ** 3
            at = after * part
            share = weight * 1.5 * ((x + 1) / 2) ** 2 * after / response
            share = share * np.exp(-(after - at) / response)
        found = rows(at.ravel()).reshape(len(ends), *at.shape)
        result[:, where] = (found * share).sum(axis=2)
        if where is near:
            result[:, where] += ends * np.exp(-t[where] / response)
    return result
