"""Pulses in a waveform that says nothing of them: where each begins and ends."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure import noise

Array = NDArray[np.float64]

_CLEAR = 10.0  # standard deviations of a smoothed sample between the two levels
_APART = 2.8  # standard deviations of what is near each level: noise alone makes 2.2, a ramp 3.5
_LOW, _HIGH = 0.3, 0.7  # parts of the step that have to be passed
_RARE = 0.3  # of the time: a level that holds for less is that of the pulse
_NEAR_ZERO = 0.25  # of the other level: a level this close to 0 is the dark one
_LEAVES = (
    4.0,
    0.02,
)  # standard deviations, and part of the step: where light is seen to leave a level
_SHARE, _BASE = (
    0.7,
    8,
)  # part of the dark that belongs to the pulse before it; samples of a baseline
_SMOOTHEST = 32  # samples at least that are left of a waveform's length over the smoothing


@dataclass(frozen=True)
class Span:
    """One pulse, in samples: where it leaves the baseline, is half-way up, begins to fall, is half-way down.

    nan where the record does not show it. left, right: what of the record belongs to the pulse.
    """

    begin: float
    rise: float
    stop: float
    fall: float
    left: int
    right: int

    @property
    def whole(self) -> bool:
        """Whether both edges are in the record."""
        return bool(np.isfinite(self.rise) and np.isfinite(self.fall))


@dataclass(frozen=True, eq=False)
class Train:
    """base, top: levels as the signal has them. spans: in the order of time."""

    base: float
    top: float
    spans: tuple[Span, ...]

    @property
    def down(self) -> bool:
        """Whether the signal goes down in a pulse."""
        return self.top < self.base

    def best(self) -> tuple[Span, ...]:
        """Those of which the record shows most: both edges, or the rise, or the fall."""
        whole = tuple(span for span in self.spans if span.whole)
        rises = tuple(span for span in self.spans if np.isfinite(span.rise))
        return whole or rises or self.spans


def train_of(y: Array, upright: bool = False) -> Train | str:
    """The pulses in a waveform (n,); or why there are none. upright: more signal is more light, without asking."""
    found = _smoothed(y)
    if found is None:
        return "no step stands out from the noise"
    smooth, size, low, high = found
    down = not upright and _is_down(smooth, low, high)
    base, top = (high, low) if down else (low, high)
    z = (smooth - base) / (top - base)
    clear = max(_LEAVES[0] * noise.quick(y) / np.sqrt(size) / abs(top - base), _LEAVES[1])
    ups, downs = _passes(z)
    return Train(base, top, tuple(_spans(z, ups, downs, clear)))


def _smoothed(y: Array) -> tuple[Array, int, float, float] | None:
    """The waveform over as many samples as it takes to tell its levels, how many that are, and the levels."""
    spread = noise.quick(y)
    size = 1
    while y.size >= _SMOOTHEST * size or size == 1:
        padded = np.pad(y, (size // 2, size - 1 - size // 2), mode="edge")
        smooth = np.convolve(padded, np.full(size, 1 / size), "valid")
        low, high = float(smooth.min()), float(smooth.max())
        for _ in range(2):
            middle = (low + high) / 2
            above = smooth > middle
            if above.all() or not above.any():
                break
            low, high = float(np.median(smooth[~above])), float(np.median(smooth[above]))
        if high - low > _CLEAR * spread / np.sqrt(size) and _apart(smooth, low, high):
            return np.asarray(smooth), size, low, high
        size = 2 * size + 1
    return None


def _apart(smooth: Array, low: float, high: float) -> bool:
    """Whether these are two levels, and not the halves of one."""
    above = smooth > (low + high) / 2
    if above.all() or not above.any():
        return False
    near = np.where(above, high, low)
    return high - low > _APART * float(np.sqrt(np.mean((smooth - near) ** 2)))


def _is_down(smooth: Array, low: float, high: float) -> bool:
    above = smooth > (low + high) / 2
    part = float(above.mean())
    if part < _RARE:
        return False
    edges = np.flatnonzero(np.diff(above))
    if part > 1 - _RARE and edges.size > 1 and above[0]:
        return True
    return abs(high) < _NEAR_ZERO * abs(low)


def _passes(z: Array) -> tuple[list[float], list[float]]:
    """Where it goes up and down through a half, having passed both thresholds."""
    state = np.zeros(z.size, np.int8)
    state[z >= _HIGH], state[z <= _LOW] = 1, -1
    known = np.flatnonzero(state)
    ups: list[float] = []
    downs: list[float] = []
    for a, b in pairwise(known.tolist()):
        if state[a] == state[b]:
            continue
        part = z[a : b + 1] if state[b] > 0 else 1 - z[a : b + 1]
        k = int(np.argmax(part >= 0.5))
        at = a + k - (part[k] - 0.5) / (part[k] - part[k - 1]) if k else float(a)
        (ups if state[b] > 0 else downs).append(float(at))
    return ups, downs


def _spans(z: Array, ups: list[float], downs: list[float], clear: float) -> list[Span]:
    nan = float("nan")
    pairs: list[tuple[float, float]] = []
    if downs and (not ups or downs[0] < ups[0]):
        pairs.append((nan, downs[0]))
    for rise in ups:
        pairs.append((rise, next((fall for fall in downs if fall > rise), nan)))
    begins = [_begin(z, rise, clear) for rise, _ in pairs]
    spans = []
    for k, (rise, fall) in enumerate(pairs):
        before = pairs[k - 1][1] if k else nan
        after = pairs[k + 1][0] if k + 1 < len(pairs) else nan
        # Of the dark in between, the last part is the baseline of the pulse that follows.
        left = 0
        if np.isfinite(before):
            left = int(max(before, min(before + _SHARE * (rise - before), begins[k] - _BASE)))
        right = int(fall + _SHARE * (after - fall)) if np.isfinite(after) else z.size
        spans.append(Span(begins[k], rise, _stop(z, rise, fall, clear), fall, left, right))
    return spans


def _begin(z: Array, rise: float, clear: float) -> float:
    """Where the light leaves the baseline, rather too early than too late."""
    if not np.isfinite(rise):
        return rise
    k = int(rise)
    dark = np.flatnonzero(z[: k + 1] <= clear)
    left = float(dark[-1]) if dark.size else 0.0
    fifth = np.flatnonzero(z[: k + 1] <= 0.2)
    line = rise - 2 * (rise - float(fifth[-1] if fifth.size else 0.0))
    return max(min(left, line) - 1.0, 0.0)


def _stop(z: Array, rise: float, fall: float, clear: float) -> float:
    """Where the light begins to fall, rather too early than too late."""
    if not np.isfinite(fall):
        return fall
    first = int(rise) if np.isfinite(rise) else 0
    k = int(fall)
    high = np.flatnonzero(z[first : k + 1] >= 0.8) + first
    line = fall - 2.5 * (fall - float(high[-1] if high.size else first))
    steady = z[first + (k - first) // 2 : max(int(line), first + (k - first) // 2 + 1)]
    full = np.flatnonzero(z[first : k + 1] >= float(np.median(steady)) - clear) + first
    return max(min(line, float(full[-1] if full.size else k)) - 1.0, (first + fall) / 2)
