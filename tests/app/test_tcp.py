"""The window on a served board, and what it does when that goes away."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from trelscope.host.app.session.snapshot import AverageData, SessionState
from trelscope.host.app.window import MainWindow
from trelscope.host.serve.faults import Faults
from trelscope.host.serve.server import Server
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import load_plant

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PATIENCE = 60_000  # ms: the first test may have to compile the emulator
Serve = Callable[..., tuple[str, Callable[[], None]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a board on a port; gives its source and what ends it."""
    ends: list[Callable[[], None]] = []

    def start(port: int, faults: Faults | None = None) -> tuple[str, Callable[[], None]]:
        server = Server(EmulatedBoard(load_plant("hr-1mm2")), "127.0.0.1", port, faults=faults)
        thread = threading.Thread(target=server.run)
        thread.start()

        def end() -> None:
            server.stop()
            thread.join()
            server.close()
            ends.remove(end)

        ends.append(end)
        return server.address, end

    yield start
    for end in list(ends):
        end()


def test_a_lost_server_is_said_the_data_stay_and_it_connects_again(
    qtbot: QtBot, serve: Serve
) -> None:
    source, end = serve(0)
    window = MainWindow(source)
    qtbot.addWidget(window)
    window.show()

    def pulses() -> int:
        data = window.session.snapshot.data
        return data.accounting.pulses_averaged if data else 0

    qtbot.waitUntil(lambda: pulses() > 600, timeout=PATIENCE)
    window.refresh()
    assert window.banner.factor.text() == ""
    assert source in window.banner.name.text()
    assert window.banner.badge.text() == "EMULATOR"
    assert window.windowTitle() == f"trelscope — EMULATOR {source}"
    end()
    qtbot.waitUntil(
        lambda: "the connection is lost" in window.banner.message.text(), timeout=PATIENCE
    )
    assert window.session.snapshot.state is SessionState.LOST
    assert pulses() > 600
    assert window.traces.mean.getData()[0].size > 0
    qtbot.waitUntil(lambda: "nobody listens" in window.banner.message.text(), timeout=PATIENCE)
    assert pulses() > 600
    before = window.session.snapshot.data
    serve(int(source.rpartition(":")[2]))
    qtbot.waitUntil(
        lambda: pulses() > 0 and window.session.snapshot.data is not before, timeout=PATIENCE
    )
    assert window.session.snapshot.state is SessionState.RUNNING
    # This board has started anew, and would repeat the noise of the one before.
    assert window.session.snapshot.data.segments == 1
    assert window.session.snapshot.data.number == 2
    window.refresh()
    assert window.references.kept[-1].data is before
    assert "kept as a reference" in window.log.toPlainText()
    window.close()
    qtbot.waitUntil(lambda: not window.session.alive, timeout=PATIENCE)


def test_after_an_unplug_the_average_goes_on_in_a_new_segment(
    qtbot: QtBot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trelscope.host.app.session.connection.RETRY_EVERY", 0.1)
    source, _ = serve(0, Faults(disconnect=1_200_000))  # about nine frames
    window = MainWindow(source)
    qtbot.addWidget(window)
    window.show()

    def data() -> AverageData | None:
        return window.session.snapshot.data

    qtbot.waitUntil(lambda: data() is not None and data().segments == 2, timeout=PATIENCE)
    before = data()
    assert before.number == 1
    assert before.gap > 0.05
    emitted = before.accounting.pulses_emitted
    qtbot.waitUntil(lambda: data().accounting.pulses_emitted > emitted, timeout=PATIENCE)
    account = data().accounting
    assert account.pulses_averaged + account.pulses_lost == account.pulses_emitted
    assert account.pulses_averaged == data().light.pulses
    assert data().measurements.response.value == pytest.approx(0.7e-6, rel=0.02)
    window.refresh()
    assert window.results.accounting.segments.text().startswith("2 segments, ")
    assert "connection is lost" in window.log.toPlainText()
    assert "new segment" in window.log.toPlainText()
    window.close()
