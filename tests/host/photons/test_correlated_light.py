"""Light of the emulator whose photons are not independent: g2 finds what was put in."""

from dataclasses import replace

import numpy as np

from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.stamps import StampAcquisition
from trelscope.host.link.urls import open_link
from trelscope.host.photons.correlation import DelayCorrelation, LagCorrelation
from trelscope.host.planning import CaptureRequest

RATE = 15e3
REQUEST = CaptureRequest(
    rate=RATE, pulses=300, width=10e-6, window=(-1e-6, 30e-6), bin=64e-9, frame_pulses=512
)
SOURCE = "emulator:bmim3-1mm2?detector=pmt&dead_time=0&afterpulse=0"


def measured(source: str, measurement: LagCorrelation | DelayCorrelation) -> None:
    instrument = Instrument(open_link(source, seed=1, paced=False))
    settings = REQUEST.plan(instrument.identity.depth)
    taken = StampAcquisition(instrument, replace(settings, counting=True, time_tags=True))
    for chunk in taken.chunks():
        measurement.add(chunk)
    instrument.close()


def test_an_emitter_that_blinks() -> None:
    switches = 5e3
    lags = LagCorrelation(4)
    measured(f"{SOURCE}&filter=2e-6&blink_rate={switches:g}", lags)
    found = lags.result()
    # From one pulse to the next the light is as it was, unless it has switched an odd number of times.
    wanted = 1 + np.exp(-2 * switches * np.arange(5) / RATE)
    assert (np.abs(found.g2 - wanted) < 4 * found.se).all()
    assert found.g2[0] > 1 + 4 * found.se[0]


def test_a_single_emitter() -> None:
    recovery = 200e-9
    delays = DelayCorrelation(100, 20)
    measured(f"{SOURCE}&filter=2e-6&recovery={recovery * 1e9:g}", delays)
    found = delays.result()
    assert found.g2[0] < 0.6
    assert found.g2[0] < 1 - 4 * found.se[0]
    assert (np.abs(found.g2[10:] - 1) < 4 * found.se[10:]).all()
    assert abs(found.g2[0] - (1 - (1 - np.exp(-0.5)) / 0.5)) < 4 * found.se[0] + 0.05
