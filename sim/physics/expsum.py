"""Signals of the form constant + decaying exponentials, and the operations that keep the form.

The response of a linear circuit to a constant drive is such a sum; so is its square (light), and so
is the output of a one-pole detector that looks at it.  Every operation here is exact, so a waveform
can be evaluated at any time, in any order, without stepping.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESONANCE = 1e-7
"""Closest relative distance kept between a rate and the pole of `ExpSum.low_pass`.

At exact resonance the output contains t*exp(-t/tau), which is not a sum of exponentials.  Moving
the rate by this fraction instead costs less than RESONANCE times the amplitude of the term (5 nV
for 50 mV); the two large terms it leaves cancel to about 1e-9 of that amplitude.
"""


@dataclass(frozen=True, eq=False)
class ExpSum:
    """s(t) = const + sum_j amps[j] * exp(-rates[j] * t), for t >= 0 in seconds.

    const and amps share the unit of the signal; amps and rates have shape (m,), rates in 1/s.
    """

    const: float
    amps: Floats
    rates: Floats

    def __call__(self, t: Floats) -> Floats:
        """Values at the times `t` [s], in the shape of `t`."""
        total = np.full(np.shape(t), self.const)
        for amp, rate in zip(self.amps, self.rates, strict=True):
            total += amp * np.exp(-rate * t)
        return total

    def at(self, t: float) -> float:
        """Value at one time `t` [s]."""
        return self.const + float(self.amps @ np.exp(-self.rates * t))

    def __add__(self, other: "ExpSum") -> "ExpSum":
        return ExpSum(
            self.const + other.const,
            np.concatenate((self.amps, other.amps)),
            np.concatenate((self.rates, other.rates)),
        )

    def scale(self, factor: float) -> "ExpSum":
        """The signal multiplied by a number."""
        return ExpSum(self.const * factor, self.amps * factor, self.rates)

    def __mul__(self, other: "ExpSum") -> "ExpSum":
        """The product of two signals: amplitudes multiply, rates add."""
        return ExpSum(
            self.const * other.const,
            np.concatenate(
                (
                    self.amps * other.const,
                    other.amps * self.const,
                    np.multiply.outer(self.amps, other.amps).ravel(),
                )
            ),
            np.concatenate(
                (self.rates, other.rates, np.add.outer(self.rates, other.rates).ravel())
            ),
        )

    def low_pass(self, tau: float, y0: float) -> "ExpSum":
        """Output of tau y' = s - y (tau in s) that starts from y(0) = y0.

        A rate within RESONANCE of 1/tau is moved to that distance, see there.
        """
        pole = 1.0 / tau
        near = np.abs(self.rates - pole) < RESONANCE * pole
        rates = np.where(near, pole * (1.0 + RESONANCE), self.rates)
        amps = self.amps * pole / (pole - rates)
        start = y0 - self.const - float(amps.sum())
        return ExpSum(self.const, np.append(amps, start), np.append(rates, pole))

    def shifted(self, dt: float) -> "ExpSum":
        """The same signal with its time origin moved `dt` [s] later."""
        return ExpSum(self.const, self.amps * np.exp(-self.rates * dt), self.rates)

    def pruned(self, tolerance: float) -> "ExpSum":
        """Terms of equal rate merged, then every term with |amp| < tolerance dropped.

        The signal changes by less than tolerance for each dropped term.  Rates come out ascending.
        """
        rates, group = np.unique(self.rates, return_inverse=True)
        amps = np.zeros_like(rates)
        np.add.at(amps, group, self.amps)
        kept = np.abs(amps) >= tolerance
        return ExpSum(self.const, amps[kept], rates[kept])


def constant(value: float) -> ExpSum:
    """A signal that does not change."""
    return ExpSum(value, np.empty(0), np.empty(0))
