"""What the codes of an instrument's converters mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from trelscope.gateware.protocol import ADC_DELAY_BITS, ADC_TAP_PS
from trelscope.host.calibration.level import GAINS, LARGEST_OFFSET, NOMINAL, Level
from trelscope.host.units import format_si
from trelscope.sim.physics.detector import ADC_BITS, Detector, DriveMonitor
from trelscope.sim.physics.photon_counter import PhotonCounter

RANGES: Mapping[str, tuple[float, float, str]] = {
    "light_volts_per_code": (1e-9, 1.0, "V"),
    "drive_volts_per_code": (1e-6, 1.0, "V"),
    "drive_volts_at_zero": (-100.0, 100.0, "V"),
    "detector_delay": (
        0.0,
        20e-6,
        "s",
    ),  # of a pole at 8 kHz: it shows none of what is measured here
    "dead_time": (0.0, 100e-6, "s"),  # of a Geiger counter
    "afterpulse": (0.0, 0.5, ""),
    "afterpulse_time": (1e-9, 100e-6, "s"),
    "adc_delay": (0.0, ((1 << ADC_DELAY_BITS) - 1) * ADC_TAP_PS * 1e-12, "s"),
    "level_gain": (*GAINS, ""),
    "level_offset": (-LARGEST_OFFSET, LARGEST_OFFSET, "V"),
}
"""What each value of a front end can be, from and to, and its unit. Outside of it something is mistyped."""


def check(name: str, value: float) -> None:
    """Raises ValueError, which says the range, for a value of a front end that cannot be."""
    low, high, unit = RANGES.get(name, (-math.inf, math.inf, ""))
    if not low <= value <= high:
        said, least, most = (format_si(v, unit) if unit else f"{v:g}" for v in (value, low, high))
        raise ValueError(f"{name} {said} is out of range: {least} to {most}")


@dataclass(frozen=True)
class FrontEnd:
    """Scale and delay of the analogue front end.

    light_volts_per_code: V at the light channel's ADC; drive_volts_per_code: V at the driver's output;
    drive_volts_at_zero: V at the driver's output that code 0 stands for (the monitor has an offset).
    detector_delay: s by which the detector's bandwidth delays a slow edge (the time constant of its pole).
    level: of the driver's output over the level DAC's nominal one. dead_time: s after a counted photon in which
    there is no other; afterpulse: chance that a photon is followed by a pulse without one, afterpulse_time s later in
    the mean. None: not known, or nothing is counted. adc_delay: s by which the ADC's data are delayed before they are
    taken; None: as the gateware has it.
    """

    light_volts_per_code: float
    drive_volts_per_code: float
    drive_volts_at_zero: float
    detector_delay: float
    level: Level = NOMINAL
    dead_time: float | None = None
    afterpulse: float | None = None
    afterpulse_time: float | None = None
    adc_delay: float | None = None

    @classmethod
    def of(cls, detector: Detector | PhotonCounter, monitor: DriveMonitor) -> "FrontEnd":
        """The front end with these two at its inputs; a photon counter leaves the light's ADC, of 1 V, idle."""
        if isinstance(detector, PhotonCounter):
            light_volts_per_code = 1 / 2**ADC_BITS
        else:
            light_volts_per_code = detector.full_scale / 2**detector.bits
        front_end = cls(
            light_volts_per_code=light_volts_per_code,
            drive_volts_per_code=monitor.full_scale / 2**monitor.bits / monitor.ratio,
            drive_volts_at_zero=-monitor.offset / monitor.ratio,
            detector_delay=detector.tau,
        )
        if not isinstance(detector, PhotonCounter):
            return front_end
        return replace(
            front_end,
            dead_time=detector.dead_time,
            afterpulse=detector.afterpulse,
            afterpulse_time=detector.afterpulse_time,
        )

    def as_dict(self) -> dict[str, float]:
        """Every value that is known, by the name it has in a URL and in files."""
        own = {name: value for name, value in vars(self).items() if name != "level"}
        values = {name: value for name, value in own.items() if value is not None}
        return {**values, "level_gain": self.level.gain, "level_offset": self.level.offset}

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> "FrontEnd":
        """The inverse of `as_dict`. Raises TypeError for a value that is missing or unknown, ValueError for one that
        cannot be."""
        own = dict(values)
        level = Level(own.pop("level_gain", NOMINAL.gain), own.pop("level_offset", NOMINAL.offset))
        if not all(isinstance(value, float) for value in (*own.values(), level.gain, level.offset)):
            raise TypeError("a front end is made of numbers")
        for name, value in values.items():
            check(name, value)
        return cls(**own, level=level)
