"""What a file of another instrument holds, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Channel:
    """values: (n,) in `unit`, nan where the file has none. unit: without a prefix; "" where the file does not say."""

    name: str
    unit: str
    values: Array


@dataclass(frozen=True, eq=False)
class Waveforms:
    """Channels over one time axis.

    kind: what the file is, in words. t: (n,) in s, or None where the file does not say when its samples were taken.
    breaks: where a segment of its own begins, the first one left out. counted: whether values are photons counted in
    bins that begin at t, as TCSPC has them. excitations: how many they were counted after, if that is known.
    metadata: what the file says beside. how: what had to be understood, a sentence each.
    """

    kind: str
    t: Array | None
    channels: tuple[Channel, ...]
    breaks: tuple[int, ...] = ()
    counted: bool = False
    excitations: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    how: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Samples of each channel."""
        return self.channels[0].values.size if self.channels else 0
