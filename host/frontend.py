"""What the codes of an instrument's converters mean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FrontEnd:
    """Scale and delay of the analogue front end.

    light_volts_per_code: V at the light channel's ADC; drive_volts_per_code: V at the driver's output;
    drive_volts_at_zero: V at the driver's output that code 0 stands for (the monitor has an offset).
    detector_delay: s by which the detector's bandwidth delays a slow edge (the time constant of its pole).
    """

    light_volts_per_code: float
    drive_volts_per_code: float
    drive_volts_at_zero: float
    detector_delay: float
