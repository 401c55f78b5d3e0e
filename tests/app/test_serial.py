"""The window on a board at a serial port, and what it does when the cable is pulled."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.host.pty_board import PtyBoard
from trelscope.host.app.session.snapshot import SessionState
from trelscope.host.app.window import MainWindow

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PATIENCE = 60_000  # ms: the first test may have to compile the emulator


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A name that stays when the pseudo-terminal behind it does not."""
    return tmp_path / "ttyUSB0"


@pytest.fixture
def plug(device: Path) -> Iterator[list[PtyBoard]]:
    """Boards that have been plugged in, the last one now."""
    boards: list[PtyBoard] = []
    yield boards
    for board in boards:
        board.close()


def plug_in(device: Path, boards: list[PtyBoard]) -> None:
    boards.append(PtyBoard(speed=1.0))
    device.symlink_to(boards[-1].device)
    boards[-1].start()


def test_a_pulled_cable_is_said_the_data_stay_and_it_opens_again(
    qtbot: QtBot, device: Path, plug: list[PtyBoard]
) -> None:
    plug_in(device, plug)
    window = MainWindow(f"serial:{device}")
    qtbot.addWidget(window)
    window.show()

    def pulses() -> int:
        data = window.session.snapshot.data
        return data.accounting.pulses_averaged if data else 0

    qtbot.waitUntil(lambda: pulses() > 600, timeout=PATIENCE)
    device.unlink()
    plug.pop().close()
    qtbot.waitUntil(lambda: "the port has gone" in window.banner.message.text(), timeout=PATIENCE)
    assert window.session.snapshot.state is SessionState.LOST
    assert pulses() > 600
    qtbot.waitUntil(lambda: "there is no port" in window.banner.message.text(), timeout=PATIENCE)
    before = window.session.snapshot.data
    plug_in(device, plug)
    qtbot.waitUntil(
        lambda: pulses() > 0 and window.session.snapshot.data is not before, timeout=PATIENCE
    )
    assert window.session.snapshot.state is SessionState.RUNNING
    window.close()
    qtbot.waitUntil(lambda: not window.session.alive, timeout=PATIENCE)
