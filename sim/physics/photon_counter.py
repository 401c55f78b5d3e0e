"""A photon-counting detector: light to the pulses of a discriminator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trelscope.sim.physics.expsum import ExpSum, Floats

PLANCK = 6.62607015e-34  # J s, exact in the SI
LIGHT_SPEED = 299792458.0  # m/s, exact in the SI

FINE, FINE_UNTIL = 1e-9, 200e-9
GROWTH = 1.02
LONGEST = 2e-3
"""Grid of `mean_counts`: steps [s] after an edge, then each longer by GROWTH, up to the longest pulse or pause.

Between points the rate counts as constant. That moves an arrival by less than 2 ps for a time constant of 30 ns.
"""


@dataclass(frozen=True)
class PhotonCounter:
    """Filter, collecting optics, single-photon detector and discriminator."""

    filter: float  # -, transmission of the neutral-density filter before the detector
    collected: float  # -, fraction of the Lambertian flux that reaches the filter
    efficacy: float  # lm/W of the emitted light
    wavelength: float  # m, of the emitted light
    efficiency: float  # -, photons that make a pulse
    response: float  # s, spread of the delay from photon to pulse: one pole
    dark_rate: float  # 1/s, pulses without light
    dead_time: float  # s after a pulse in which there is no other; light does not prolong it
    afterpulse: float  # -, chance that a pulse is followed by one without a photon
    afterpulse_time: float  # s, mean time until that, exponentially distributed
    # Of light whose photons are not independent; background pulses without light do as it does.
    blink_rate: float = 0.0  # 1/s, switches between bright and dark; 0: it does not
    recovery: float = (
        0.0  # s, mean time from a photon until the only emitter can give another; 0: there are many
    )

    @property
    def tau(self) -> float:
        """Time constant of the pole, s."""
        return self.response

    @property
    def dark_signal(self) -> float:
        """Pulses per second without light, before dead time."""
        return self.dark_rate

    def signal_per_luminance(self, area: float) -> float:
        """Pulses per second, before dead time, per cd/m2 from a Lambertian emitter of `area` m2."""
        watts = np.pi * area / self.efficacy * self.collected * self.filter
        return float(watts * self.wavelength / (PLANCK * LIGHT_SPEED) * self.efficiency)


def mean_counts(pieces: Sequence[tuple[float, ExpSum]]) -> tuple[Floats, Floats, float]:
    """Mean number of arrivals up to each time after an edge, for the rate [1/s] that `pieces` give.

    pieces: start [s after the edge] and rate of each, its time counted from there. Returns times [s] and means, both
    of shape (m,) and ascending, and the rate [1/s] from the last time on.
    """
    steps = [np.arange(0.0, FINE_UNTIL, FINE)]
    count = int(np.log(LONGEST / FINE_UNTIL) / np.log(GROWTH))
    steps.append(FINE_UNTIL * GROWTH ** np.arange(count + 1))
    offsets = np.concatenate(steps)
    times, means, total = [], [], 0.0
    for number, (start, rate) in enumerate(pieces):
        last = number + 1 == len(pieces)
        length = np.inf if last else pieces[number + 1][0] - start
        inside = offsets[offsets < length]
        inside = inside if last else np.append(inside, length)
        times.append(start + inside)
        means.append(total + _integral(rate, inside))
        total = float(means[-1][-1])
        if not last:  # the next piece begins there
            times[-1], means[-1] = times[-1][:-1], means[-1][:-1]
    at = np.concatenate(times)
    mean = np.maximum.accumulate(np.concatenate(means))
    final = pieces[-1][1].at(float(offsets[-1]))
    return at, mean, max(final, 0.0)


def _integral(rate: ExpSum, t: Floats) -> Floats:
    total = rate.const * t
    for amp, decay in zip(rate.amps, rate.rates, strict=True):
        total += -amp / decay * np.expm1(-decay * t)
    return total
