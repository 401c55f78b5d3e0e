"""The gateware in the emulator's harness, compiled as the emulator is, or another way."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trelscope.host.bench.rows import BenchError, Report
from trelscope.host.bench.workload import FRAME, commands
from trelscope.host.link.urls import DEFAULT_SOURCE
from trelscope.sim.compiler.build import CompileError
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.detector import Detector
from trelscope.sim.physics.plant import Plant
from trelscope.sim.presets.presets import load_plant

FAR = 1e6  # V full scale: no signal reaches the first code
PRESET = DEFAULT_SOURCE.partition(":")[2]


def blind_plant() -> Plant:
    """The default device before ADCs that always give 0, as those engines have it that no device is attached to."""
    plant = load_plant(PRESET)
    assert isinstance(plant.detector, Detector)
    light = replace(plant.detector, full_scale=FAR, adc_snr_db=1e3)
    return Plant(plant.device, light, replace(plant.monitor, full_scale=FAR))


def board(plant: Plant, fast_forward: bool, report: Report) -> EmulatedBoard:
    """The emulated board. Raises BenchError."""
    try:
        return EmulatedBoard(plant, fast_forward=fast_forward, report=report)
    except CompileError as error:
        raise BenchError(str(error)) from None


class Compiled:
    """An `Engine` made of a board with a `blind_plant`, without fast-forward."""

    block = 100 * FRAME

    def __init__(self, key: str, name: str, board: EmulatedBoard) -> None:
        self.key, self.name = key, name
        self._board = board
        self._rx = commands()

    def watch(self, cycles: int) -> NDArray[np.uint32]:
        """Run so many further cycles with test equipment at the pins; what each showed."""
        words, taken = self._board.probe(cycles, self._rx)
        self._rx = self._rx[taken:]
        return words

    def run(self, cycles: int) -> float:
        """Run so many further cycles with device, noise and ADCs; the seconds it took of its core."""
        begin = time.process_time()
        _, taken = self._board.run(cycles, self._rx)
        seconds = time.process_time() - begin
        self._rx = self._rx[taken:]
        return seconds

    def close(self) -> None:
        """Let go of the board."""
        self._board.close()
