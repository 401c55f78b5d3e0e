"""Link to an emulated board in this very process."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from trelscope.gateware.protocol import CLOCK_HZ
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.link import LinkError
from trelscope.host.link.realtime import RealTime
from trelscope.sim.compiler.build import CompileError
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import PresetError, load_plant

BATCH = CLOCK_HZ // 500  # cycles run at a time: 2 ms
REPLY_BATCH = 2_000  # while a request is under way
# While a stream is read: long, since handing over takes the interpreter's lock.
AHEAD_BATCH = CLOCK_HZ // 60


class EmulatorLink:
    """A board that runs only while its link is read: nothing is lost, however slow the reader.

    Time is the board's own. With `paced`, reading waits so that it does not run faster than the clock on the wall.

    While a stream is read, the board runs one batch ahead in a thread of its own, so that board and host each have
    a core. A request goes in after that batch. Which batch follows which depends on the calls alone, never on how
    fast either side is: what the board sends is the same every time. Without `ahead` it runs in the reader's thread.
    """

    def __init__(
        self,
        preset: str,
        options: Mapping[str, str] | None = None,
        seed: int = 0,
        paced: bool = True,
        report: Callable[[str], None] = lambda line: None,
        ahead: bool = True,
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
        self._rx, self._closed = b"", False
        self._cycle = self._board.cycle  # up to which everything sent has been read
        self._may_run_ahead = ahead
        self._thread = ThreadPoolExecutor(1, "emulated board")
        self._ahead: Future[tuple[bytes, int]] | None = None
        self.processor_time = 0.0
        """Seconds that a core has worked for the board itself."""
        self.restart_clock()

    def restart_clock(self) -> None:
        """Measure the real-time factor from now on."""
        self._factor_from = time.perf_counter(), self.clock()

    @property
    def realtime_factor(self) -> float:
        """Board time over wall time since the clock was last restarted."""
        wall, board = self._factor_from
        return (self.clock() - board) / max(time.perf_counter() - wall, 1e-9)

    def write(self, data: bytes) -> None:
        """Queue `data`; it goes in with the next read."""
        self._rx += data

    def read(self, timeout: float) -> bytes:
        """What the board sends next; b"" after `timeout` seconds of its time, or up to one batch more."""
        self._check_open()
        until = self._cycle + round(timeout * CLOCK_HZ)
        streaming = self._may_run_ahead and not self._rx
        while True:
            if self._ahead is not None:
                cycles, (sent, taken) = AHEAD_BATCH, self._ahead.result()
                self._ahead = None
            else:
                cycles = REPLY_BATCH if self._rx else min(BATCH, max(until - self._cycle, 1))
                sent, taken = self._evaluate(cycles, self._rx)
            self._cycle += cycles
            self._rx = self._rx[taken:]
            if streaming:
                self._ahead = self._thread.submit(self._evaluate, AHEAD_BATCH, b"")
            if self._pace is not None:
                time.sleep(max(self._pace.ahead(self.clock()), 0.0))
            if sent or self._cycle >= until:
                return sent

    def clock(self) -> float:
        """The board's own time, which may run slower or faster than ours."""
        return self._cycle / CLOCK_HZ

    def trip(self, level: bool) -> None:
        """Drive the board's external interlock input."""
        self._check_open()
        self._wait()
        self._board.trip(level)

    def close(self) -> None:
        """Switch the board off, whatever has become of the batch that runs ahead."""
        self._closed = True
        self._thread.shutdown()  # waits for it
        self._board.close()

    def _wait(self) -> None:
        """Until the batch that runs ahead has ended; what it has sent is read later."""
        if self._ahead is not None:
            self._ahead.result()

    def _check_open(self) -> None:
        """Raises LinkError: there is no board any more."""
        if self._closed:
            raise LinkError(f"{self.name}: the link is closed; open it again")

    def _evaluate(self, cycles: int, rx: bytes) -> tuple[bytes, int]:
        """What the board sends in so many cycles, and how many bytes of `rx` it has taken."""
        before = time.thread_time()
        result = self._board.run(cycles, rx)
        self.processor_time += time.thread_time() - before
        return result
