"""How much an ADC's codes scatter at each delay of its data, while the drive keeps them where all bits change."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from trelscope.host.acquisition.acquisition import DRIVE, Acquisition
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.calibration.eye import SCANNED, TAP, carry
from trelscope.host.planning import VOLTS, CaptureRequest

PULSES, FRAME = 256, 8
WIDTH, WINDOW = 10e-6, (0.0, 12e-6)  # s: the level is looked at in the second half of the pulse
APPROACHES = 3  # captures, by which the drive gets to that code
NEAR = 1.0  # codes


def scan(instrument: Instrument, tell: Callable[[str], None]) -> tuple[list[int], list[float]]:
    """Delays, in taps, and the scatter of single samples of the drive at each, in codes. Drives the output."""
    front_end = instrument.link.front_end
    code, volts = carry(front_end)
    try:
        for _ in range(APPROACHES):
            seen, _scatter = _codes(instrument, volts)
            if abs(code - seen) <= NEAR:
                break
            volts += (code - seen) * front_end.drive_volts_per_code
            volts = min(max(volts, VOLTS[0]), VOLTS[1])
        tell(f"drive at {volts:.3f} V, where its ADC's code is {code}")
        return list(SCANNED), list(_scatter_at(instrument, volts))
    finally:
        instrument.link.front_end = front_end


def _scatter_at(instrument: Instrument, volts: float) -> Iterator[float]:
    front_end = instrument.link.front_end
    for tap in SCANNED:
        instrument.link.front_end = replace(front_end, adc_delay=tap * TAP)
        yield _codes(instrument, volts)[1]


def _codes(instrument: Instrument, volts: float) -> tuple[float, float]:
    """Mean code of the drive while it is high, and the scatter of its samples."""
    request = CaptureRequest(
        volts, width=WIDTH, window=WINDOW, pulses=PULSES, frame_pulses=FRAME, counting=False
    )
    settings = request.plan(instrument.identity.depth)
    acquisition = Acquisition(instrument, settings)
    while not acquisition.done:
        acquisition.poll(0.1)
    drive, front_end = acquisition.traces()[DRIVE], instrument.link.front_end
    there = (drive.t > WIDTH / 2) & (drive.t < WIDTH)
    lsb = front_end.drive_volts_per_code
    scatter = drive.se * np.sqrt(settings.counts(PULSES)[DRIVE])
    mean = (np.median(drive.y[there]) - front_end.drive_volts_at_zero) / lsb
    return float(mean), float(np.median(scatter[there])) / lsb
