"""What the codes of an instrument's converters mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from trelscope.host.calibration.level import NOMINAL, Level
from trelscope.sim.physics.detector import ADC_BITS, Detector, DriveMonitor
from trelscope.sim.physics.photon_counter import PhotonCounter


@dataclass(frozen=True)
class FrontEnd:
    """Scale and delay of the analogue front end.

    light_volts_per_code: V at the light channel's ADC; drive_volts_per_code: V at the driver's output;
    drive_volts_at_zero: V at the driver's output that code 0 stands for (the monitor has an offset).
    detector_delay: s by which the detector's bandwidth delays a slow edge (the time constant of its pole).
    level: of the driver's output over the level DAC's nominal one.
    """

    light_volts_per_code: float
    drive_volts_per_code: float
    drive_volts_at_zero: float
    detector_delay: float
    level: Level = NOMINAL

    @classmethod
    def of(cls, detector: Detector | PhotonCounter, monitor: DriveMonitor) -> "FrontEnd":
        """The front end with these two at its inputs; a photon counter leaves the light's ADC, of 1 V, idle."""
        if isinstance(detector, PhotonCounter):
            light_volts_per_code = 1 / 2**ADC_BITS
        else:
            light_volts_per_code = detector.full_scale / 2**detector.bits
        return cls(
            light_volts_per_code=light_volts_per_code,
            drive_volts_per_code=monitor.full_scale / 2**monitor.bits / monitor.ratio,
            drive_volts_at_zero=-monitor.offset / monitor.ratio,
            detector_delay=detector.tau,
        )

    def as_dict(self) -> dict[str, float]:
        """Every value by the name it has in a URL and in files."""
        values = {name: value for name, value in vars(self).items() if name != "level"}
        return {**values, "level_gain": self.level.gain, "level_offset": self.level.offset}

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> "FrontEnd":
        """The inverse of `as_dict`. Raises TypeError for a value that is missing or unknown."""
        own = dict(values)
        level = Level(own.pop("level_gain", NOMINAL.gain), own.pop("level_offset", NOMINAL.offset))
        if not all(isinstance(value, float) for value in (*own.values(), level.gain, level.offset)):
            raise TypeError("a front end is made of numbers")
        return cls(**own, level=level)
