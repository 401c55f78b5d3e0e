"""Photoluminescence after a laser pulse: what time-resolved photoluminescence (TRPL) counts photons of.

The gate's rising edge triggers a laser pulse that is short against everything else; the light it
excites decays in three exponentials, whatever the gate does meanwhile.  Nothing happens at the
falling edge.  Zhang et al. fit three exponentials too, but which ones and how their average
lifetimes are weighted is in a table that is not at hand: see presets.toml.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trelscope.sim.physics.device import DRIVER, DevicePiece
from trelscope.sim.physics.expsum import ExpSum, Floats

LIGHT = slice(1, 4)
COMMAND = 4
"""States after the driver's output [V]: the three parts of the light (1 in all right after a pulse
from darkness), and the level that the gate last commanded [V]."""


@dataclass(frozen=True)
class PulsedLight:
    """A sample that a laser pulse excites; to a `Plant` it is a device."""

    share_1: float  # -, relative weight in the light right after the pulse
    share_2: float
    share_3: float
    life_1: float  # s, lifetime
    life_2: float
    life_3: float
    peak: float  # cd/m2 right after the pulse
    area: float  # m2, spot
    tau_drv: float  # s, driver pole: channel B shows the gate pulse that triggers the laser

    @property
    def decay(self) -> ExpSum:
        """The light after one pulse from darkness, 1 at its start."""
        shares = np.array((self.share_1, self.share_2, self.share_3))
        lives = np.array((self.life_1, self.life_2, self.life_3))
        return ExpSum(0.0, shares / shares.sum(), 1.0 / lives)

    @property
    def amplitude_average(self) -> float:
        """Lifetime averaged over the excited dots, sum(a tau) / sum(a), s."""
        decay = self.decay
        return float((decay.amps / decay.rates).sum())

    @property
    def intensity_average(self) -> float:
        """Lifetime averaged over the photons, sum(a tau^2) / sum(a tau), s: their mean arrival."""
        decay = self.decay
        return float((decay.amps / decay.rates**2).sum()) / self.amplitude_average

    def rest(self) -> Floats:
        """Dark, and the gate low."""
        return np.zeros(5)

    def respond(self, state: Floats, volts: float) -> list[DevicePiece]:
        """The response to a gate edge after which the drive is `volts`, until infinity."""
        decay = self.decay
        light = state[LIGHT].copy()
        if volts > 0.0 and state[COMMAND] == 0.0:
            light += decay.amps
        const = np.array((volts, 0.0, 0.0, 0.0, volts))
        coef = np.zeros((5, 4))
        coef[DRIVER, DRIVER] = state[DRIVER] - volts
        coef[LIGHT, LIGHT] = np.diag(light)
        rates = np.append(1.0 / self.tau_drv, decay.rates)
        return [DevicePiece(0.0, np.inf, const, coef, rates)]

    def luminance(self, piece: DevicePiece) -> ExpSum:
        """Light of one piece, cd/m2, its time counted from the gate edge."""
        return ExpSum(0.0, piece.coef[LIGHT].sum(axis=0), piece.rates).scale(self.peak)

    def wear(self, pieces: Sequence[DevicePiece], dt: float) -> float:
        """None: a sample that is only looked at does not age."""
        return 0.0
