"""Quantities of a pulse without a model: local polynomials at every level, and what the noise lets one see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host.estimate import Crossing, Goal, Sums, crossings, pilot, transition
from host.found import NOISY, Found
from host.pulse import Pulse
from host.quantities import Flag

Array = NDArray[np.float64]

METHOD = "local polynomial"

_STEEP = 6.0  # a slope of fewer standard errors: its error is not linear in the noise
_FEW_BINS = 4.0  # a transition shorter than this many bins: BANDWIDTH_LIMITED
_RESOLVED = 0.3  # groups must be shorter than this part of the rise to see ringing
_SMOOTH = 8.0  # settling is looked for in groups whose error is the band over this
_PEAK_GROUPS = (
    12.0  # the widest groups whose means are looked at for an extreme: so many in a transition
)
_PLAIN = 50.0  # standard errors at which an extreme needs no averaging over more bins
_SEEN = 4.0  # standard errors above which an extreme is no accident


@dataclass(frozen=True, eq=False)
class Instant:
    """u: bins. by_bin: (n,) bins per A, its derivative with respect to every bin of z. variance: bins^2, what comes
    on top of the bins' own noise. steep: whether the slope there stands clear of the noise."""

    u: float
    by_bin: Array
    variance: float = 0.0
    steep: bool = True


@dataclass(frozen=True, eq=False)
class Transition:
    """Instants by level (part of A); pilots: bins, of the first and the last level passed, nan if not."""

    at: dict[float, Instant]
    pilots: tuple[float, float]
    reason: str = ""
    short: bool = False

    @property
    def flags(self) -> tuple[Flag, ...]:
        return (Flag.BANDWIDTH_LIMITED,) * self.short


