"""What the board's two ADC channels look at: the light detector (A) and the drive monitor (B)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.sim.physics.device import BOLTZMANN, ELEMENTARY_CHARGE
from trelscope.sim.physics.expsum import Floats

ADC_BITS = 14


@dataclass(frozen=True)
class Detector:
    """Channel A: lens, photodiode, amplifier with one pole, ADC from 0 V to full_scale."""

    bandwidth: float  # Hz, -3 dB
    responsivity: float  # A/W at the emission wavelength, before gain
    efficacy: float  # lm/W of the emitted light
    collected: float  # -, fraction of the Lambertian flux that reaches the diode
    transimpedance: float  # ohm
    full_scale: float  # V
    offset: float  # V at the ADC without any current
    dark_current: float  # A after gain
    excess_noise: float  # -, excess noise factor
    gain: float  # -, avalanche gain
    amplifier_noise: float  # V rms in the bandwidth
    adc_snr_db: float  # dB below a full-scale sine
    temperature: float  # K
    bits: int = ADC_BITS

    @property
    def tau(self) -> float:
        """Time constant of the pole, s."""
        return 1.0 / (2.0 * math.pi * self.bandwidth)

    @property
    def dark_signal(self) -> float:
        """V at the ADC without light."""
        return self.offset + self.dark_current * self.transimpedance

    def signal_per_luminance(self, area: float) -> float:
        """V per cd/m2 from a Lambertian emitter of `area` m2."""
        watts = math.pi * area / self.efficacy * self.collected
        return watts * self.responsivity * self.gain * self.transimpedance

    @property
    def noise_floor_variance(self) -> float:
        """V^2 per sample without light: dark shot, Johnson, amplifier, ADC; no quantisation."""
        johnson = 4.0 * BOLTZMANN * self.temperature * self._noise_bandwidth * self.transimpedance
        adc = self.full_scale / (2.0 * math.sqrt(2.0)) * math.pow(10.0, -self.adc_snr_db / 20.0)
        dark = self.shot_variance_per_volt * self.dark_current * self.transimpedance
        return johnson + self.amplifier_noise**2 + adc**2 + dark

    @property
    def shot_variance_per_volt(self) -> float:
        """Shot-noise variance that each volt of photosignal adds, V^2/V."""
        charge = ELEMENTARY_CHARGE * self.gain * self.excess_noise
        return 2.0 * charge * self._noise_bandwidth * self.transimpedance

    def codes(self, volts: Floats) -> NDArray[np.int64]:
        """ADC codes 0 .. 2^bits - 1 for `volts` at the ADC, clipped."""
        return _codes(volts, self.full_scale, self.bits)

    @property
    def _noise_bandwidth(self) -> float:
        """Equivalent noise bandwidth of the pole, Hz."""
        return self.bandwidth * math.pi / 2.0


@dataclass(frozen=True)
class DriveMonitor:
    """Channel B: the driver output divided down, ADC from 0 V to full_scale."""

    ratio: float  # -, volts at the ADC per volt at the driver output
    offset: float  # V at the ADC with the driver at 0 V
    full_scale: float  # V
    noise: float  # V rms per sample
    bits: int = ADC_BITS

    def codes(self, volts: Floats) -> NDArray[np.int64]:
        """ADC codes 0 .. 2^bits - 1 for `volts` at the ADC, clipped."""
        return _codes(volts, self.full_scale, self.bits)


def _codes(volts: Floats, full_scale: float, bits: int) -> NDArray[np.int64]:
    levels = 1 << bits
    return np.clip(np.floor(volts * (levels / full_scale)), 0, levels - 1).astype(np.int64)
