"""Axes whose labels say the unit that their numbers have."""

import math

import pyqtgraph as pg

FEW_DECADES = 1.5  # on a logarithmic axis: with fewer, 2 and 5 are labelled as well
VERY_FEW = 0.5  # and all that there is room for
WIDE, GAP = 0.6, 1.0  # of a digit and between labels, in heights of the text
ROOM = 2.2  # heights or widths of a label for each decade that is labelled


class FixedAxis(pg.AxisItem):  # type: ignore[misc]
    """Shows numbers as they are. pyqtgraph's own axis chooses a prefix even as it is told to choose none."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.enableAutoSIPrefix(False)

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Labels; on a short horizontal axis, where they would run into each other, not all; called by pyqtgraph."""
        texts: list[str] = super().tickStrings(values, scale, spacing)
        low, high = sorted(self.range)
        upright = self.orientation in ("left", "right")
        if self.logMode or upright or not texts or not high > low:
            return texts
        each = (max(map(len, texts)) * WIDE + GAP) * self._text_size()
        room = self.width() * spacing / (high - low)
        every = max(math.ceil(each / max(room, 1e-9)), 1)
        wider = (each for each, _ in self.tickSpacing(low, high, self.width()))
        if every > 1 and any(
            each > 1.01 * spacing and math.floor(high / each) > math.ceil(low / each)
            for each in wider
        ):
            return [""] * len(texts)  # those of the wider spacing are enough
        return [
            text if round(value / spacing) % every == 0 else ""
            for value, text in zip(values, texts, strict=True)
        ]

    def _text_size(self) -> int:
        font = self.style["tickFont"]
        return font.pixelSize() if font is not None else 12

    def logTickStrings(self, values: list[float], scale: float, spacing: float | None) -> list[str]:
        """Labels of decades, as many as there is room for; called by pyqtgraph."""
        low, high = sorted(self.range)
        span = high - low
        every = 1
        if span > FEW_DECADES:
            pixels = self.height() if self.orientation in ("left", "right") else self.width() / 2
            every = max(math.ceil(ROOM * self._text_size() * span / max(pixels, 1.0)), 1)
        return [_label(value, span, every, scale) for value in values]

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


def _label(exponent: float, span: float, every: int, scale: float) -> str:
    """The text at 10**exponent, "" where it would be one too many."""
    number = 10.0**exponent
    leading = number / 10.0 ** math.floor(exponent + 1e-9)
    whole = abs(leading - 1) < 1e-6
    if span > FEW_DECADES:
        if not whole or round(exponent) % every:
            return ""
    elif span > VERY_FEW and not any(abs(leading - each) < 1e-6 for each in (1, 2, 5)):
        return ""
    return f"{number * scale:.6g}" if 1e-3 <= number * scale < 1e5 else f"1e{round(exponent)}"
