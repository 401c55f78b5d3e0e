"""One even piece of waveform from what a file holds: segments averaged, gaps and uneven samples filled in."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.waveforms import Channel, Waveforms
from trelscope.host.measure.evenly import Even, evenly, is_even
from trelscope.host.measure.stack import stack
from trelscope.host.units import format_si

Array = NDArray[np.float64]

FEWEST = 16
"""Samples that a measurement needs."""
_SAME = 0.01  # of a step, by which those of two segments may differ


@dataclass(frozen=True, eq=False)
class Piece:
    """t: (n,) s on the file's axis. y: (1 or 2, n): light, and drive if there is one. se: of y, nan where unknown.

    widen: (n,) factor on the error of a sample, see `evenly`. segments: how many were averaged.
    """

    t: Array
    y: Array
    se: Array
    widen: Array
    segments: int
    how: tuple[str, ...]

    @property
    def dt(self) -> float:
        """s between samples."""
        return float(self.t[-1] - self.t[0]) / (self.t.size - 1)


def piece_of(waveforms: Waveforms, light: Channel, drive: Channel | None, counted: bool) -> Piece:
    """Raises Unreadable where too little is left."""
    assert waveforms.t is not None
    y = np.array([c.values for c in (light, drive) if c is not None])
    ends = [0, *waveforms.breaks, waveforms.t.size]
    evens, how = [], []
    missing = int(np.count_nonzero(~np.isfinite(y).all(axis=0)))
    if missing:
        how.append(f"left out: {missing} samples without a number")
    for a, b in pairwise(ends):
        t = waveforms.t[a:b]
        known = int(np.count_nonzero(np.isfinite(y[:, a:b]).all(axis=0)))
        if np.unique(t).size < FEWEST or known < FEWEST:
            raise Unreadable(
                f"has {known} samples in a row, too few to be measured; {FEWEST} are needed"
            )
        even = evenly(t, y[:, a:b])
        if not is_even(t[np.isfinite(y[:, a:b]).all(axis=0)]) and not counted:
            step = format_si(float(even.t[1] - even.t[0]), "s")
            how.append(
                f"samples are not evenly spaced: laid on a grid of {step} by linear interpolation, with errors that"
                " leave means as precise as the samples make them"
            )
        elif not is_even(t[np.isfinite(y[:, a:b]).all(axis=0)]):
            raise Unreadable(
                "has bins of photons that are not evenly spaced; save the histogram as it was counted"
            )
        evens.append(even)
    first = evens[0]
    steps = [float(even.t[1] - even.t[0]) for even in evens]
    dt = float(first.t[-1] - first.t[0]) / (first.t.size - 1)
    how.append(
        f"{first.t.size} samples, {format_si(dt, 's')} apart, from {format_si(float(first.t[0]), 's')} on"
    )
    if len(evens) == 1:
        nothing = np.full(first.y.shape, np.nan)
        return Piece(first.t, first.y, nothing, first.widen, 1, tuple(how))
    if max(steps) - min(steps) > _SAME * min(steps):
        raise Unreadable(
            "has segments that were sampled at different rates; save one of them alone"
        )
    return _averaged(evens, dt, tuple(how))


def _averaged(evens: list[Even], dt: float, how: tuple[str, ...]) -> Piece:
    """Segments laid over one another by their own times, which are from their triggers."""
    begin = max(float(even.t[0]) for even in evens)
    at = [(begin - float(even.t[0])) / dt for even in evens]
    whole = [round(each) for each in at]
    after = min(even.t.size - 1 - w for even, w in zip(evens, whole, strict=True))
    if after < FEWEST:
        raise Unreadable("has segments that do not overlap in time; save one of them alone")
    both = stack([even.y for even in evens], at, 0, after)
    n = both.k.size
    widen = np.max([even.widen[w : w + n] for even, w in zip(evens, whole, strict=True)], axis=0)
    said = f"{len(evens)} segments averaged by their triggers; the noise is their scatter"
    return Piece(begin + both.k * dt, both.mean, both.se, widen, len(evens), (*how, said))
