"""Opens the window as `trelscope` does, says what it has come to, and closes it when the first average is drawn."""

import sys


def main() -> int:
    """Run it; 0 when a trace has been drawn."""
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    import trelscope.host.cli  # noqa: F401  (as the command does)
    from trelscope.host.app import style
    from trelscope.host.app.window import MainWindow
    from trelscope.host.link.urls import DEFAULT_SOURCE

    print("imported", flush=True)
    app = QApplication(sys.argv[:1])
    style.apply(app)
    window = MainWindow(DEFAULT_SOURCE)
    window.show()
    app.processEvents()
    print("shown", flush=True)

    def look() -> None:
        drawn, _ = window.traces.mean.getData()
        if drawn is None or not len(drawn):
            return
        timer.stop()
        window.traces.viewport().repaint()
        print("drawn", flush=True)
        window.close()
        app.quit()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(2)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
