"""All that is between the gate and the ADCs: device, light detector and drive monitor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trelscope.sim.physics.detector import Detector, DriveMonitor
from trelscope.sim.physics.device import DRIVER, Device, DevicePiece
from trelscope.sim.physics.expsum import ExpSum, Floats, constant
from trelscope.sim.physics.photon_counter import PhotonCounter
from trelscope.sim.physics.pulsed_light import PulsedLight

NEGLIGIBLE = 1e-10
"""V at an ADC below which an exponential term is dropped (an ADC step is 6 uV)."""

WEAR_STEP = 5e-4
"""Half-lives a device may age before it is worth another segment: 0.035 % of its light.

A segment knows the age it began at, and only `Plant.aged` moves that on, so between two steps the
segments of a steady train repeat as those of a device that does not age.
"""


@dataclass(frozen=True, eq=False)
class SignalPiece:
    """What the channels see from `start` [s after the gate edge] on; their time starts there.

    Volts at the ADCs, and with a `PhotonCounter` the rate of its pulses, 1/s, for the light.
    """

    start: float
    light: ExpSum
    drive: ExpSum


@dataclass(frozen=True, eq=False)
class Segment:
    """The response to one gate edge, valid until the next one, however late that comes."""

    pieces: tuple[SignalPiece, ...]
    device_pieces: tuple[DevicePiece, ...]

    def state_after(self, dt: float) -> Floats:
        """The state [V] at `dt` [s] after the edge: device, then detector; as old as at the edge."""
        piece = next(piece for piece in reversed(self.pieces) if piece.start <= dt)
        device = Device.state_after(self.device_pieces, dt)
        return np.append(device, piece.light.at(dt - piece.start))


class Plant:
    """A device, the detector that looks at its light and the monitor on its drive."""

    def __init__(
        self,
        device: Device | PulsedLight,
        detector: Detector | PhotonCounter,
        monitor: DriveMonitor,
    ) -> None:
        self.device = device
        self.detector = detector
        self.monitor = monitor

    def rest(self) -> Floats:
        """The state [V] after a long time at 0 V: device states, then volts at ADC A."""
        return np.append(self.device.rest(), self.detector.dark_signal)

    def segment(self, state: Floats, volts: float) -> Segment:
        """The response from `state` on to a gate edge after which the drive is `volts`."""
        detector, monitor = self.detector, self.monitor
        gain = detector.signal_per_luminance(self.device.area)
        dark = constant(detector.dark_signal)
        offset = constant(monitor.offset)
        device_pieces = tuple(self.device.respond(state[:-1], volts))
        output = float(state[-1])
        pieces = []
        for piece in device_pieces:
            arriving = self.device.luminance(piece).scale(gain).pruned(0.0) + dark
            light = arriving.low_pass(detector.tau, output).pruned(NEGLIGIBLE)
            drive = (piece.signal(DRIVER).scale(monitor.ratio) + offset).pruned(NEGLIGIBLE)
            pieces.append(SignalPiece(piece.start, light, drive))
            output = light.at(piece.end - piece.start)
        return Segment(tuple(pieces), device_pieces)

    def wear(self, segment: Segment, dt: float) -> float:
        """Half-lives that the device ages in the first `dt` [s] of `segment`; 0 if it does not."""
        return self.device.wear(segment.device_pieces, dt)

    @staticmethod
    def aged(state: Floats, wear: float) -> Floats:
        """`state` of a device that ages, `wear` half-lives older."""
        return np.append(Device.aged(state[:-1], wear), state[-1])

    @staticmethod
    def light_at(segment: Segment, t: Floats) -> Floats:
        """Volts at ADC A at the times `t` [s after the edge], in the shape of `t`."""
        return _evaluate(segment, t, lambda piece: piece.light)

    @staticmethod
    def drive_at(segment: Segment, t: Floats) -> Floats:
        """Volts at ADC B at the times `t` [s after the edge], in the shape of `t`."""
        return _evaluate(segment, t, lambda piece: piece.drive)


def _evaluate(segment: Segment, t: Floats, signal: Callable[[SignalPiece], ExpSum]) -> Floats:
    values = np.empty(np.shape(t))
    starts = np.array([piece.start for piece in segment.pieces])
    owner = np.searchsorted(starts, t, side="right") - 1
    for index, piece in enumerate(segment.pieces):
        mine = owner == index
        values[mine] = signal(piece)(t[mine] - piece.start)
    return values
