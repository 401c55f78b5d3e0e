"""Quantities of a pulse from the pulse shapes that hold, where any does.

A shape uses all of the data where a local polynomial uses a neighbourhood, so its instants are up to several times
as precise (`docs/measuring.md`); they are wrong where light does not have that shape. A shape therefore
counts only if what it leaves is noise (`shape_fit.py`), and its result only if it agrees with that of
the local polynomials, which assume nothing: two estimates of one thing of which one is efficient differ by
sqrt(se_local^2 - se_shape^2) if both are right (J. A. Hausman, Econometrica 46, 1251, 1978).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.found import Found
from trelscope.host.measure.local import LocalEstimator
from trelscope.host.measure.pulse import Pulse
from trelscope.host.measure.quantities import Flag
from trelscope.host.measure.shape_fit import (
    NEGLIGIBLE,
    Cells,
    ShapeFit,
    fit_families,
    refit,
)
from trelscope.host.measure.wider import WiderErrors

Array = NDArray[np.float64]

_AGREE = 4.0  # standard deviations by which a shape may differ from the local polynomials
_SLACK = 0.7  # of the greater standard error, at least the standard deviation of that difference
_FEW_BINS = 4.0  # in a transition: fewer show no shape
_ROUNDS, _POINTS = 5, 34  # 33 parts each time: to 3e-8 of a cell
_GRID = 0.5  # of a cell: where a curve is looked at for its first crossing

RISE = ("onset", "delay", "rise", "response", "settling", "overshoot")
FALL = ("fall", "decay")


@dataclass(frozen=True, eq=False)
class _Point:
    """A number read from a curve, and its derivatives by the curve's parameters and by baseline and top."""

    value: float
    slopes: Array

    def __sub__(self, other: "_Point") -> "_Point":
        return _Point(self.value - other.value, self.slopes - other.slopes)

    def minus(self, number: float) -> "_Point":
        return _Point(self.value - number, self.slopes)

    def scaled(self, factor: float) -> "_Point":
        return _Point(self.value * factor, self.slopes * factor)


class _Curve:
    """One fit, in units of A, with the levels that it or the pulse itself has."""

    def __init__(self, fit: ShapeFit, pulse: Pulse, grid: Array, sign: int) -> None:
        self.fit, self._grid, self._sign = fit, grid, sign
        self._pulse = pulse
        n = 2 + fit.p.size
        errors = np.array([pulse.baseline_se, pulse.top_se]) ** 2
        self.covariance = np.zeros((n + 2, n + 2))
        self.covariance[:n, :n] = fit.covariance
        self.covariance[n:, n:] = np.diag(errors)
        self._by_base, self._by_top = np.eye(n + 2)[-2:]
        if sign > 0:  # the fit covers baseline and, unless it comes from elsewhere, top
            base = _Point(fit.base, np.eye(n + 2)[0])
            if pulse.options.baseline:
                base = _Point(0.0, self._by_base)
            top = _Point(1.0, self._by_top)
            if pulse.layout.own_top:
                top = self._padded(
                    *fit.mean(pulse.layout.top.start - 0.5, pulse.layout.top.stop - 0.5)
                )
        else:
            base, top = _Point(0.0, self._by_base), _Point(1.0, self._by_top)
        self.base, self.top = base, top
        self._values = sign * fit.value(grid)

    def crossing(self, level: float) -> _Point | None:
        """Bins; where the curve first passes a level of A."""
        base, top = self.base, self.top
        goal = _Point(
            base.value + level * (top.value - base.value),
            (1 - level) * base.slopes + level * top.slopes,
        )
        beyond = self._sign * (self._values - goal.value) >= 0
        k = int(np.argmax(beyond))
        if not beyond[k] or k == 0:
            return None
        return self._root(goal, k - 1)

    def settled(self, band: float) -> _Point | None:
        """Bins; where the curve enters the band around the top for the last time."""
        base, top = self.base, self.top
        size = top.value - base.value
        away = (self._values - top.value) / size
        until = self._grid < self._pulse.layout.top.start
        outside = np.flatnonzero((np.abs(away) > band) & until)
        if outside.size == 0 or outside[-1] + 1 >= np.count_nonzero(until):
            return None
        k = int(outside[-1])
        part = 1 + band * np.sign(away[k])
        goal = _Point(base.value + part * size, (1 - part) * base.slopes + part * top.slopes)
        return self._root(goal, k)

    def overshoot(self) -> _Point | None:
        """Part of A; the highest point before the top, above it."""
        until = self._grid < self._pulse.layout.top.start
        k = int(np.argmax(self._values[until]))
        if k == 0 or k + 1 >= np.count_nonzero(until):
            return None
        size = self.top - self.base
        peak = self._padded(float(self._values[k]), self.fit.gradient(float(self._grid[k])))
        above = peak - self.top
        return _Point(
            above.value / size.value,
            (above.slopes - above.value / size.value * size.slopes) / size.value,
        )

    def error(self, point: _Point) -> float:
        """Standard error of what was read."""
        return float(np.sqrt(point.slopes @ self.covariance @ point.slopes))

    def _root(self, goal: _Point, k: int) -> _Point | None:
        """Between two points of the grid, by dividing what lies between."""
        a, b = float(self._grid[k]), float(self._grid[k + 1])
        below = self._values[k] < goal.value
        for _ in range(_ROUNDS):
            u = np.linspace(a, b, _POINTS)
            beyond = (self._sign * self.fit.value(u[1:-1]) < goal.value) != below
            j = int(np.argmax(beyond)) if beyond.any() else beyond.size
            a, b = float(u[j]), float(u[j + 1])
        slope = self._sign * self.fit.slope(b)
        if slope == 0:
            return None
        here = self._padded(0.0, self.fit.gradient(b))
        return _Point(b, (goal.slopes - here.slopes) / slope)

    def _padded(self, value: float, slopes: Array) -> _Point:
        return _Point(value, np.concatenate((self._sign * slopes, np.zeros(2))))


