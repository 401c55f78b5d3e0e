"""All that is between the gate and the ADCs: device, light detector and drive monitor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.detector import Detector, DriveMonitor
from sim.device import DRIVER, Device, DevicePiece
from sim.expsum import ExpSum, Floats

NEGLIGIBLE = 1e-10
"""V at an ADC below which an exponential term is dropped (an ADC step is 6 uV)."""


@dataclass(frozen=True, eq=False)
class SignalPiece:
    """Both ADC inputs in volts from `start` [s after the gate edge] on; their time starts there."""

    start: float
    light: ExpSum
    drive: ExpSum


@dataclass(frozen=True, eq=False)
class Segment:
    """The response to one gate edge, valid until the next one, however late that comes."""

    pieces: tuple[SignalPiece, ...]
    device_pieces: tuple[DevicePiece, ...]

    def state_after(self, dt: float) -> Floats:
        """The state [V], shape (STATES + 1,), at `dt` [s] after the edge: device, then detector."""
        piece = next(piece for piece in reversed(self.pieces) if piece.start <= dt)
        device = Device.state_after(self.device_pieces, dt)
        return np.append(device, piece.light.at(dt - piece.start))


class Plant:
    """A device, the detector that looks at its light and the monitor on its drive."""

    def __init__(self, device: Device, detector: Detector, monitor: DriveMonitor) -> None:
        self.device = device
        self.detector = detector
        self.monitor = monitor

    def rest(self) -> Floats:
        """The state [V] after a long time at 0 V: device states, then volts at ADC A."""
        return np.append(self.device.rest(), self.detector.dark_volts)

    def segment(self, state: Floats, volts: float) -> Segment:
        """The response from `state` on to a gate edge after which the drive is `volts`."""
        detector, monitor = self.detector, self.monitor
        gain = detector.volts_per_luminance(self.device.area)
        dark = _constant(detector.dark_volts)
        offset = _constant(monitor.offset)
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

    @staticmethod
    def light_at(segment: Segment, t: Floats) -> Floats:
        """Volts at ADC A at the times `t` [s after the edge], in the shape of `t`."""
        return _evaluate(segment, t, lambda piece: piece.light)

    @staticmethod
    def drive_at(segment: Segment, t: Floats) -> Floats:
        """Volts at ADC B at the times `t` [s after the edge], in the shape of `t`."""
        return _evaluate(segment, t, lambda piece: piece.drive)


def _constant(value: float) -> ExpSum:
    return ExpSum(value, np.empty(0), np.empty(0))


def _evaluate(segment: Segment, t: Floats, signal: Callable[[SignalPiece], ExpSum]) -> Floats:
    values = np.empty(np.shape(t))
    starts = np.array([piece.start for piece in segment.pieces])
    owner = np.searchsorted(starts, t, side="right") - 1
    for index, piece in enumerate(segment.pieces):
        mine = owner == index
        values[mine] = signal(piece)(t[mine] - piece.start)
    return values
