"""Rises of the emulated devices, with three of the device's parameters left free: what a bound is made of."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trelscope.host.bench.waveforms import WIDTH, Shape
from trelscope.sim.physics.device import Device
from trelscope.sim.physics.plant import Plant, Segment
from trelscope.sim.presets.presets import load_plant

Array = NDArray[np.float64]

VOLTS, PERIOD, BEFORE = 5.0, 100e-6, 2e-6
PULSES = 6  # until a train repeats itself


def device_rise(preset: str, c_pre: float, c_1: float, rho_2: float) -> Shape:
    """Light of a steady train as the detector shows it, 0 before the pulse and 1 in its last tenth for factors of 1.

    c_pre, c_1, rho_2: factors on the capacitance before turn-on, the shallow traps' and the deep traps' part: what one
    trace can tell apart, besides base and amplitude.
    """
    base, size = _levels(_settled(_plant(preset, 1.0, 1.0, 1.0)))
    pulse, _ = _settled(_plant(preset, c_pre, c_1, rho_2))

    def shape(t: Array) -> Array:
        return np.where(t > 0, (Plant.light_at(pulse, np.maximum(t, 0.0)) - base) / size, 0.0)

    return shape


def _plant(preset: str, c_pre: float, c_1: float, rho_2: float) -> Plant:
    plant = load_plant(preset)
    device = plant.device
    assert isinstance(device, Device)
    p = device.parameters
    changed = replace(p, c_pre=c_pre * p.c_pre, c_1=c_1 * p.c_1, rho_2=rho_2 * p.rho_2)
    return Plant(replace(device, parameters=changed), plant.detector, plant.monitor)


def _settled(plant: Plant) -> tuple[Segment, Segment]:
    """The response to the pulse, and to the end of the pulse before."""
    state = plant.rest()
    for _ in range(PULSES):
        pulse = plant.segment(state, VOLTS)
        dark = plant.segment(pulse.state_after(WIDTH), 0.0)
        state = dark.state_after(PERIOD - WIDTH)
    return plant.segment(state, VOLTS), dark


def _levels(segments: tuple[Segment, Segment]) -> tuple[float, float]:
    """Light before the pulse, and how much more there is in its last tenth, V."""
    pulse, dark = segments
    off = PERIOD - WIDTH
    base = float(Plant.light_at(dark, np.linspace(off - BEFORE, off, 2001)).mean())
    top = float(Plant.light_at(pulse, np.linspace(0.9 * WIDTH, WIDTH, 2001)).mean())
    return base, top - base
