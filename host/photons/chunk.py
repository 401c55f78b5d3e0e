"""A piece of a stream: every stamp that there will ever be of some pulses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Why(StrEnum):
    """Why photons have no stamp."""

    MISSED = "missed"  # the instrument's queue was full
    LOST = "lost"  # on the link


@dataclass(frozen=True)
class Gap:
    """`photons` without a stamp, somewhere in the pulses `first` to `last`. None: nobody knows how many."""

    first: int
    last: int
    photons: int | None
    why: Why


@dataclass(frozen=True, eq=False)
class Chunk:
    """Stamps of the pulses `first` to `end` - 1, all that will ever come.

    pulse: (n,) index of each photon's pulse within the train, ascending. ns: (n,) from that pulse's launch edge,
    negative before it. gaps: that have been noticed with these stamps. broken: (m, 2), first and last pulse of each
    range, disjoint and ascending, whose stamps are not all here.
    """

    first: int
    end: int
    pulse: Integers
    ns: Integers
    gaps: tuple[Gap, ...] = ()
    broken: Integers = field(default_factory=lambda: np.empty((0, 2), np.int64))

    @property
    def whole_pulses(self) -> int:
        """Number of pulses whose stamps are all here."""
        return self.end - self.first - int((self.broken[:, 1] - self.broken[:, 0] + 1).sum())

    def whole(self) -> "Chunk":
        """Without the stamps of pulses that are not whole."""
        if not self.broken.size:
            return self
        # Broken ranges are disjoint: a pulse is in one if it is past more first pulses than last ones.
        begun = np.searchsorted(self.broken[:, 0], self.pulse, side="right")
        ended = np.searchsorted(self.broken[:, 1], self.pulse, side="left")
        kept = begun == ended
        return replace(self, pulse=self.pulse[kept], ns=self.ns[kept])

    def between(self, first: int, end: int) -> "Chunk":
        """What there is of the pulses `first` to `end` - 1."""
        first, end = max(first, self.first), min(end, self.end)
        end = max(first, end)
        begin, until = np.searchsorted(self.pulse, (first, end))
        return Chunk(
            first,
            end,
            self.pulse[begin:until],
            self.ns[begin:until],
            tuple(gap for gap in self.gaps if gap.first < end and gap.last >= first),
            clipped(self.broken, first, end),
        )


def ranges(gaps: Iterable[Gap]) -> Integers:
    """First and last pulse of every range that gaps lie in, ascending and disjoint."""
    merged: list[list[int]] = []
    for gap in sorted(gaps, key=lambda gap: gap.first):
        if merged and gap.first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], gap.last)
        else:
            merged.append([gap.first, gap.last])
    return np.array(merged, np.int64).reshape(-1, 2)


def clipped(broken: Integers, first: int, end: int) -> Integers:
    """What of ranges lies in the pulses `first` to `end` - 1."""
    inside = broken[(first < end) & (broken[:, 0] < end) & (broken[:, 1] >= first)]
    return np.clip(inside, first, end - 1)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks that follow each other, as one."""
    return Chunk(
        chunks[0].first,
        chunks[-1].end,
        np.concatenate([chunk.pulse for chunk in chunks]),
        np.concatenate([chunk.ns for chunk in chunks]),
        tuple(gap for chunk in chunks for gap in chunk.gaps),
        np.concatenate([chunk.broken for chunk in chunks]),
    )
