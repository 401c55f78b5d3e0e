"""Emulated boards whose front end is wired wrongly."""

from collections.abc import Callable
from dataclasses import replace

from numpy.typing import NDArray

from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.link.emulator import EmulatorLink
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.expsum import constant
from trelscope.sim.physics.plant import Plant, Segment, SignalPiece
from trelscope.sim.presets.presets import load_plant

PRESET = "bmim3-1mm2"
SUPPLY = 5.0  # V at a switch that inverts

Wiring = Callable[[SignalPiece, Plant], SignalPiece]


def as_it_should_be(piece: SignalPiece, plant: Plant) -> SignalPiece:
    return piece


def swapped_channels(piece: SignalPiece, plant: Plant) -> SignalPiece:
    return replace(piece, light=piece.drive, drive=piece.light)


def no_driver(piece: SignalPiece, plant: Plant) -> SignalPiece:
    dark = constant(plant.detector.dark_signal)
    return replace(piece, light=dark, drive=constant(plant.monitor.offset))


def inverting_driver(piece: SignalPiece, plant: Plant) -> SignalPiece:
    monitor = plant.monitor
    high = constant(2 * monitor.offset + SUPPLY * monitor.ratio)
    return replace(piece, drive=high + piece.drive.scale(-1.0))


def low_reference(piece: SignalPiece, plant: Plant) -> SignalPiece:
    offset = plant.monitor.offset
    return replace(piece, drive=piece.drive.scale(0.8) + constant(0.2 * offset))


def switch_leaks(piece: SignalPiece, plant: Plant) -> SignalPiece:
    return replace(piece, drive=piece.drive + constant(1.0 * plant.monitor.ratio))


class WiredPlant(Plant):
    """A plant behind other wires."""

    def __init__(self, plant: Plant, wiring: Wiring) -> None:
        super().__init__(plant.device, plant.detector, plant.monitor)
        self._wiring = wiring

    def segment(self, state: NDArray, volts: float) -> Segment:
        right = super().segment(state, volts)
        return replace(right, pieces=tuple(self._wiring(piece, self) for piece in right.pieces))


class FaultyLink(EmulatorLink):
    """A link to an emulated board. interlock: what its pin reads whatever is done; None: what is done."""

    def __init__(self, wiring: Wiring = as_it_should_be, interlock: bool | None = None) -> None:
        super().__init__(PRESET, paced=False)
        self._board.close()
        plant = WiredPlant(load_plant(PRESET, {}), wiring)
        self._board = EmulatedBoard(plant, seed=1)
        self.name = "emulator:faulty"
        self.front_end = FrontEnd.of(plant.detector, plant.monitor)
        self._interlock = interlock
        self.trip(False)

    def trip(self, level: bool) -> None:
        super().trip(level if self._interlock is None else self._interlock)
