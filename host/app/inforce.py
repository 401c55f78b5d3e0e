"""The settings the data on screen were taken with, as the hardware's grids have them."""

from host.app.panel import Panel, label
from host.app.snapshot import Snapshot
from host.settings import Settings
from host.units import format_si

ROWS = ("Drive", "Rate", "Width", "Window", "Bins", "Frame")


class InForce(Panel):
    """What is running, next to what can be asked for."""

    def __init__(self) -> None:
        super().__init__("In force")
        self._values = {}
        for row, name in enumerate(ROWS, start=1):
            self.grid.addWidget(label(name, "dim"), row, 0)
            self._values[name] = label()
            self.grid.addWidget(self._values[name], row, 1)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the session."""
        texts = _texts(snapshot.settings) if snapshot.settings else dict.fromkeys(ROWS, "–")
        for name, text in texts.items():
            self._values[name].setText(text)


def _texts(s: Settings) -> dict[str, str]:
    start, end = s.window_start * 1e6, (s.window_start + s.window_length) * 1e6
    duty = s.width * s.rate
    return {
        "Drive": format_si(s.volts, "V"),
        "Rate": format_si(s.rate, "Hz"),
        "Width": f"{format_si(s.width, 's')}  ({100 * duty:.0f} % duty)",
        "Window": f"{start:.4g} to {end:.4g} µs".replace("-", "−"),
        "Bins": f"{s.bins} of {format_si(s.bin, 's')}",
        "Frame": f"{s.frame_pulses} pulses",
    }
