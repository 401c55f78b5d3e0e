"""Quantities of a pulse without a model: local polynomials at every level, and what the noise lets one see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.crossings import Crossing, Goal, Sums, Transition, crossings, pilot
from trelscope.host.measure.found import NOISY, Found
from trelscope.host.measure.pulse import Pulse
from trelscope.host.measure.quantities import NONE, Flag

Array = NDArray[np.float64]

METHOD = "local polynomial"

_STEEP = 6.0  # a slope of fewer standard errors: its error is not linear in the noise
_FEW_BINS = 4.0  # a transition shorter than this many bins: BANDWIDTH_LIMITED
_HALF_BIN = 0.25  # bins^2: variance of an instant somewhere between two bins
_RESOLVED = 0.3  # groups must be shorter than this part of the rise to see ringing
_SMOOTH = 8.0  # settling is looked for in groups whose error is the band over this
_PEAK_GROUPS = (
    12.0  # the widest groups whose means are looked at for an extreme: so many in a transition
)
_PLAIN = 50.0  # standard errors at which an extreme needs no averaging over more bins
_BACK, _BACK_SE = 0.3, 0.05  # parts of A: "back again", and what its noise may be
_SEEN = 4.0  # standard errors above which an extreme is no accident


@dataclass(frozen=True, eq=False)
class Instant:
    """u: bins, and its derivatives, bins per A: by bins of z from `start` on, weights (k,); by_base and by_top, by the
    levels. variance: bins^2, what comes on top of their noise. steep: whether the slope there stands clear of noise."""

    u: float
    start: int = 0
    weights: Array = field(default_factory=lambda: np.zeros(0))
    by_base: float = 0.0
    by_top: float = 0.0
    variance: float = 0.0
    steep: bool = True

    def plus(self, factor: float, other: "Instant") -> "Instant":
        """The sum of this and `factor` times another; they may share bins."""
        parts = [(self, 1.0), (other, factor)]
        parts = [(part, times) for part, times in parts if part.weights.size]
        start = min((part.start for part, _ in parts), default=0)
        end = max((part.start + part.weights.size for part, _ in parts), default=0)
        weights = np.zeros(end - start)
        for part, times in parts:
            first = part.start - start
            weights[first : first + part.weights.size] += times * part.weights
        return Instant(
            self.u + factor * other.u,
            start,
            weights,
            self.by_base + factor * other.by_base,
            self.by_top + factor * other.by_top,
            self.variance + factor**2 * other.variance,
            self.steep and other.steep,
        )


@dataclass(frozen=True, eq=False)
class TransitionInstants:
    """Instants by level (part of A); pilots: bins, of the first and the last level passed, nan if not."""

    at: dict[float, Instant]
    pilots: tuple[float, float]
    reason: str = ""
    short: bool = False

    @property
    def flags(self) -> tuple[Flag, ...]:
        return (Flag.BANDWIDTH_LIMITED,) * self.short


class LocalEstimator:
    """Measures a pulse whose levels are known. Standard errors are first-order propagation of the per-bin errors
    through every step (polynomials, baseline and top, which share bins), taking bins as independent."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse, self._sums = pulse, Sums.of(pulse.z, pulse.variance)
        self._start, self._end = Instant(pulse.layout.u0), Instant(pulse.layout.u1)
        o = pulse.options
        up = None
        if pulse.layout.rises:
            up = self._way(pulse.layout.lo, self._top_start(), 1, (o.low, *o.tangent, o.high))
        down = self._way(pulse.layout.after, pulse.z.size, -1, (o.high, np.exp(-1), o.low))
        entry = self._entry(up)
        goals = [goal for way in (up, down) if way for goal in way.goals]
        goals += [entry] if isinstance(entry, Goal) else []
        found = dict(zip(goals, crossings(self._sums, goals), strict=True))
        wider = {}
        for way in (up, down):
            for goal in way.goals if way else []:
                other = way.wider(goal) if way and not found[goal] else None
                if other:
                    wider[goal] = other
        if wider:
            found |= zip(wider, crossings(self._sums, list(wider.values())), strict=True)
        self.rise, self.fall = self._transition(up, found, 1), self._transition(down, found, -1)
        self._entered = found[entry] if isinstance(entry, Goal) else entry

    def found(self) -> dict[str, Found]:
        """Every quantity by name; durations from the drive edges without the detector's delay."""
        o, rise, fall = self._pulse.options, self.rise, self.fall
        low, high = rise.at.get(o.low), rise.at.get(o.high)
        scale = (
            high.u - (low.u if low else self._pulse.layout.u0) if high else self._pulse.layout.width
        )
        found = {
            "onset": self._between(self._start, low, scale, rise),
            "delay": self._delay(rise, scale),
            "response": self._between(self._start, high, scale, rise),
            "rise": self._between(low, high, scale, rise),
            "settling": self._settling(low, high),
        }
        first, last = fall.at.get(o.high), fall.at.get(o.low)
        scale = last.u - first.u if first and last else self._pulse.layout.width
        found["fall"] = self._between(first, last, scale, fall)
        found["decay"] = self._between(self._end, fall.at.get(np.exp(-1)), scale, fall)
        found["overshoot"] = self._peak(self._pulse.layout.lo, self._top_start(), rise, "the top")
        found["spike"] = self._peak(
            self._pulse.layout.after, self._pulse.z.size, fall, "the top again"
        )
        return found

    def _top_start(self) -> int:
        return int(self._pulse.layout.top.start)

    def _way(self, lo: int, hi: int, sign: int, levels: tuple[float, ...]) -> Transition | None:
        """A rise (sign 1) or fall (-1) within bins lo … hi-1; None where they are too few."""
        if hi - lo < 5:
            return None
        return Transition.of(
            self._pulse.z, lo, hi, np.array(sorted(levels, reverse=sign < 0)), sign
        )

    def _transition(
        self, way: Transition | None, found: Mapping[Goal, Crossing | None], sign: int
    ) -> TransitionInstants:
        """What has been found of a rise or fall."""
        if way is None and sign > 0 and not self._pulse.layout.rises:
            reason = "the window begins after the drive edge"
            return TransitionInstants({}, (np.nan, np.nan), reason)
        if way is None:
            where = "after the drive edge" if sign > 0 else "after the pulse: the window ends"
            return TransitionInstants({}, (np.nan, np.nan), f"too few bins {where}", sign > 0)
        if self._turns_back(way):
            what = (
                "the light goes out again within the pulse: is it more than one?"
                if sign > 0
                else "the light comes back after the pulse: the window shows more than one"
            )
            return TransitionInstants({}, (np.nan, np.nan), what)
        at, levels = way.at.tolist(), way.levels.tolist()
        pilots = at[0], at[-1]
        if np.isnan(at[-1]) or way.hi - at[-1] < 3:
            last = levels[-1] if sign > 0 else 1 - levels[-1]
            reason = f"light does not reach {last:.0%} inside the window; lengthen it".replace(
                "%", " %"
            )
            return TransitionInstants({}, pilots, reason)
        crossed = [found[goal] for goal in way.goals]
        first, last = crossed[0], crossed[-1]
        span = last.u - first.u if first and last else at[-1] - at[0]
        short = bool(span < _FEW_BINS)
        # A polynomial through so few bins knows nothing of a step within one of them.
        within = _HALF_BIN * max(1 - abs(span) / _FEW_BINS, 0.0) ** 2
        reason = f"{NOISY}: the slope at the crossing is lost in noise"
        instants = {}
        early = sign > 0 and self._before_the_edge(levels[0])
        if early:
            reason = f"light passes {levels[0]:.0%} before the drive edge".replace("%", " %")
        for level, c, guess in zip(levels, crossed, at, strict=True):
            if early and guess < way.lo:
                continue
            if c is not None:
                instants[level] = replace(self._instant(c, level), variance=within)
            elif short:  # no window fits in: between two bins, known to half a bin
                instants[level] = Instant(guess, variance=_HALF_BIN)
        return TransitionInstants(instants, pilots, reason, short)

    def _turns_back(self, way: Transition) -> bool:
        """Whether the light, after most of a transition, is back at where it came from."""
        noise = float(self._pulse.variance[way.lo : way.hi].mean())
        size = max(1, int(np.ceil(noise / _BACK_SE**2)))
        groups = (way.hi - way.lo) // size
        if groups < 3:
            return False
        z = self._means(way.lo, way.lo + groups * size, size)
        progress = z if way.sign > 0 else 1 - z
        there = np.flatnonzero(progress > 1 - _BACK)
        return there.size > 0 and bool(np.any(progress[there[0] :] < _BACK))

    def _before_the_edge(self, level: float) -> bool:
        """Whether the light has passed a level of A in the last bins before the drive edge."""
        pulse, stop = self._pulse, int(self._pulse.layout.base.stop)
        if stop == 0:
            return False
        noise = float(pulse.variance[:stop].mean())
        size = min(max(1, int(np.ceil(noise * (_SEEN / level) ** 2))), stop)
        return bool(pulse.z[stop - size : stop].mean() > level)

    def _instant(self, c: Crossing, level: float) -> Instant:
        """A crossing of `level` (part of A), which baseline and top move."""
        by_base, by_top = (1 - level) / c.slope, level / c.slope
        steep = c.steepness >= _STEEP
        return Instant(c.u, c.start, c.weights * c.misfit, by_base, by_top, steep=steep)

    def _between(
        self, start: Instant | None, end: Instant | None, scale: float, part: TransitionInstants
    ) -> Found:
        if start is None or end is None:
            return Found(reason=part.reason, flags=part.flags, method=METHOD)
        pulse, gap = self._pulse, end.plus(-1.0, start)
        near = pulse.variance[gap.start : gap.start + gap.weights.size]
        levels = (gap.by_base * pulse.baseline_se) ** 2 + (gap.by_top * pulse.top_se) ** 2
        se = float(np.sqrt(np.sum(gap.weights**2 * near) + levels + gap.variance))
        return Found(gap.u, se, "", part.flags, abs(scale), gap.steep, METHOD)

    def _delay(self, rise: TransitionInstants, scale: float) -> Found:
        """Where the line through the two levels of the tangent meets the baseline."""
        p, q = self._pulse.options.tangent
        if p not in rise.at or q not in rise.at:
            return Found(reason=rise.reason, flags=rise.flags, method=METHOD)
        a, b, back = rise.at[p], rise.at[q], p / (q - p)
        foot = a.plus(back, a.plus(-1.0, b))
        return self._between(self._start, foot, scale, rise)

    def _settling(self, low: Instant | None, high: Instant | None) -> Found:
        """Last entry into the band around the top, or why there is none."""
        pulse, rise = self._pulse, self.rise
        if low is None or high is None:
            return Found(reason=rise.reason, flags=rise.flags, method=METHOD)
        c, reason = self._entered, f"{NOISY}: the slope at the edge of the band is lost in noise"
        if not isinstance(c, Crossing):
            return Found(reason=c or reason, flags=rise.flags, method=METHOD)
        band = pulse.options.settle_band
        settled = self._instant(c, 1 - band if c.slope > 0 else 1 + band)
        return self._between(self._start, settled, settled.u - pulse.layout.u0, rise)

    def _entry(self, rise: Transition | None) -> Goal | str:
        """Into the band around the top for the last time, about; or why there is none."""
        if rise is None or not rise.goals:
            return "no rise"
        pulse, band = self._pulse, self._pulse.options.settle_band
        lo, hi = pulse.layout.lo, pulse.layout.hi
        noise = float(pulse.variance[lo:hi].mean())
        size = max(1, int(np.ceil(noise * (_SMOOTH / band) ** 2)))
        groups = (hi - lo) // size
        if groups < 8 or (size > 1 and size > _RESOLVED * np.ptp(rise.at)):
            return f"{NOISY}: noise over a good part of a rise time exceeds the band"
        begin = hi - groups * size
        z = self._means(begin, hi, size)
        outside = np.flatnonzero(np.abs(z - 1) > band)
        if outside.size == 0:
            return "inside the settling band from the first bins on"
        k = int(outside[-1])
        at = begin + (k + 1) * size - 0.5
        if at >= self._top_start():
            return "not settled: outside the band in the last part of the pulse"
        sign = 1 if z[k] < 1 else -1
        # begin at the extreme since the waveform last passed the top: it only approaches from there
        away = sign * (1 - z[: k + 1])
        passed = np.flatnonzero(away <= 0)
        first = int(passed[-1]) + 1 if passed.size else 0
        lo = begin + (first + int(np.argmax(away[first:]))) * size
        hi = min(int(at + max(at - lo, 8 * size, 16)) + 1, self._top_start())
        level = 1 - sign * band
        at = float(pilot(sign * pulse.z[lo:hi], np.array([sign * level]))[0]) + lo
        if np.isnan(at):
            return f"{NOISY}: the entry into the settling band is lost in noise"
        return Goal(level, at, lo, hi, sign)

    def _means(self, lo: int, hi: int, size: int) -> Array:
        """Of z over groups of `size` bins, which divide lo … hi-1."""
        ends = self._sums.y[lo : hi + 1 : size]
        return np.asarray((ends[1:] - ends[:-1]) / size)

    def _peak(self, lo: int, hi: int, part: TransitionInstants, beyond: str) -> Found:
        """How far the highest of means over a small part of the transition stands above the top, part of A."""
        pulse, (first, last) = self._pulse, part.pilots
        if np.isnan(first) or np.isnan(last):
            return Found(reason=part.reason, flags=part.flags, method=METHOD)
        most = max(1, min(int((last - first) / _PEAK_GROUPS), (hi - lo) // 3))
        if hi - lo < 3:
            return Found(reason="too few bins", flags=part.flags, method=METHOD)
        for size in [2**k for k in range(most.bit_length() - 1)] + [most]:
            groups = (hi - lo) // size
            end = lo + groups * size
            z = self._means(lo, end, size)
            k = int(np.argmax(z))
            near = self._sums.variance[[lo + k * size, lo + (k + 1) * size]]
            variance = (near[1] - near[0]) / size**2
            se = float(np.hypot(np.sqrt(variance), pulse.top_se))
            if z[k] - 1 > _PLAIN * se:
                break  # wider groups would only flatten it
        if z[k] - 1 < _SEEN * se or k == groups - 1:
            none = f"{NONE}: the light does not exceed {beyond}"
            return Found(reason=none, flags=part.flags, method=METHOD)
        return Found(float(z[k] - 1), se, "", part.flags, method=f"highest mean of {size} bins")
