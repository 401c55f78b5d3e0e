"""The linearised device against its circuit drawn out by hand, and against a sine through the full model."""

import numpy as np
import pytest

from trelscope.sim.physics.device import CONTACT, DRIVER, Device
from trelscope.sim.physics.expsum import Floats
from trelscope.sim.physics.impedance import admittance, capacitance, impedance
from trelscope.sim.presets.presets import load_plant

FREQUENCIES = np.geomspace(1.0, 1e9, 37)

PRESETS = ["control-4mm2", "bmim3-4mm2", "bmim3-1mm2", "hr-1mm2"]


def ladder(device: Device, frequency: Floats, bias: float) -> np.ndarray:
    """Impedance of the circuit of Fig. 3e in series and parallel connections, in ohm."""
    s = 2j * np.pi * frequency
    p, area, x_nt = device.parameters, device.dot_area, device.material.x_Nt
    if bias < p.V_on:
        return p.R_s + 1.0 / (s * device.capacitance_off)
    traps = sum(
        1.0 / (tau / c + 1.0 / (s * c))
        for tau, c in ((p.tau_1, p.c_1 * x_nt), (p.tau_2, p.c_1 * x_nt * p.rho_2))
    )
    dots = (device.injection_resistance(bias) + 1.0 / (1.0 / p.r_q + traps)) / area
    return p.R_s + 1.0 / (s * device.capacitance_on + 1.0 / dots)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("bias", [0.0, 1.0, 2.38, 2.39, 3.0, 7.0])
def test_the_impedance_is_that_of_the_ladder(name: str, bias: float) -> None:
    device = load_plant(name).device
    z, expected = impedance(device, FREQUENCIES, bias), ladder(device, FREQUENCIES, bias)
    assert np.abs(z / expected - 1.0).max() < 1e-9


@pytest.mark.parametrize(("bias", "frequency"), [(1.0, 200e3), (4.0, 20e3), (4.0, 200e3)])
def test_a_small_sine_through_the_device_sees_that_impedance(bias: float, frequency: float) -> None:
    """Voltage and current at the terminals of the whole model, driven in 64 small steps a period."""
    device = load_plant("bmim3-1mm2").device
    steps, samples, periods = 64, 16, 6
    step = 1.0 / frequency / steps
    within = (np.arange(samples) + 0.5) * step / samples
    settled = device.respond(device.rest(), bias)[-1].const
    state, volts, amperes = settled, [], []
    for k in range(periods * steps):
        pieces = device.respond(state, bias + 1e-3 * np.sin(2 * np.pi * k / steps))
        if k >= (periods - 1) * steps:
            seen = np.array([device.state_after(pieces, float(t)) for t in within])
            volts.append(seen[:, DRIVER])
            amperes.append((seen[:, DRIVER] - seen[:, CONTACT]) / device.parameters.R_s)
        state = device.state_after(pieces, step)
    phase = np.exp(-2j * np.pi * (np.arange(steps * samples) + 0.5) / (steps * samples))
    v, i = (np.concatenate(x) @ phase for x in (volts, amperes))
    assert v / i == pytest.approx(impedance(device, np.array([frequency]), bias)[0], rel=0.01)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("bias", [1.0, 5.0])
def test_the_device_is_passive(name: str, bias: float) -> None:
    assert admittance(load_plant(name).device, FREQUENCIES, bias).real.min() > 0.0


def test_capacitance_over_voltage_as_the_paper_tells_it() -> None:
    """Below turn-on that of BMIM-3 is lower than the control's, and less in either above than the control's below."""
    kilohertz = np.array([1e3])
    control, bmim3 = (load_plant(n).device for n in ("control-4mm2", "bmim3-4mm2"))
    below = [float(capacitance(device, kilohertz, 2.3)[0]) for device in (control, bmim3)]
    above = [float(capacitance(device, kilohertz, 2.5)[0]) for device in (control, bmim3)]
    assert below[0] == pytest.approx(control.capacitance_off, rel=1e-3)
    assert below[0] > 1.5 * below[1]
    assert above[0] < below[0]
    assert above[1] < below[1]


def test_bmim3_has_the_smaller_nyquist_plot() -> None:
    """Real and imaginary part, as in Fig. 3e; above turn-on, where the model conducts."""
    frequency = np.geomspace(20.0, 1e4, 20)
    control, bmim3 = (
        impedance(load_plant(n).device, frequency, 3.0) for n in ("control-4mm2", "bmim3-4mm2")
    )
    assert (np.abs(bmim3.real) < np.abs(control.real)).all()
    assert np.abs(bmim3.imag).max() < np.abs(control.imag).max()
