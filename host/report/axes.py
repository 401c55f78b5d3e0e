"""Axes whose labels say the unit that their numbers have."""

import pyqtgraph as pg


class FixedAxis(pg.AxisItem):  # type: ignore[misc]
    """Shows numbers as they are. pyqtgraph's own axis chooses a prefix even as it is told to choose none."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.enableAutoSIPrefix(False)

    def updateAutoSIPrefix(self) -> None:
        """Choose a prefix only where that is wanted; called by pyqtgraph."""
        if self.autoSIPrefix:
            super().updateAutoSIPrefix()
            return
        self.autoSIPrefixScale, self.labelUnitPrefix = 1.0, ""
        self._updateLabel()


def fixed_axes() -> dict[str, FixedAxis]:
    """For the left and the bottom of a new plot, as its `axisItems`."""
    return {side: FixedAxis(side) for side in ("left", "bottom")}
