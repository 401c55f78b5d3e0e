"""Link to an emulated board in this very process."""

import time
from collections.abc import Callable, Mapping

from trelscope.gateware.protocol import CLOCK_HZ
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.link import LinkError
from trelscope.host.link.realtime import RealTime
from trelscope.sim.compiler.build import CompileError
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import PresetError, load_plant

BATCH = CLOCK_HZ // 500  # cycles run at a time: 2 ms
REPLY_BATCH = 2_000  # while a request is under way


class EmulatorLink:
    """A board that runs only while its link is read: nothing is lost, however slow the reader.

    Time is the board's own. With `paced`, reading waits so that it does not run faster than the clock on the wall.
    """

    def __init__(
        self,
        preset: str,
        options: Mapping[str, str] | None = None,
        seed: int = 0,
        paced: bool = True,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.name = f"emulator:{preset}" + "".join(
            f"{'&' if n else '?'}{key}={value}"
            for n, (key, value) in enumerate((options or {}).items())
        )
        try:
            plant = load_plant(preset, options)
            self._board = EmulatedBoard(plant, seed, report=report)
        except (PresetError, CompileError) as error:
            raise LinkError(str(error)) from None
        self.front_end = FrontEnd.of(plant.detector, plant.monitor)
        self._pace = RealTime(self._board.time) if paced else None
        self._rx = b""
        self.restart_clock()

    def restart_clock(self) -> None:
        """Measure the real-time factor from now on."""
        self._factor_from = time.perf_counter(), self._board.time

    @property
    def realtime_factor(self) -> float:
        """Board time over wall time since the clock was last restarted."""
        wall, board = self._factor_from
        return (self._board.time - board) / max(time.perf_counter() - wall, 1e-9)

    def write(self, data: bytes) -> None:
        """Queue `data`; it goes in with the next read."""
        self._rx += data

    def read(self, timeout: float) -> bytes:
        """Run the board until it has sent something, `timeout` seconds of its time at most."""
        until = self._board.cycle + round(timeout * CLOCK_HZ)
        while True:
            batch = REPLY_BATCH if self._rx else min(BATCH, max(until - self._board.cycle, 1))
            sent, taken = self._board.run(batch, self._rx)
            self._rx = self._rx[taken:]
            if self._pace is not None:
                time.sleep(max(self._pace.ahead(self._board.time), 0.0))
            if sent or self._board.cycle >= until:
                return sent

    def clock(self) -> float:
        """The board's own time, which may run slower or faster than ours."""
        return self._board.time

    def trip(self, level: bool) -> None:
        """Drive the board's external interlock input."""
        self._board.trip(level)

    def close(self) -> None:
        """Switch the board off."""
        self._board.close()
