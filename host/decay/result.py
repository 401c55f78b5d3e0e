"""What a fit of a decay says."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Key: TypeAlias = int | Literal["stretched"]
"""A model: a number of exponentials, or a stretched one."""


@dataclass(frozen=True)
class Value:
    """A number and its standard error, in the same unit; nan if not measured."""

    value: float
    se: float


UNKNOWN = Value(np.nan, np.nan)
EXPONENTIAL = Value(1.0, 0.0)


@dataclass(frozen=True)
class Component:
    """amplitude exp(-(t / lifetime)^stretch).

    amplitude: photons per second right after one excitation; of a trace V, the level before the
    fall. lifetime: s. stretch: exactly 1 in a sum of exponentials.
    """

    amplitude: Value
    lifetime: Value
    stretch: Value


@dataclass(frozen=True, eq=False)
class Decay:
    """What a histogram, or a trace, says about the decay.

    components: by ascending lifetime; empty if nothing is measured, and `reason` says why.
    background: photons per second; of a trace V. t0: s, the excitation or the end of the steady light,
    on the axis of the data; with a measured response the shift of its axis against that.
    amplitude_average: s, sum(a tau) / sum(a), over what was excited; stretched, tau / beta Gamma(1 / beta).
    intensity_average: s, sum(a tau^2) / sum(a tau), over the photons: their mean delay; stretched,
        tau Gamma(2 / beta) / Gamma(1 / beta).
    photons: counted, 0 of a trace.
    deviance: per degree of freedom. deviance_expected, deviance_spread: its mean and standard
        deviation if the model is true; not 1 where bins hold few photons.
    bic: by model tried, less that of the best.
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
    bic: dict[Key, float]
    expected: Array
    reason: str = ""

    @property
    def model(self) -> Key | None:
        """The model that `components` are of: that of least BIC among those tried."""
        return min(self.bic, key=lambda name: self.bic[name], default=None)

    @property
    def misfit(self) -> float:
        """Standard deviations by which the deviance is above its expectation."""
        return (self.deviance - self.deviance_expected) / self.deviance_spread


def unmeasured(reason: str, photons: int = 0, bic: dict[Key, float] | None = None) -> Decay:
    """Nothing, and why."""
    u, nan = UNKNOWN, np.nan
    return Decay((), u, u, u, u, photons, nan, nan, nan, bic or {}, np.empty(0), reason)
