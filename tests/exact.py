"""Averaged traces of the device model without an emulator: exact bin means, the converters' noise, exact times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from trelscope.gateware.protocol import CYCLE_NS
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import CaptureRequest
from trelscope.host.settings import Settings, exact_period
from trelscope.sim.physics.detector import Detector
from trelscope.sim.physics.device import Device
from trelscope.sim.physics.expsum import ExpSum
from trelscope.sim.physics.plant import Plant, Segment
from trelscope.sim.presets.presets import load_plant

Array = NDArray[np.float64]
DEPTH = 16384
SETTLED = 6  # pulses until a train repeats itself
Pieces = list[tuple[float, ExpSum]]


@dataclass(frozen=True, eq=False)
class Train:
    """A steady train: what both channels see of each pulse, in V, and the light itself, as sums of exponentials.

    A piece is valid from its start (s from the launch) to the next one's, its time counted from there.
    """

    plant: Plant
    settings: Settings
    front_end: FrontEnd
    light: Pieces
    drive: Pieces
    luminance: Pieces

    @classmethod
    def of(cls, preset: str, request: CaptureRequest, **overrides: str) -> "Train":
        plant = load_plant(preset, overrides)
        settings = request.plan(DEPTH)
        period = float(exact_period(settings.rate)) * CYCLE_NS * 1e-9
        state = plant.rest()
        for _ in range(SETTLED):
            pulse = plant.segment(state, settings.volts)
            dark = plant.segment(pulse.state_after(settings.width), 0.0)
            state = dark.state_after(period - settings.width)
        pulse = plant.segment(state, settings.volts)
        parts = [(settings.width - period, dark), (0.0, pulse), (settings.width, dark)]
        return cls(
            plant,
            settings,
            FrontEnd.of(plant.detector, plant.monitor),
            [(at + p.start, p.light) for at, s in parts for p in s.pieces],
            [(at + p.start, p.drive) for at, s in parts for p in s.pieces],
            [piece for at, s in parts for piece in _luminance(plant, s, at)],
        )

    def traces(self, pulses: int, rng: np.random.Generator) -> tuple[Trace, Trace]:
        """Light and drive averaged over `pulses`, with the noise that so many samples have, its size known."""
        s, f, detector, monitor = (
            self.settings,
            self.front_end,
            self.plant.detector,
            self.plant.monitor,
        )
        assert isinstance(detector, Detector)
        samples = pulses * s.bin * 1e9 / CYCLE_NS
        light, drive = self._means(self.light), self._means(self.drive)
        shot = detector.shot_variance_per_volt * np.maximum(light - detector.dark_signal, 0.0)
        rounding = [(v / 2**14) ** 2 / 12 for v in (detector.full_scale, monitor.full_scale)]
        light_se = np.sqrt((detector.noise_floor_variance + shot + rounding[0]) / samples)
        drive_se = np.full(s.bins, np.sqrt((monitor.noise**2 + rounding[1]) / samples))
        return (
            Trace(s.times(), light + light_se * rng.standard_normal(s.bins), light_se, pulses),
            Trace(
                s.times(),
                (drive + drive_se * rng.standard_normal(s.bins)) / monitor.ratio
                + f.drive_volts_at_zero,
                drive_se / monitor.ratio,
                pulses,
            ),
        )

    def truth(self) -> dict[str, float]:
        """Onset and response of the light itself from the 50 % instant of the drive, s."""
        width = self.settings.width
        ends = (
            np.linspace(self.settings.window_start, 0, 2001),
            np.linspace(0.9 * width, width, 2001),
        )
        base, top = (float(_at(self.luminance, t).mean()) for t in ends)
        half = self._passes(self.drive, 0.5, *(float(_at(self.drive, t)[-1]) for t in ends))
        instants = {part: self._passes(self.luminance, part, base, top) for part in (0.1, 0.9)}
        return {"onset": instants[0.1] - half, "response": instants[0.9] - half}

    def _passes(self, pieces: Pieces, part: float, base: float, top: float) -> float:
        """Where a signal first passes a part of the way from base to top, s."""
        level = base + part * (top - base)

        def above(t: float) -> float:
            return float(_at(pieces, np.array([t]))[0]) - level

        t = np.concatenate(([0.0], np.geomspace(1e-11, self.settings.width, 2001)))
        first = int(np.argmax(_at(pieces, t) > level))
        return float(brentq(above, t[first - 1], t[first], xtol=1e-17))

    def _means(self, pieces: Pieces) -> Array:
        """(bins,) means over the sample instants of each bin."""
        s = self.settings
        count = round(s.bin / s.spacing)
        first = s.times() - (count - 1) / 2 * s.spacing
        last = first + (count - 1) * s.spacing
        starts = np.array([start for start, _ in pieces])
        owner = np.searchsorted(starts, first + 1e-13, side="right") - 1
        mean = np.empty(s.bins)
        for k, (start, signal) in enumerate(pieces):
            mine = owner == k
            # a geometric sum
            x = signal.rates * s.spacing
            shrunk = signal.amps * np.expm1(-count * x) / np.expm1(-x) / count
            mean[mine] = ExpSum(signal.const, shrunk, signal.rates)(first[mine] - start)
        split = np.flatnonzero(owner != np.searchsorted(starts, last + 1e-13, side="right") - 1)
        for k in split:
            mean[k] = _at(pieces, first[k] + s.spacing * np.arange(count)).mean()
        return mean


def _luminance(plant: Plant, segment: Segment, at: float) -> Pieces:
    """cd/m2."""
    device = plant.device
    assert isinstance(device, Device)
    return [(at + piece.start, device.luminance(piece)) for piece in segment.device_pieces]


def _at(pieces: Pieces, t: Array) -> Array:
    starts = np.array([start for start, _ in pieces])
    owner = np.searchsorted(starts, t + 1e-13, side="right") - 1
    values = np.empty(t.shape)
    for k, (start, signal) in enumerate(pieces):
        values[owner == k] = signal(np.maximum(t[owner == k] - start, 0.0))
    return values
