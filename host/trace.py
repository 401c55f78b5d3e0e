"""One averaged waveform: the object that averaging produces and measuring reads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Trace:
    """An averaged waveform of one channel.

    t: (n,) s, mean sample instant of each bin relative to the commanded drive edge.
    y: (n,) V, mean of the samples in each bin; nan where a bin holds none.
    se: (n,) V, standard error of `y`, nan where unknown.
    pulses: number of drive pulses averaged.
    """

    t: NDArray[np.float64]
    y: NDArray[np.float64]
    se: NDArray[np.float64]
    pulses: int