class ShapeCache:
    """The shapes that held last time, by part of the pulse: a search begins with them while an average grows.

    Of twice as many pulses less noise may show another shape: then all are tried again.
    errors: of the same average, to flag those that widen.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, list[ShapeFit]]] = {}
        self.errors = WiderErrors()

    def get(self, part: int, pulses: int) -> list[ShapeFit] | None:
        """What held for about so many pulses of the same average; None if that is not known."""
        since, fits = self._kept.get(part, (0, []))
        return fits if since <= pulses < 2 * since else None

    def last(self, part: int) -> list[ShapeFit]:
        """What held when all were tried last, for however many pulses."""
        return self._kept.get(part, (0, []))[1]

    def keep(self, part: int, pulses: int, fits: list[ShapeFit]) -> None:
        """Those that held when all were tried."""
        self._kept[part] = pulses, fits


class ShapeEstimator:
    """Improves what `LocalEstimator` has found, quantity by quantity."""

    def __init__(
        self, pulse: Pulse, local: LocalEstimator, shapes: ShapeCache | None = None
    ) -> None:
        self._pulse, self._local, self._shapes = pulse, local, shapes or ShapeCache()

    def found(self) -> dict[str, Found]:
        """Every quantity by name."""
        found = self._local.found()
        found |= self._part(found, RISE, self._rise_curves, self._read_rise)
        found |= self._part(found, FALL, self._fall_curves, self._read_fall)
        return found

    def _part(
        self,
        local: Mapping[str, Found],
        names: tuple[str, ...],
        curves: Callable[[], tuple[list[_Curve], str]],
        read: Callable[[_Curve], dict[str, _Point | None]],
    ) -> dict[str, Found]:
        """The quantities `names` of rise or fall."""
        holding, why_not = curves()
        if not holding:
            return {name: _noting(local[name], why_not) for name in names}
        readings = [read(curve) for curve in holding]
        return {
            name: _checked_against_local(
                local[name], _averaged(holding, [r[name] for r in readings]), holding
            )
            for name in names
        }

    def _rise_curves(self) -> tuple[list[_Curve], str]:
        pulse = self._pulse
        low, high = self._local.rise.pilots
        parts = [slice(pulse.layout.lo, pulse.layout.hi)]
        if pulse.layout.base.stop:
            parts.insert(0, pulse.layout.base)
        return self._curves(pulse.z, parts, pulse.layout.u0, low, high, 1)

    def _fall_curves(self) -> tuple[list[_Curve], str]:
        pulse = self._pulse
        low, high = self._local.fall.pilots
        parts = [slice(pulse.layout.after, pulse.z.size)]
        return self._curves(-pulse.z, parts, pulse.layout.u1, low, high, -1)

    def _curves(
        self, z: Array, parts: list[slice], edge: float, low: float, high: float, sign: int
    ) -> tuple[list[_Curve], str]:
        """Those that hold and have a weight, the best first; or none, and why."""
        pulse = self._pulse
        if not (np.isfinite(low) and np.isfinite(high)):
            return [], ""
        if high - low < _FEW_BINS:
            return [], "too few bins in the transition for a shape"
        if Flag.DRIFT in pulse.flags:
            return [], "no shape is fitted where the baseline drifts"
        cells = Cells.of(z, pulse.variance, parts, edge, low, high)
        pulses = pulse.pulses
        known = self._shapes.get(sign, pulses)
        if known == []:
            return [], "no shape held"
        best = _with_weight(refit(cells, known or [], high - low))
        if not best:
            tried = fit_families(cells, low, high, sign > 0, pulse.delay)
            if not tried:
                return [], "no shape can be fitted"
            # A search may miss a shape that was found before, and holds as it has.
            best = _with_weight(tried) or _with_weight(
                refit(cells, self._shapes.last(sign), high - low)
            )
            self._shapes.keep(sign, pulses, best)
            if not best:
                near = tried[0]
                return [], f"no shape holds (nearest: {near.shape.name}, chi2 {_per_freedom(near)})"
        main = parts[-1]
        inside = cells.edges[(cells.edges >= main.start) & (cells.edges < main.stop - 0.5)]
        grid = np.sort(np.concatenate((inside, inside[:-1] + _GRID * np.diff(inside))))
        return [_Curve(fit, pulse, grid, sign) for fit in best], ""

    def _read_rise(self, curve: _Curve) -> dict[str, _Point | None]:
        o, u0 = self._pulse.options, self._pulse.layout.u0
        low, high = curve.crossing(o.low), curve.crossing(o.high)
        a, b = (curve.crossing(level) for level in o.tangent)
        back = o.tangent[0] / (o.tangent[1] - o.tangent[0])
        settled = curve.settled(o.settle_band)
        return {
            "onset": low and low.minus(u0),
            "delay": a and b and (a - (b - a).scaled(back)).minus(u0),
            "rise": low and high and high - low,
            "response": high and high.minus(u0),
            "settling": settled and settled.minus(u0),
            "overshoot": curve.overshoot(),
        }

    def _read_fall(self, curve: _Curve) -> dict[str, _Point | None]:
        o = self._pulse.options
        first, last = curve.crossing(o.high), curve.crossing(o.low)
        one_over_e = curve.crossing(float(np.exp(-1)))
        return {
            "fall": first and last and last - first,
            "decay": one_over_e and one_over_e.minus(self._pulse.layout.u1),
        }


def _with_weight(tried: list[ShapeFit]) -> list[ShapeFit]:
    """Of fits, best first, those that hold and count for something."""
    holding = [fit for fit in tried if fit.holds]
    least = 2 * np.log(NEGLIGIBLE)
    return [fit for fit in holding if holding[0].criterion - fit.criterion > least]


def _averaged(
    curves: list[_Curve], points: list[_Point | None]
) -> tuple[float, float, float] | None:
    """Value and standard error over curves by Akaike weight (Burnham and Anderson 2002, eq. 4.9), and that of the best
    curve alone, which is its Cramér-Rao bound: the covariance is the inverse of the Fisher information. None where one
    does not have it."""
    known = [point for point in points if point is not None]
    if len(known) < len(points):
        return None
    criteria = np.array([curve.fit.criterion for curve in curves])
    weights = np.exp(-(criteria - criteria.min()) / 2)
    weights /= weights.sum()
    values = np.array([point.value for point in known])
    errors = np.array([c.error(point) for c, point in zip(curves, known, strict=True)])
    value = float(weights @ values)
    return value, float(weights @ np.sqrt(errors**2 + (values - value) ** 2)), float(errors[0])


def _checked_against_local(
    local: Found, shape: tuple[float, float, float] | None, curves: list[_Curve]
) -> Found:
    """The shape's result unless the local one, where that is to be trusted, speaks against it."""
    if shape is None:
        return local
    value, se, bound = shape
    name = curves[0].fit.shape.name
    if len(curves) > 1:
        name += (
            f", averaged with {len(curves) - 1} other shapes"
            if len(curves) > 2
            else ", averaged with another shape"
        )
    method = f"{name}, chi2 {_per_freedom(curves[0].fit)}"
    if np.isfinite(local.value) and local.steep:
        spread = np.sqrt(max(local.se**2 - se**2, (_SLACK * max(local.se, se)) ** 2))
        if abs(value - local.value) > _AGREE * spread:
            return _noting(
                local, f"{name} differs by {abs(value - local.value) / spread:.1f} sigma"
            )
    if not np.isfinite(local.value) and not local.reason.startswith("too noisy"):
        return local  # there is nothing to be seen, which a curve may miss
    return replace(local, value=value, se=se, reason="", steep=True, method=method, bound=bound)


def _noting(found: Found, why: str) -> Found:
    """With why no shape was taken."""
    if not why or not np.isfinite(found.value):
        return found
    return replace(found, method=f"{found.method}: {why}")


def _per_freedom(fit: ShapeFit) -> str:
    return f"{fit.chi2 / fit.freedom:.2f}"
