"""What the drive monitor shows of a pulse, and which mistake in the front end that is. Pure."""

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.trace import Trace
from trelscope.host.units import format_si

LEAST = 0.3  # V: less does not count as driven
TOLERANCE = 0.05  # of the level
# Part of a step that is over within EDGE if a switch makes it; light that is worth measuring is slower.
SHARP = 0.8
EDGE = 0.3e-6  # s
LATEST = 100e-9  # s from the commanded edge to the one seen: cables and converters take less
NO_DEVICE = "connect no device until that is mended"


def judge(light: Trace, drive: Trace, volts: float, width: float) -> str:
    """What is wrong with pulses of `volts` and `width` (s) on the drive monitor, and the way out; "" if nothing is."""
    before, top = _levels(drive, width)
    if _sharp(light, width) and not _sharp(drive, width):
        return "the detector's channel shows the drive: the ADC's channels A and B are swapped"
    if abs(top - before) < LEAST:
        return (
            f"the drive monitor stays at {format_si(before, 'V')}: there is no driver, or it has no supply, or `gate`"
            " or `enable` does not reach it, or the monitor is not connected"
        )
    if top < before:
        return (
            "the output is driven between the pulses and not during them: the switch inverts; build with"
            f" --gate-active-low, and {NO_DEVICE}"
        )
    if before > LEAST:
        return f"{format_si(before, 'V')} between the pulses, where 0 V should be: {NO_DEVICE}"
    if abs(top - volts) > TOLERANCE * volts:
        return (
            f"{format_si(top, 'V')} instead of {format_si(volts, 'V')}: check the reference, the amplifier's"
            " gain, and the monitor's divider (drive_volts_per_code)"
        )
    late = _crossing(drive, (before + top) / 2)
    if abs(late) > LATEST:
        return f"the rising edge comes {format_si(late, 's')} after the launch; look at the cables"
    return ""


def _levels(trace: Trace, width: float) -> tuple[float, float]:
    """Before the pulse, and in its second half."""
    return _mean(trace, trace.t < -EDGE), _mean(trace, (trace.t > width / 2) & (trace.t < width))


def _sharp(trace: Trace, width: float) -> bool:
    """Whether the trace shows a pulse as a switch makes it, of either sign."""
    before, top = _levels(trace, width)
    early = _mean(trace, (trace.t > EDGE / 3) & (trace.t < EDGE))
    noise = float(np.nanmedian(trace.se))
    step = top - before
    return abs(step) > 20 * noise and (early - before) / step > SHARP


def _mean(trace: Trace, where: NDArray[np.bool_]) -> float:
    return float(np.mean(trace.y[where]))


def _crossing(trace: Trace, level: float) -> float:
    """When the trace first rises through `level`, to a bin."""
    return float(trace.t[np.argmax(trace.y > level)])
