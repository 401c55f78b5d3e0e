"""Lifetimes of the light in an averaged trace, after the drive's falling edge."""

from dataclasses import dataclass, replace

import numpy as np

from trelscope.host.decay.data import FitData
from trelscope.host.decay.fit import MAX_ORDER, choose
from trelscope.host.decay.result import Array, Decay, Key, Value, unmeasured
from trelscope.host.measure.trace import Trace, unfit

_CLEAR = 5.0  # standard errors by which the light must fall
_GROSS = 0.01  # of the fall, rms over the bins: another shape
_PLATEAU = 0.1  # of the pulse: what counts as the level before the edge
_VAGUE = 10.0  # of t0's standard error, which is about half of noise over slope
_DARK = 4  # bins before the pulse that say which way light goes
_LATE = 0.2  # of the time after the edge, within which the light begins to fall


@dataclass(frozen=True, eq=False)
class _Fall(FitData):
    """t, level and its standard error (n,) around the end of a steady light; amounts are levels, in V.

    The model is continuous in t0 and its slope nearly so: one cell.
    """

    t: Array
    level: Array
    se: Array
    response: float
    early: float
    late: float

    steady = True

    @property
    def y(self) -> Array:
        return self.level

    @property
    def grid(self) -> tuple[Array, Array]:
        return self.t, np.diff(self.t)

    @property
    def cells(self) -> Array:
        return np.array((self.early, self.late))

    @property
    def floors(self) -> tuple[float, float]:
        return 1e-9 * float(np.ptp(self.level)), -np.inf

    @property
    def guesses(self) -> tuple[float, float]:
        return 1e-3 * float(np.ptp(self.level)), -np.inf

    @property
    def initial_weights(self) -> Array:
        return 1 / self.se**2

    @property
    def observations(self) -> float:
        return float(self.level.size)

    @property
    def material(self) -> str:
        return f"{self.level.size} bins of this noise"

    def observe(self, values: Array) -> Array:
        return values

    @property
    def flat(self) -> Array:
        return np.ones(self.t.size)

    @property
    def given(self) -> float:
        return 0.0

    def weight(self, mean: Array) -> Array:
        return 1 / self.se**2

    def deviance(self, mean: Array) -> float:
        return float((((self.level - mean) / self.se) ** 2).sum())

    def moments(self, mean: Array, jac: Array, covariance: Array) -> tuple[float, float]:
        free = self.level.size - jac.shape[1]
        return float(free), float(np.sqrt(2 * free))

    def gross(self, amounts: Array) -> float:
        return float(((_GROSS * amounts.sum() / self.se) ** 2).sum())


def falls(light: Trace, width: float) -> bool:
    """Whether there is light until the drive's falling edge, `width` (s) after 0, that goes out then."""
    if unfit(light, width) or _reason_unfit(light, width):
        return False
    return _Levels.of(light, width).clear


def fit_fall(light: Trace, width: float, response: float = 0.0, order: Key | None = None) -> Decay:
    """Fit one to three exponentials, or a stretched one, to the light after the drive's falling edge.

    light: its noise Gaussian, with the standard error of each bin. width: s, of the drive pulse,
    which began at 0. response: s, time constant of the detector. order: as in `fit_decay`. The
    light before the edge counts as steady, and the drive's own fall as sudden; t0 is the moment at
    which the light begins to fall, up to a fifth of the time shown after the edge.
    """
    reason = unfit(light, width) or _reason_unfit(light, width)
    if not (np.isfinite(response) and response >= 0):
        reason = reason or "the response is not a time"
    if order not in (None, "stretched", *range(1, MAX_ORDER + 1)):
        reason = reason or f"{order} exponentials: 1 to {MAX_ORDER} can be fitted"
    if reason:
        return unmeasured(reason)
    levels = _Levels.of(light, width)
    if not levels.clear:
        return unmeasured("the light does not fall after the drive's edge")
    t, y, top, drop = levels.t, levels.y, levels.top, levels.drop
    low = np.flatnonzero((t >= width) & (y < top - drop * (1 - np.exp(-1))))
    life = max(float(t[low[0]]) - width, float(t[1] - t[0]))
    late = width + _LATE * float(t[-1] - width)
    bin = float(t[1] - t[0])
    vague = (
        _VAGUE * float(levels.se.mean()) / drop * np.sqrt(bin * life)
    )  # how well the noise lets t0 be known
    data = _Fall(t, y, levels.se, response, width - bin - response - vague, late)
    fit = choose(data, width, life, order, 1.0, 0)
    return _inverted(fit) if levels.down and not fit.reason else fit


@dataclass(frozen=True, eq=False)
class _Levels:
    """The end of a pulse and what follows: t (n,) s, y (n,), se (n,), the light upright.

    top: mean before the edge. drop: what the light falls by. noise: of the drop, its standard error. down: the light
    was turned over, as an inverted detector had it.
    """

    t: Array
    y: Array
    se: Array
    top: float
    drop: float
    noise: float
    down: bool

    @classmethod
    def of(cls, light: Trace, width: float) -> "_Levels":
        used = light.t >= (1 - _PLATEAU) * width
        t, y, se = light.t[used], light.y[used], light.se[used]
        before = t < width
        tail = y[-max(y.size // 20, 4) :]
        dark = light.y[light.t < 0]
        down = float(y[before].mean()) < float((dark if dark.size >= _DARK else tail).mean())
        if down:
            y, tail = -y, -tail
        top = float(y[before].mean())
        noise = float(
            np.hypot(se[before].mean() / np.sqrt(before.sum()), se.mean() / np.sqrt(tail.size))
        )
        return cls(t, y, se, top, top - float(tail.mean()), noise, down)

    @property
    def clear(self) -> bool:
        return self.drop >= _CLEAR * self.noise


def _inverted(fit: Decay) -> Decay:
    """Of light that has been turned over."""

    def over(value: Value) -> Value:
        return replace(value, value=-value.value)

    components = tuple(replace(each, amplitude=over(each.amplitude)) for each in fit.components)
    return replace(fit, components=components, background=over(fit.background))


def _reason_unfit(light: Trace, width: float) -> str:
    """Why a trace cannot be fitted at all, or ""."""
    bad = int(np.count_nonzero(~(np.isfinite(light.se) & (light.se > 0))))
    if bad:
        return f"{bad} of {light.t.size} bins have no standard error: average more frames"
    before = np.count_nonzero((light.t < width) & (light.t >= (1 - _PLATEAU) * width))
    if before < 4 or np.count_nonzero(light.t > width) < 16:
        return "the window does not hold the drive's falling edge and what follows"
    return ""
