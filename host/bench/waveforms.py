"""Waveforms with analytic or root-found truths, seen as an instrument sees them: bin means."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, ndtr

from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]  # s after the drive edge -> part of the final light

WIDTH = 50e-6


def delayed_exponential(delay: float, tau: float) -> Shape:
    return lambda t: -np.expm1(-np.maximum(t - delay, 0) / tau)


def stretched(delay: float, tau: float, beta: float) -> Shape:
    return lambda t: np.asarray(-np.expm1(-((np.maximum(t - delay, 0) / tau) ** beta)))


def ringing(delay: float, period: float, damping: float) -> Shape:
    w = 2 * np.pi / period
    wd = w * np.sqrt(1 - damping**2)

    def shape(t: Array) -> Array:
        s = np.maximum(t - delay, 0)
        wave = np.cos(wd * s) + damping * w / wd * np.sin(wd * s)
        return np.asarray(1 - np.exp(-damping * w * s) * wave)

    return shape


def sigmoid(centre: float, scale: float) -> Shape:
    return lambda t: 1 / (1 + np.exp(-np.clip((t - centre) / scale, -60, 60)))


def two_exponentials(delay: float, fast: float, slow: float, part: float) -> Shape:
    def shape(t: Array) -> Array:
        s = np.maximum(t - delay, 0)
        return np.asarray(1 - part * np.exp(-s / fast) - (1 - part) * np.exp(-s / slow), float)

    return shape


def squared_exponential(delay: float, tau: float) -> Shape:
    return lambda t: np.expm1(-np.maximum(t - delay, 0) / tau) ** 2


def gamma_rise(delay: float, tau: float, order: float) -> Shape:
    return lambda t: np.asarray(gammainc(order, np.maximum(t - delay, 0) / tau))


def hyperbolic(delay: float, half: float, power: float) -> Shape:
    def shape(t: Array) -> Array:
        s = (np.maximum(t - delay, 0) / half) ** power
        return np.asarray(s / (1 + s))

    return shape


def lognormal(delay: float, median: float, spread: float) -> Shape:
    def shape(t: Array) -> Array:
        s = np.maximum(t - delay, 1e-15) / median
        return np.asarray(ndtr(np.log(s) / spread), float)

    return shape


def grid(bins: int, dt: float, start: float) -> Array:
    """(bins,) s, centres of bins that begin at `start`."""
    return np.asarray(start + dt * (np.arange(bins) + 0.5), np.float64)


def bin_means(f: Shape, t: Array) -> Array:
    """Mean of f over each bin of the even grid t, 8-point Gauss-Legendre."""
    x, w = np.polynomial.legendre.leggauss(8)
    dt = t[1] - t[0]
    return np.asarray(sum(wi / 2 * f(t + xi * dt / 2) for xi, wi in zip(x, w, strict=True)))


@dataclass(frozen=True, eq=False)
class Pulse:
    """Light that rises by `rise` at 0 and falls by `fall` (same convention, 0 -> 1) at `width`."""

    rise: Shape
    fall: Shape
    width: float = WIDTH
    amplitude: float = 1.0

    def __call__(self, t: Array) -> Array:
        lit = self.rise(np.minimum(t, self.width)) * (t > 0)
        gone = np.where(t > self.width, self.fall(t - self.width), 0)
        return np.asarray(self.amplitude * lit * (1 - gone))

    def truth(self) -> dict[str, float]:
        """Seconds, by the definitions of trelscope.host.measure.measure, top from the last tenth of the pulse."""
        fine = np.linspace(0.9 * self.width, self.width, 20001)
        top = float(np.mean(self.rise(fine)))
        at_end = float(self.rise(np.array([self.width]))[0])
        t10, t90 = (first_passage(self.rise, part * top, self.width) for part in (0.1, 0.9))
        f90, f10 = (
            first_passage(self.fall, 1 - part * top / at_end, 4 * self.width) for part in (0.9, 0.1)
        )
        grid = np.linspace(0, 0.9 * self.width, 400001)
        outside = np.abs(self.rise(grid) / top - 1) > 0.02
        k = int(np.flatnonzero(outside)[-1])
        band = 0.98 if self.rise(grid[k : k + 1])[0] < top else 1.02
        settle = (
            brentq(lambda s: float(self.rise(np.array([s]))[0]) - band * top, grid[k], grid[k + 1])
            if k + 1 < grid.size
            else np.nan
        )
        return {
            "onset": t10,
            "rise": t90 - t10,
            "response": t90,
            "settling": float(settle),
            "fall": f10 - f90,
        }


def first_passage(shape: Shape, level: float, longest: float) -> float:
    """s; where shape first reaches level."""
    s = np.concatenate(([0.0], np.geomspace(1e-11, longest, 20001)))
    k = int(np.argmax(shape(s) >= level))
    return float(
        brentq(lambda x: float(shape(np.array([x]))[0]) - level, s[k - 1], s[k], xtol=1e-16)
    )


def noisy(mean: Array, t: Array, sigma: float, rng: np.random.Generator) -> Trace:
    """A trace of `mean` (n,) V with white noise sigma (V) per bin, its errors known."""
    return Trace(t, mean + sigma * rng.standard_normal(t.size), np.full(t.size, sigma), pulses=100)
