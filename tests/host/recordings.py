"""A small recording, for tests."""

import numpy as np

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.recording import Recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import CaptureRequest


def a_recording(bins: int = 300, seed: int = 0) -> Recording:
    """A rise and a fall of light, noisy."""
    settings = CaptureRequest(width=8e-6, pulses=64, window=(-2e-6, bins * 64e-9), bin=64e-9).plan(
        16384
    )
    t = settings.times()
    rng = np.random.default_rng(seed)
    lit = (t > 0) & (t < 8e-6)
    light = 0.02 + 0.5 * lit * (1 - np.exp(-np.maximum(t, 0) / 1e-6)) + rng.normal(0, 1e-4, bins)
    drive = 5.0 * lit + rng.normal(0, 1e-3, bins)
    se = np.full(bins, 1e-4)
    return Recording(
        "emulator:bmim3-1mm2?area=2.5",
        "EMULATOR",
        FrontEnd(61e-6, 1e-3, -0.5, 2e-9),
        settings,
        MeasureOptions(top_fraction=0.2),
        Trace(t, light, se, 64),
        Trace(t, drive, 10 * se, 64),
        Accounting(64, 64, 0, 0, 0, 0, 0),
        0.7,
    )
