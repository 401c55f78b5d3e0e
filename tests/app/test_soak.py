"""`make soak`: an hour of server, window and a bad link. Nothing stops, and nothing grows.

TRELSCOPE_SOAK is the number of seconds, if it is not to be an hour.
"""

import gc
import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from trelscope.host.app.session.snapshot import SessionState
from trelscope.host.app.window import MainWindow
from trelscope.host.serve.faults import Faults
from trelscope.host.serve.server import Server
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import load_plant

LENGTH = float(os.environ.get("TRELSCOPE_SOAK", "3600"))  # s
WARM = LENGTH / 4  # s until all that is kept has been made
LOOKS = 20  # at what is in use, before and after the middle of the rest
MORE_MEMORY = (
    16 << 20
)  # bytes: a page of the history and what allocators keep; an average lost would be more an hour
PATIENCE = 60_000  # ms
# Bytes are lost and altered on the way, and now and then the connection ends.
FAULTS = [
    Faults(drop=3e-7, corrupt=3e-7, disconnect=20_000_000),
    Faults(corrupt=2e-6, stall=(3_000_000, 1.0), disconnect=9_000_000),
    Faults(slow=20_000, disconnect=6_000_000),
]


class Served:
    """One board after the other on the same port, each with faults of its own."""

    def __init__(self) -> None:
        self.address = "tcp://127.0.0.1:0"
        self._next = itertools.cycle(FAULTS)
        self.begin()

    def begin(self) -> None:
        """Serve a new board."""
        port = int(self.address.rpartition(":")[2])
        faults = next(self._next)
        self._server = Server(
            EmulatedBoard(load_plant("hr-1mm2")), "127.0.0.1", port, faults=faults
        )
        self.address = self._server.address
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

    def end(self) -> None:
        """Let it go."""
        self._server.stop()
        self._thread.join()
        self._server.close()


def in_use() -> tuple[int, int, int]:
    """Bytes of memory, descriptors, threads."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE"),
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
    )


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_an_hour_of_faults(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    monkeypatch.setattr("trelscope.host.app.session.connection.RETRY_EVERY", 0.2)
    served = Served()
    window = MainWindow(served.address, journals=tmp_path)
    qtbot.addWidget(window)
    window.show()
    begin = time.monotonic()
    looks: list[tuple[int, int, int]] = []
    averages: set[tuple[int, int]] = set()
    try:
        for look in range(2 * LOOKS):
            due = begin + WARM + (LENGTH - WARM) * (look + 1) / (2 * LOOKS)
            qtbot.waitUntil(lambda due=due: time.monotonic() >= due, timeout=int(2e3 * LENGTH))  # type: ignore[misc]
            if look % 5 == 4:
                served.end()
                served.begin()
            assert window.session.alive
            looks.append(in_use())
            data = window.session.snapshot.data
            if data is None:  # a new average has just been begun
                continue
            account = data.accounting
            assert account.pulses_averaged + account.pulses_missed + account.pulses_lost == (
                account.pulses_emitted
            )
            averages.add((data.number, data.accounting.pulses_averaged))
        until(lambda: window.session.snapshot.state is SessionState.RUNNING)
        assert len(averages) > LOOKS / 2  # it has gone on
        for what, most in zip(range(3), (MORE_MEMORY, 4, 2), strict=True):
            before, after = (
                sorted(each[what] for each in half) for half in (looks[:LOOKS], looks[LOOKS:])
            )
            assert after[LOOKS // 2] <= before[LOOKS // 2] + most, looks
    finally:
        window.close()
        until(lambda: not window.session.alive)
        served.end()
