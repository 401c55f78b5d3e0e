"""V_H: the voltage that the drive switch passes on to the device, which follows the level DAC with a delay."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Supply:
    """Level amplifier and buffer capacitor.

    rise: s, time constant with which V_H approaches a higher level. fall: s, time constant with which the buffer is
    discharged towards 0 V until V_H has reached a lower level.
    """

    rise: float = 0.0
    fall: float = 0.0


IDEAL = Supply()
"""Follows at once."""

BUFFER, BLEEDER = 10e-6, 1e3
"""F and ohm: the buffer capacitor, and the resistor that discharges it (docs/hardware.md)."""

OF_A_BOARD = Supply(rise=1e-3, fall=BUFFER * BLEEDER)
"""As docs/hardware.md has it; an amplifier that gives 0.1 A charges the buffer within `rise`."""
