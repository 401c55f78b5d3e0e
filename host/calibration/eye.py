"""The ADC's eye: the delays at which its codes are taken while all their bits stand still. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from trelscope.gateware.protocol import ADC_DELAY_BITS, ADC_TAP_PS, SAMPLE_BITS
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.calibration.level import CalibrationError
from trelscope.host.planning import VOLTS

TAP = ADC_TAP_PS * 1e-12  # s
SCANNED = range(0, 1 << ADC_DELAY_BITS, 4)
"""Taps that are tried."""
LOUD = 2.0  # times the scatter inside the eye: outside
LOUDEST = 100.0  # codes: no converter that works scatters so
NARROWEST = 20  # taps: less leaves no room for temperature


@dataclass(frozen=True)
class Eye:
    """From the first to the last delay that is right, in taps; whether it goes on beyond what was tried."""

    first: int
    last: int
    goes_on: bool

    @property
    def middle(self) -> int:
        """The delay to be used."""
        return (self.first + self.last) // 2


def carry(front_end: FrontEnd) -> tuple[int, float]:
    """Code of the drive's ADC, within what the drive can be set to, around which the most bits change; and its V."""

    def volts(code: int) -> float:
        return front_end.drive_volts_at_zero + code * front_end.drive_volts_per_code

    low, high = VOLTS
    for step in (1 << bit for bit in reversed(range(SAMPLE_BITS))):
        for code in range(step, 1 << SAMPLE_BITS, step):
            if low < volts(code) < high:
                return code, volts(code)
    raise CalibrationError("the drive monitor's scale leaves no code for the levels of the drive")


def eye(taps: Sequence[int], scatter: Sequence[float]) -> Eye:
    """From the scatter of single samples, in codes, at each of several delays. Raises CalibrationError."""
    least = min(scatter)
    if least > LOUDEST:
        raise CalibrationError(
            f"the codes scatter by {least:.0f} at every delay: look at the ADC's clock, its data lines and its MODE pin"
        )
    quiet = [each <= LOUD * max(least, 1.0) for each in scatter]
    runs: list[list[int]] = [[]]
    for tap, good in zip(taps, quiet, strict=True):
        if good:
            runs[-1].append(tap)
        elif runs[-1]:
            runs.append([])
    widest = max(runs, key=len)
    found = Eye(widest[0], widest[-1], quiet[0] or quiet[-1])
    if found.last - found.first < NARROWEST:
        raise CalibrationError(
            f"the eye is only {(found.last - found.first) * ADC_TAP_PS} ps wide: look at the traces' lengths and the"
            " clock"
        )
    return found
