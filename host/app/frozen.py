"""What the window shows in place of the running average: a frozen picture, a recording, or a point of a sweep."""

from dataclasses import replace
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.app.session.recorded import (
    as_snapshot,
    load_snapshot,
    measure_again,
    with_levels,
)
from trelscope.host.app.session.snapshot import Snapshot


class FrozenPicture:
    """snapshot: None while the running average is shown. file: the name of a recording's file, "" for a picture.

    sweeping: it is the newest point of a sweep, which has the instrument.
    """

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.file = ""
        self.sweeping = False

    def freeze(self, snapshot: Snapshot | None) -> None:
        """Hold what is on the screen.

        Times are measured less often than traces are drawn: here they become those of the traces that are shown.
        """
        self.snapshot, self.file, self.sweeping = snapshot, "", False
        if snapshot is not None and snapshot.data is not None:
            self.snapshot = replace(snapshot, data=measure_again(snapshot.data))

    def load(self, path: Path) -> Snapshot:
        """Hold a recording, which is measured again. Raises FileError."""
        self.snapshot, self.file, self.sweeping = load_snapshot(path), path.name, False
        return self.snapshot

    def show_point(self, recording: Recording) -> bool:
        """Hold a point of a sweep, unless the user holds something else; returns whether it is held."""
        if self.snapshot is not None and not self.sweeping:
            return False
        self.snapshot, self.file, self.sweeping = as_snapshot(recording, ""), "", True
        return True

    def release(self) -> None:
        """Show the running average again."""
        self.snapshot, self.file, self.sweeping = None, "", False

    def set_levels(self, low: float, high: float) -> bool:
        """Measure rise and fall between these parts of the amplitude; returns whether there is anything to measure."""
        if self.snapshot is None or self.snapshot.data is None:
            return False
        data = with_levels(self.snapshot.data, low, high)
        self.snapshot = replace(self.snapshot, data=data)
        return True
