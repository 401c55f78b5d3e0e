"""What a board's drive level really is, from readings of it. Pure; `trelscope.host.calibration.saved` keeps it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trelscope.gateware.protocol import LEVEL_LSB_V
from trelscope.host.errors import UserError
from trelscope.host.planning import VOLTS

LEAST_SPAN = 1.0  # V, smallest difference between the two levels: the error grows as it shrinks
GAINS = (0.8, 1.25)
LARGEST_OFFSET = 1.0  # V


class CalibrationError(UserError):
    """The readings make no calibration; the message says why in one line."""


@dataclass(frozen=True)
class Level:
    """Drive level at the driver's output: gain (V per V of the DAC's nominal level) and offset (V)."""

    gain: float = 1.0
    offset: float = 0.0

    @property
    def sensible(self) -> bool:
        """Whether a working driver may have it."""
        return GAINS[0] <= self.gain <= GAINS[1] and abs(self.offset) <= LARGEST_OFFSET

    def nominal(self, volts: float) -> float:
        """The level to ask the DAC for, V, so that the output is at `volts`."""
        return (volts - self.offset) / self.gain

    def code(self, volts: float) -> int:
        """Code of the DAC that puts the output at `volts`."""
        return round(self.nominal(volts) / LEVEL_LSB_V)

    def reachable(self) -> tuple[float, float]:
        """Lowest and highest level, V, that the output can have: the guard holds the nominal one to 3-7 V."""
        low, high = (self.gain * volts + self.offset for volts in VOLTS)
        return low, high


NOMINAL = Level()
"""Of a board that has not been calibrated."""


def level(nominal: Sequence[float], measured: Sequence[float]) -> Level:
    """From two nominal levels of the DAC, V, and the voltmeter's readings. Raises CalibrationError."""
    (low, high), (at_low, at_high) = nominal, measured
    if not all(map(math.isfinite, (low, high, at_low, at_high))):
        raise CalibrationError("a level or a reading is no finite number")
    if abs(high - low) < LEAST_SPAN:
        raise CalibrationError(
            f"levels {low:.4g} V and {high:.4g} V are less than {LEAST_SPAN:g} V apart; take e.g. 3 V and 7 V"
        )
    gain = (at_high - at_low) / (high - low)
    offset = at_low - gain * low
    found = Level(gain, offset)
    if not found.sensible:
        raise CalibrationError(
            f"readings {at_low:.4g} V and {at_high:.4g} V at {low:.4g} V and {high:.4g} V make a gain of {gain:.3g}"
            f" and an offset of {offset:.3g} V, which no working driver has; are they swapped, or is the meter loaded?"
        )
    return found