class Local:
    """Measures a pulse whose levels are known. Standard errors are first-order propagation of the per-bin errors
    through every step (polynomials, baseline and top, which share bins), taking bins as independent."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._start = Instant(pulse.u0, np.zeros(pulse.z.size))
        self._end = Instant(pulse.u1, np.zeros(pulse.z.size))
        o = pulse.options
        self.rise = self._transition(pulse.lo, self._top_start(), 1, (o.low, *o.tangent, o.high))
        self.fall = self._transition(pulse.after, pulse.z.size, -1, (o.high, np.exp(-1), o.low))

    def found(self) -> dict[str, Found]:
        """Every quantity by name; durations from the drive edges without the detector's delay."""
        o, rise, fall = self._pulse.options, self.rise, self.fall
        low, high = rise.at.get(o.low), rise.at.get(o.high)
        scale = high.u - (low.u if low else self._pulse.u0) if high else self._pulse.width
        found = {
            "onset": self._between(self._start, low, scale, rise),
            "delay": self._delay(rise, scale),
            "response": self._between(self._start, high, scale, rise),
            "rise": self._between(low, high, scale, rise),
            "settling": self._settling(low, high),
        }
        first, last = fall.at.get(o.high), fall.at.get(o.low)
        scale = last.u - first.u if first and last else self._pulse.width
        found["fall"] = self._between(first, last, scale, fall)
        found["decay"] = self._between(self._end, fall.at.get(np.exp(-1)), scale, fall)
        found["overshoot"] = self._peak(self._pulse.lo, self._top_start(), rise, "the top")
        found["spike"] = self._peak(self._pulse.after, self._pulse.z.size, fall, "the top again")
        return found

    def _top_start(self) -> int:
        return self._pulse.top.start

    def _transition(self, lo: int, hi: int, sign: int, levels: tuple[float, ...]) -> Transition:
        """Instants at which the rise (sign 1) or fall (-1) within bins lo … hi-1 passes `levels`, in its order."""
        pulse, z = self._pulse, self._pulse.z
        if hi - lo < 5:
            where = "after the drive edge" if sign > 0 else "after the pulse: the window ends"
            return Transition({}, (np.nan, np.nan), f"too few bins {where}", sign > 0)
        way = np.array(levels if sign > 0 else [1 - level for level in levels])
        order = np.argsort(way)
        crossings, at = transition(z if sign > 0 else 1 - z, pulse.variance, lo, hi, way[order])
        pilots = float(at[0]), float(at[-1])
        if np.isnan(at[-1]) or hi - at[-1] < 3:
            reason = f"light does not cover {way.max():.0%} of its way in the window"
            return Transition({}, pilots, reason)
        first, last = crossings[0], crossings[-1]
        span = last.u - first.u if first and last else at[-1] - at[0]
        short = bool(span < _FEW_BINS)
        instants = {}
        for k, c, guess in zip(order, crossings, at.tolist(), strict=True):
            if c is not None:
                instants[levels[k]] = self._instant(c, levels[k], sign)
            elif short:  # no window fits in: between two bins, known to half a bin
                instants[levels[k]] = Instant(guess, np.zeros(z.size), 0.25)
        reason = f"{NOISY}: the slope at the crossing is lost in noise"
        return Transition(instants, pilots, reason, short)

    def _instant(self, c: Crossing, level: float, sign: int) -> Instant:
        """A crossing of `level` (part of A) upward (sign 1) or downward (-1).

        Its derivative includes what baseline and top do to the level.
        """
        pulse = self._pulse
        by_bin = np.zeros(pulse.z.size)
        by_bin[c.start : c.start + c.weights.size] = c.weights * c.misfit
        by_bin[pulse.base] += (1 - level) / c.slope / (pulse.base.stop - pulse.base.start)
        variance = 0.0
        if pulse.own_top:
            by_bin[pulse.top] += level / c.slope / (pulse.top.stop - pulse.top.start)
        else:
            variance = (level / c.slope * pulse.top_se) ** 2
        return Instant(c.u, by_bin * sign, variance, c.steepness >= _STEEP)

    def _between(
        self, start: Instant | None, end: Instant | None, scale: float, part: Transition
    ) -> Found:
        if start is None or end is None:
            return Found(reason=part.reason, flags=part.flags, method=METHOD)
        variance = float(np.sum((end.by_bin - start.by_bin) ** 2 * self._pulse.variance))
        se = float(np.sqrt(variance + start.variance + end.variance))
        steep = start.steep and end.steep
        return Found(end.u - start.u, se, "", part.flags, abs(scale), steep, METHOD)

    def _delay(self, rise: Transition, scale: float) -> Found:
        """Where the line through the two levels of the tangent meets the baseline."""
        p, q = self._pulse.options.tangent
        if p not in rise.at or q not in rise.at:
            return Found(reason=rise.reason, flags=rise.flags, method=METHOD)
        a, b, back = rise.at[p], rise.at[q], p / (q - p)
        foot = Instant(
            a.u - back * (b.u - a.u),
            (1 + back) * a.by_bin - back * b.by_bin,
            (1 + back) ** 2 * a.variance + back**2 * b.variance,
            a.steep and b.steep,
        )
        return self._between(self._start, foot, scale, rise)

    def _settling(self, low: Instant | None, high: Instant | None) -> Found:
        """Last entry into the band around the top, or why there is none."""
        pulse, rise = self._pulse, self.rise
        if low is None or high is None:
            return Found(reason=rise.reason, flags=rise.flags, method=METHOD)
        settled, reason = self._entry(high.u - low.u)
        if settled is None:
            return Found(reason=reason, flags=rise.flags, method=METHOD)
        return self._between(self._start, settled, settled.u - pulse.u0, rise)

    def _entry(self, rise: float) -> tuple[Instant | None, str]:
        """Into the band around the top for the last time; rise in bins."""
        pulse, band = self._pulse, self._pulse.options.settle_band
        lo, hi = pulse.lo, pulse.hi
        noise = float(pulse.variance[lo:hi].mean())
        size = max(1, int(np.ceil(noise * (_SMOOTH / band) ** 2)))
        groups = (hi - lo) // size
        if groups < 8 or (size > 1 and size > _RESOLVED * rise):
            return None, f"{NOISY}: noise over a good part of a rise time exceeds the band"
        begin = hi - groups * size
        z = pulse.z[begin:hi].reshape(groups, size).mean(axis=1)
        outside = np.flatnonzero(np.abs(z - 1) > band)
        if outside.size == 0:
            return None, "inside the settling band from the first bins on"
        k = int(outside[-1])
        at = begin + (k + 1) * size - 0.5
        if at >= self._top_start():
            return None, "not settled: outside the band in the last part of the pulse"
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
            return None, f"{NOISY}: the entry into the settling band is lost in noise"
        sums = Sums.of(sign * pulse.z, pulse.variance)
        (c,) = crossings(sums, [Goal(sign * level, at, lo, hi)])
        if c is None:
            return None, f"{NOISY}: the slope at the edge of the settling band is lost in noise"
        return self._instant(c, level, sign), ""

    def _peak(self, lo: int, hi: int, part: Transition, beyond: str) -> Found:
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
            z = pulse.z[lo:end].reshape(groups, size).mean(axis=1)
            k = int(np.argmax(z))
            variance = pulse.variance[lo + k * size : lo + (k + 1) * size].sum() / size**2
            se = float(np.hypot(np.sqrt(variance), pulse.top_se))
            if z[k] - 1 > _PLAIN * se:
                break  # wider groups would only flatten it
        if z[k] - 1 < _SEEN * se or k == groups - 1:
            return Found(reason=f"none: the light does not exceed {beyond}", method=METHOD)
        return Found(float(z[k] - 1), se, "", part.flags, method=f"highest mean of {size} bins")
