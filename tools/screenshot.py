"""A picture of the live window for the docs: `python tools/screenshot.py [FILE.png]`.

Uses the display there is, or none.
"""

import os
import sys
from pathlib import Path

if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

sys.path.insert(0, str(Path(__file__).parents[1]))

from PyQt6.QtCore import QDeadlineTimer, QEventLoop
from PyQt6.QtWidgets import QApplication

from host.app import style
from host.app.window import Window
from host.link.open import DEFAULT_SOURCE

PULSES = 4000
PATIENCE = 120_000  # ms, compiling the emulator included


def main() -> int:
    """Let the window average for a while and save what it looks like."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/window.png")
    app = QApplication(sys.argv[:1])
    style.apply(app)
    window = Window(DEFAULT_SOURCE, seed=1)
    window.show()
    patience = QDeadlineTimer(PATIENCE)

    def enough() -> bool:
        data = window.session.snapshot.data
        return data is not None and data.accounting.pulses_averaged >= PULSES

    while not enough() and not patience.hasExpired():
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    window.refresh()
    saved = enough() and window.grab().save(str(target))
    window.close()
    if not saved:
        print(f"screenshot: nothing to show, {target} not written", file=sys.stderr)
    return 0 if saved else 1


if __name__ == "__main__":
    sys.exit(main())
