"""What the window shows in place of the running average: a frozen picture, or a recording."""

from dataclasses import replace
from pathlib import Path

from trelscope.host.app.session.recorded import load_snapshot, measure_again, with_levels
from trelscope.host.app.session.snapshot import Snapshot


class FrozenPicture:
    """snapshot: None while the running average is shown. file: the name of a recording's file, "" for a picture."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.file = ""

    def freeze(self, snapshot: Snapshot | None) -> None:
        """Hold what is on the screen.

        Times are measured less often than traces are drawn: here they become those of the traces that are shown.
        """
        self.snapshot, self.file = snapshot, ""
        if snapshot is not None and snapshot.data is not None:
            self.snapshot = replace(snapshot, data=measure_again(snapshot.data))

    def load(self, path: Path) -> Snapshot:
        """Hold a recording, which is measured again. Raises FileError."""
        self.snapshot, self.file = load_snapshot(path), path.name
        return self.snapshot

    def release(self) -> None:
        """Show the running average again."""
        self.snapshot, self.file = None, ""

    def set_levels(self, low: float, high: float) -> bool:
        """Measure rise and fall between these parts of the amplitude; returns whether there is anything to measure."""
        if self.snapshot is None or self.snapshot.data is None:
            return False
        data = with_levels(self.snapshot.data, low, high)
        self.snapshot = replace(self.snapshot, data=data)
        return True
