"""Small-signal impedance and capacitance of a device, as an impedance analyser at its terminals sees them.

The equations are those of `Device.equations`, taken on the side of the hinge where the bias settles and driven with
the terminal voltage in place of the driver's.  They are linear there, so this is the response to any voltage that does
not cross the turn-on; the injection resistance is a property of the drive level and stays that of the bias.
Compare Zhang et al., Fig. 3e (Nyquist plot) and 3f (capacitance over voltage).
"""

import numpy as np
from numpy.typing import NDArray

from trelscope.sim.physics.device import CONTACT, DRIVER, STATES, Device
from trelscope.sim.physics.expsum import Floats

Complexes = NDArray[np.complex128]


def admittance(device: Device, frequency: Floats, bias: float) -> Complexes:
    """I/V in S at each `frequency` [Hz], shape (n,), around a settled `bias` [V]. V is across lead and device."""
    matrix = device.equations(bias, conducting=bias > device.parameters.V_on)[:, :STATES]
    inner, driven = matrix[CONTACT:, CONTACT:], matrix[CONTACT:, DRIVER]  # the driver is the first
    s = 2j * np.pi * frequency[:, np.newaxis, np.newaxis]
    # of 1 V at the terminals: the states, then the current through the lead
    response = np.linalg.solve(s * np.eye(len(inner)) - inner, driven[:, np.newaxis])
    return np.asarray((1.0 - response[:, 0, 0]) / device.parameters.R_s, np.complex128)


def impedance(device: Device, frequency: Floats, bias: float) -> Complexes:
    """V/I in ohm; arguments as of `admittance`."""
    return np.asarray(1.0 / admittance(device, frequency, bias), np.complex128)


def capacitance(device: Device, frequency: Floats, bias: float) -> Floats:
    """Im(I/V) / omega in F, what an analyser set to a parallel RC shows; arguments as of `admittance`."""
    value: Floats = admittance(device, frequency, bias).imag / (2.0 * np.pi * frequency)
    return value
