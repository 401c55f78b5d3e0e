"""Pairs of photons of the same pulse, and of pulses near each other, across chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from trelscope.host.photons.chunk import Chunk, Integers, clipped


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The photons of a chunk's whole pulses, behind those of the pulses before it.

    pulse, ns: (n,). fresh: number of the first one of the chunk. pulse_pairs: (lags + 1,) how many of the chunk's
    whole pulses have another whole one so many pulses before.
    """

    pulse: Integers
    ns: Integers
    fresh: int
    pulse_pairs: Integers


class Recent:
    """Remembers the photons of the last `lags` pulses."""

    def __init__(self, lags: int) -> None:
        self._lags = lags
        self._pulse = self._ns = np.empty(0, np.int64)
        self._broken = np.empty((0, 2), np.int64)

    def add(self, chunk: Chunk) -> Neighbours:
        """The chunk's photons with those before."""
        whole = chunk.whole()
        fresh = self._pulse.size
        pulse = np.concatenate((self._pulse, whole.pulse))
        ns = np.concatenate((self._ns, whole.ns))
        broken = np.concatenate((self._broken, chunk.broken))
        oldest = max(chunk.end - self._lags, 0)
        kept = np.searchsorted(pulse, oldest)
        self._pulse, self._ns = pulse[kept:], ns[kept:]
        self._broken = clipped(broken, oldest, chunk.end)
        pulse_pairs = [_whole_pairs(chunk, broken, lag) for lag in range(self._lags + 1)]
        return Neighbours(pulse, ns, fresh, np.array(pulse_pairs, np.int64))


def pairs(pulse: Integers, fresh: int, lags: int) -> Iterator[tuple[Integers, Integers]]:
    """Numbers of the earlier and the later photon of all pairs at most `lags` pulses apart, the later one fresh."""
    for step in count(1):
        begin = max(fresh, step)
        apart = pulse[begin:] - pulse[begin - step : pulse.size - step]
        near = np.flatnonzero(apart <= lags)
        if not near.size:
            return
        yield near + (begin - step), near + begin


def _whole_pairs(chunk: Chunk, broken: Integers, lag: int) -> int:
    """How many pulses of the chunk are whole, and so is the one `lag` before."""
    first = max(chunk.first, lag)
    if first >= chunk.end:
        return 0
    out = clipped(np.concatenate((broken, broken + lag)), first, chunk.end)
    out = out[np.argsort(out[:, 0])]
    # What each range adds to those before it, of which some may overlap.
    past = np.concatenate(([first - 1], np.maximum.accumulate(out[:, 1])))[:-1]
    covered = np.maximum(out[:, 1] - np.maximum(out[:, 0] - 1, past), 0)
    return chunk.end - first - int(covered.sum())
