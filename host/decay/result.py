"""What a fit of a decay says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Value:
    """A number and its standard error, in the same unit; nan if not measured."""

    value: float
    se: float


UNKNOWN = Value(np.nan, np.nan)


@dataclass(frozen=True)
class Component:
    """One exponential: amplitude in photons per second right after one excitation, lifetime in s."""

    amplitude: Value
    lifetime: Value


@dataclass(frozen=True, eq=False)
class Decay:
    """What a histogram says about the decay.

    components: by ascending lifetime; empty if nothing is measured, and `reason` says why.
    background: photons per second. t0: s, the excitation, on the axis of the bin edges.
    amplitude_average: s, sum(a tau) / sum(a), over what was excited.
    intensity_average: s, sum(a tau^2) / sum(a tau), over the photons: their mean delay.
    deviance: per degree of freedom. deviance_expected, deviance_spread: its mean and standard
        deviation if the model is true; not 1 where bins hold few photons.
    bic: by number of components tried, less that of the best.
    expected: (bins,) counts that the model gives; empty if nothing is measured.
    """

    components: tuple[Component, ...]
    background: Value
    t0: Value
    amplitude_average: Value
    intensity_average: Value
    photons: int
    deviance: float
    deviance_expected: float
    deviance_spread: float
    bic: dict[int, float]
    expected: Array
    reason: str = ""

    @property
    def misfit(self) -> float:
        """Standard deviations by which the deviance is above its expectation."""
        return (self.deviance - self.deviance_expected) / self.deviance_spread


def unmeasured(reason: str, counts: Array, bic: dict[int, float] | None = None) -> Decay:
    photons = int(counts[np.isfinite(counts)].sum())
    u, nan = UNKNOWN, np.nan
    return Decay((), u, u, u, u, photons, nan, nan, nan, bic or {}, np.empty(0), reason)
