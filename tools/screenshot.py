"""Pictures of the live window for README and guide: `python tools/screenshot.py [FOLDER]`.

Uses the display there is, or none.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

sys.path.insert(0, str(Path(__file__).parents[1]))

from PyQt6.QtCore import QDeadlineTimer, QEventLoop
from PyQt6.QtWidgets import QApplication

from trelscope.host.app import menus, source, style
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings
from trelscope.host.app.session.snapshot import SessionState
from trelscope.host.app.window import MainWindow
from trelscope.host.link.urls import DEFAULT_SOURCE

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PATIENCE = 240_000  # ms for a picture, compiling the emulator included


class Nothing(Exception):
    """There is nothing to show."""


class Stage:
    """A window, and patience until it shows what the picture is of."""

    def __init__(
        self, source: str = DEFAULT_SOURCE, requested: RequestedSettings | None = None
    ) -> None:
        self.window = MainWindow(source, seed=1, requested=requested)
        self.window.show()

    def until(self, condition: Callable[[], bool]) -> None:
        """Let it run. Raises Nothing."""
        patience = QDeadlineTimer(PATIENCE)
        while not condition():
            if patience.hasExpired():
                raise Nothing(self.window.session.snapshot.message)
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def pulses(self, source: str = "") -> int:
        """Averaged so far, of `source` if given."""
        data = self.window.session.snapshot.data
        if data is None or not data.source.endswith(source):
            return 0
        return data.accounting.pulses_averaged

    def looks(self) -> int:
        """How often the average has been measured since it began."""
        data = self.window.session.snapshot.data
        return data.course.pulses.size if data else 0

    def tab(self, title: str) -> None:
        """Bring a tab to the front."""
        self.window.docks.by_title[title].raise_()

    def save(self, path: Path) -> None:
        """The window as it is now; it is closed."""
        self.window.refresh()
        self.window.refresh_slow()
        for _ in range(5):
            QApplication.processEvents()
        if not self.window.grab().save(str(path)):
            raise Nothing(f"{path}: cannot write there")
        self.window.close()


def first_look(path: Path) -> None:
    """What opens."""
    stage = Stage()
    stage.until(lambda: stage.pulses() >= 12_000 and stage.looks() >= 8)
    stage.save(path)


def capture(path: Path) -> None:
    """A sum of 4096 pulses, done; the rise explained."""
    stage = Stage("emulator:hr-4mm2", RequestedSettings(averaging=Averaging.SUM))
    stage.until(lambda: stage.window.session.snapshot.state is SessionState.STOPPED)
    stage.window.results.times.select("rise")
    stage.tab("Pulse map")
    stage.save(path)


def compare(path: Path) -> None:
    """Control against BMIM, on a logarithmic axis of time."""
    stage = Stage("emulator:control-4mm2")
    stage.until(lambda: stage.pulses() >= 3000)
    stage.window.compare_with("emulator:bmim3-4mm2")
    stage.until(lambda: stage.pulses("bmim3-4mm2") >= 6000 and stage.looks() >= 4)
    for text in (menus.LOG_TIME, menus.NORMALISED):
        stage.window.menus.action(text).trigger()
    stage.save(path)


def sweep(path: Path) -> None:
    """Response against voltage."""
    stage = Stage("emulator:bmim3-1mm2")
    stage.until(lambda: stage.pulses() >= 1000)
    stage.tab("Sweep")
    stage.window.sweep.toggle()
    stage.until(lambda: stage.window.sweep.start.text() == "Sweep")
    stage.until(lambda: stage.window.session.snapshot.state is SessionState.RUNNING)
    stage.until(lambda: stage.pulses() >= 6000 and stage.looks() >= 3)
    stage.save(path)


def counting(path: Path) -> None:
    """Photoluminescence, counted, with its decay fitted."""
    stage = Stage(source.counted("emulator:trpl-bmim3"))
    stage.until(lambda: stage.pulses() >= 100_000)
    stage.window.counting.start_fit()
    stage.until(lambda: stage.window.counting.decay is not None)
    stage.save(path)


def light(path: Path) -> None:
    """Light theme, light on a logarithmic axis, the decay selected."""
    style.apply(app(), style.LIGHT, scale=1.0)
    stage = Stage("emulator:bmim3-4mm2")
    stage.window.menus.action(menus.LOGARITHMIC).trigger()
    stage.until(lambda: stage.pulses() >= 20_000 and stage.looks() >= 3)
    stage.window.results.times.select("decay")
    stage.tab("Histogram")
    stage.save(path)
    style.apply(app(), style.DARK, scale=1.0)


def app() -> QApplication:
    """The one there is."""
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    return found


PICTURES = {
    "window": first_look,
    "guide-capture": capture,
    "guide-compare": compare,
    "guide-sweep": sweep,
    "guide-counting": counting,
    "guide-light": light,
}


def main() -> int:
    """Take every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    kept = QApplication(sys.argv[:1])
    style.apply(kept, scale=1.0)
    try:
        for name, take in PICTURES.items():
            print(name, flush=True)
            take(folder / f"{name}.png")
    except Nothing as error:
        print(f"screenshot: nothing to show: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
