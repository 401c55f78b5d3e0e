"""What the codes of an instrument's converters mean."""

from dataclasses import asdict, dataclass

from trelscope.gateware.protocol import LEVEL_LSB_V
from trelscope.host.calibration.level import Level
from trelscope.sim.physics.detector import ADC_BITS, Detector, DriveMonitor
from trelscope.sim.physics.photon_counter import PhotonCounter


@dataclass(frozen=True)
class FrontEnd:
    """Scale and delay of the analogue front end.

    light_volts_per_code: V at the light channel's ADC; drive_volts_per_code: V at the driver's output;
    drive_volts_at_zero: V at the driver's output that code 0 stands for (the monitor has an offset).
    detector_delay: s by which the detector's bandwidth delays a slow edge (the time constant of its pole).
    level_gain, level_offset: V per V, and V, of the driver's output over the level DAC's nominal level.
    """

    light_volts_per_code: float
    drive_volts_per_code: float
    drive_volts_at_zero: float
    detector_delay: float
    level_gain: float = 1.0
    level_offset: float = 0.0

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

    def level_code(self, volts: float) -> int:
        """Code of the level DAC that puts the driver's output at `volts`."""
        return round(Level(self.level_gain, self.level_offset).nominal(volts) / LEVEL_LSB_V)

    def as_dict(self) -> dict[str, float]:
        """Every value by name."""
        return asdict(self)
