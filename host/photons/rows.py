"""Counts along a train: by range of pulses, in constant memory however long it runs."""

import numpy as np
from numpy.typing import NDArray

from trelscope.host.photons.chunk import Chunk, Integers


class Rows:
    """A table of `columns` counts for every so many pulses. Where it would grow beyond `limit` rows, each two
    neighbours become one: from limit / 2 rows on, there are always at least as many.
    """

    def __init__(self, columns: int, limit: int = 64, pulses: int = 1) -> None:
        """limit: even. pulses: that a row covers at first."""
        self.pulses = pulses
        self._limit = limit
        self._counts = np.zeros((limit, columns), np.int64)
        self._whole = np.zeros(limit, np.int64)
        self._end = 0

    @property
    def used(self) -> int:
        """Number of rows that the train has reached."""
        return -(-self._end // self.pulses)

    @property
    def counts(self) -> Integers:
        """(used, columns)."""
        return self._counts[: self.used]

    @property
    def whole(self) -> Integers:
        """(used,) pulses of each row whose photons are all known."""
        return self._whole[: self.used]

    def cover(self, chunk: Chunk) -> None:
        """Take notice of the pulses of a chunk; to be called before `add`."""
        self._end = max(self._end, chunk.end)
        while self._end > self._limit * self.pulses:
            self._merge()
        self._add_range(chunk.first, chunk.end, 1)
        for first, last in chunk.broken:
            self._add_range(int(first), int(last) + 1, -1)

    def add(self, pulse: Integers, column: Integers | int, by: Integers | int = 1) -> None:
        """Add to a column of each pulse's row."""
        place = pulse // self.pulses * self._counts.shape[1] + column
        np.add.at(self._counts.reshape(-1), place, by)

    def _add_range(self, first: int, end: int, by: int) -> None:
        if end > first:
            rows = np.arange(first // self.pulses, (end - 1) // self.pulses + 2)
            edges = np.clip(rows * self.pulses, first, end)
            self._whole[rows[0] : rows[-1]] += by * (edges[1:] - edges[:-1])

    def _merge(self) -> None:
        self.pulses *= 2
        half = self._limit // 2
        for table in (self._counts, self._whole):
            table[:half] = table[0::2] + table[1::2]
            table[half:] = 0


def spread(*influences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative standard error of a product of sums, of whose factors the rows' shares, each (rows, n) or (rows, 1), are
    given with the factor's power: sum of what each row adds to the logarithm, squared (the jackknife's first order).
    """
    total = sum(influences)
    rows = len(influences[0])
    if rows < 2:
        return np.full(np.shape(total)[1:], np.nan)
    return np.asarray(np.sqrt(rows / (rows - 1) * np.sum(np.square(total), axis=0)))
