"""A device that ages in the emulator, as fast as its model says, bit for bit the same each time."""

import numpy as np
import pytest

from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.recording import Recording
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest
from trelscope.sim.presets.presets import load_plant

PULSES = 2000
WIDTH = 50e-6


def aged(**options: str) -> Recording:
    link = EmulatorLink("bmim3-1mm2", options, seed=3, paced=False)
    return capture(
        link,
        CaptureRequest(
            volts=5.0, rate=10e3, width=WIDTH, pulses=PULSES, window=(-1e-6, 60e-6), bin=8e-9
        ).plan,
    )


def plateau(result: Recording) -> float:
    settled = (result.light.t > 40e-6) & (result.light.t < WIDTH)
    return float(result.light.y[settled].mean()) - load_plant("bmim3-1mm2").detector.dark_signal


def test_the_average_over_a_run_is_that_of_a_device_growing_old() -> None:
    plant = load_plant("bmim3-1mm2", {"ageing": "20"})
    on = plant.segment(plant.rest(), 5.0)
    ages = plant.wear(on, WIDTH) * np.arange(PULSES)
    assert 0.1 < ages[-1] < 0.3
    ratio = plateau(aged(ageing="20")) / plateau(aged())
    assert ratio == pytest.approx(float((2.0**-ages).mean()), rel=3e-3)


def test_growing_old_is_reproducible() -> None:
    first, second = aged(ageing="20"), aged(ageing="20")
    assert np.array_equal(first.light.y, second.light.y)
