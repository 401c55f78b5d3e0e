"""Whole acquisitions on emulated boards, unpaced: device, noise, gateware, link, frames, averaging."""

import time
from dataclasses import dataclass

from trelscope.gateware.protocol import CLOCK_HZ
from trelscope.host.acquisition.acquisition import LIGHT, Acquisition
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.bench.compiled import PRESET
from trelscope.host.bench.rows import BenchError
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.settings import Settings
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.plant import Plant

POLL = 0.005  # s of the board's time, as the window has it


@dataclass(frozen=True)
class Sample:
    """What went by while it was measured.

    board: s of the board's time; wall, busy: s on the clock, and s of that in which this process ran; cycles: of the
    gateware that were evaluated, not jumped over.
    """

    board: float
    wall: float
    busy: float
    cycles: int

    @property
    def factor(self) -> float:
        """Times real time."""
        return self.board / self.wall

    @property
    def efficiency(self) -> float:
        """Seconds of the board's time for a second of the core: what a busy machine does not change."""
        return self.board / self.busy

    @property
    def speed(self) -> float:
        """Cycles evaluated per second."""
        return self.cycles / self.wall


class Live:
    """One acquisition without end, which goes on only while it is measured."""

    def __init__(self, name: str, plant: Plant, board: EmulatedBoard, settings: Settings) -> None:
        self.name = name
        self._board = board
        self._link = _Listening(plant, board)
        self._instrument = Instrument(self._link)
        self._acquisition = Acquisition(self._instrument, settings)

    def settle(self, frames: int) -> None:
        """Get past the start: until a few frames have come, the emulator meets states of the device that are new."""
        taken = 0
        while taken < frames:
            taken += len(self._acquisition.poll(POLL))

    def measure(self, seconds: float) -> Sample:
        """Go on for so long on the clock. Raises BenchError if anything got lost."""
        board = self._board
        cycle, jumped = board.cycle, board.jumped
        busy, begin = time.process_time(), time.perf_counter()
        while time.perf_counter() - begin < seconds:
            self._acquisition.poll(POLL)
        wall = time.perf_counter() - begin
        cycles = board.cycle - cycle
        account = self._acquisition.accounting
        if account.crc_errors or account.frames_lost or account.pulses_missed:
            raise BenchError(f"{self.name}: pulses were lost, so this does not count: {account}")
        return Sample(
            cycles / CLOCK_HZ,
            wall,
            time.process_time() - busy,
            cycles - (board.jumped - jumped),
        )

    @property
    def counts(self) -> float:
        """Photons counted per second of the board's time, in the latest frame."""
        frame = self._acquisition.last_frame
        assert frame is not None
        return float(frame.sums[LIGHT].sum() / frame.pulses * self._acquisition.settings.rate)

    @property
    def sent(self) -> bytes:
        """The bytes the board has sent first."""
        return bytes(self._link.heard)

    def close(self) -> None:
        """Switch it off."""
        self._instrument.close()


class _Listening(EmulatorLink):
    """The link to a given board, unpaced, that remembers the first bytes sent.

    The board runs in the reader's thread: another would not stay on the core that is measured, and would go on while
    the next board is measured.
    """

    ENOUGH = 500_000  # bytes

    def __init__(self, plant: Plant, board: EmulatedBoard) -> None:
        super().__init__(PRESET, paced=False, ahead=False)
        self._board.close()
        self._board = board
        self.front_end = FrontEnd.of(plant.detector, plant.monitor)
        self.heard = bytearray()

    def read(self, timeout: float) -> bytes:
        """Run the board until it has sent something, `timeout` seconds of its time at most."""
        sent = super().read(timeout)
        if len(self.heard) < self.ENOUGH:
            self.heard += sent
        return sent
