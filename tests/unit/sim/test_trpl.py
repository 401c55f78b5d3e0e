"""Photoluminescence after a laser pulse: the paper's lifetimes, and what starts a decay."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from trelscope.sim.physics.plant import Plant
from trelscope.sim.physics.pulsed_light import PulsedLight
from trelscope.sim.presets.presets import load_plant

PAPER = [("trpl-control", 14.26e-9), ("trpl-bmim3", 29.84e-9)]


@pytest.mark.parametrize(("name", "average"), PAPER)
def test_the_photons_arrive_the_papers_lifetime_after_the_pulse_on_average(
    name: str, average: float
) -> None:
    sample = load_plant(name).device
    decay = sample.decay
    assert decay.at(0.0) == pytest.approx(1.0)
    assert len(decay.rates) == len(set(decay.rates)) == 3
    area, _ = quad(decay.at, 0.0, 2e-6, limit=200, points=[50e-9], epsabs=0.0)
    first, _ = quad(lambda t: t * decay.at(t), 0.0, 2e-6, limit=200, points=[50e-9], epsabs=0.0)
    assert first / area == pytest.approx(average, rel=1e-4)
    assert sample.intensity_average == pytest.approx(first / area, rel=1e-6)
    assert sample.amplitude_average == pytest.approx(area, rel=1e-6)


@pytest.fixture
def plant() -> Plant:
    return load_plant("trpl-bmim3", {"area": "2", "peak": "1000"})


def luminance(plant: Plant, state: np.ndarray, volts: float, times: np.ndarray) -> np.ndarray:
    (piece,) = plant.segment(state, volts).device_pieces
    return plant.device.luminance(piece)(times)


def test_a_rising_edge_fires_the_laser_and_a_falling_one_does_not(plant: Plant) -> None:
    times = np.linspace(0.0, 400e-9, 401)
    decay = plant.device.decay
    assert plant.device.area == pytest.approx(2e-6)
    assert luminance(plant, plant.rest(), 0.0, times).max() == 0.0
    on = plant.segment(plant.rest(), 5.0)
    assert luminance(plant, plant.rest(), 5.0, times) == pytest.approx(1000.0 * decay(times))
    low = on.state_after(30e-9)
    assert luminance(plant, low, 0.0, times) == pytest.approx(1000.0 * decay(30e-9 + times))
    changed = luminance(plant, low, 6.0, times)  # another level, the gate still high
    assert changed == pytest.approx(1000.0 * decay(30e-9 + times))
    again = plant.segment(low, 0.0).state_after(20e-9)
    expected = 1000.0 * (decay(times) + decay(50e-9 + times))
    assert luminance(plant, again, 5.0, times) == pytest.approx(expected)


def test_the_detector_sees_it_through_its_pole_and_the_monitor_sees_the_gate(plant: Plant) -> None:
    on = plant.segment(plant.rest(), 5.0)
    detector = plant.detector
    gain = 1000.0 * detector.signal_per_luminance(2e-6)
    for t in (1e-9, 10e-9, 100e-9):
        filtered, _ = quad(
            lambda x, t=t: plant.device.decay.at(x) * math.exp(-(t - x) / detector.tau),
            0.0,
            t,
        )
        expected = detector.dark_signal + gain * filtered / detector.tau
        assert plant.light_at(on, np.array([t]))[0] == pytest.approx(expected, abs=1e-9)
    drive = plant.drive_at(on, np.array([0.0, 5e-9, 1e-6])) - plant.monitor.offset
    assert drive == pytest.approx([0.0, 0.5 * (1 - math.exp(-1)), 0.5], abs=1e-9)


def test_a_steady_train_repeats(plant: Plant) -> None:
    state = plant.rest()
    seen = []
    for _ in range(4):
        on = plant.segment(state, 5.0)
        state = plant.segment(on.state_after(50e-6), 0.0).state_after(50e-6)
        seen.append(state)
    assert np.abs(np.diff(seen, axis=0)).max() < 1e-9


def test_shares_need_not_add_up() -> None:
    a = load_plant("trpl-control", {"share_1": "0.2", "share_2": "0.2", "share_3": "0.1"}).device
    assert isinstance(a, PulsedLight)
    assert a.decay.amps == pytest.approx([0.4, 0.4, 0.2])
