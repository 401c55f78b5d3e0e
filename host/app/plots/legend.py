"""The legend above the plots, as high as its lines need: it takes no width from them."""

from collections.abc import Sequence

import pyqtgraph as pg
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QGraphicsSceneResizeEvent, QGraphicsTextItem

from trelscope.host.app import style


class Legend(pg.GraphicsWidget):
    """Entries one after the other, on as many lines as the plots' width asks for."""

    def __init__(self) -> None:
        super().__init__()
        self._item = QGraphicsTextItem(self)
        document = self._item.document()
        assert document is not None
        document.setDocumentMargin(2)
        self.text = ""

    def show_entries(self, entries: Sequence[tuple[str, str, str]], colour: str) -> None:
        """Entries of colour and form of the line, and name; `colour`: of the names."""
        texts = (
            f'<span style="color: {own}">{line}</span>&nbsp;{name.replace(" ", "&nbsp;")}'
            for own, line, name in entries
        )
        self.text = "&nbsp;&nbsp; ".join(texts)
        font = self._item.font()
        font.setPixelSize(style.pixels(11))
        self._item.setFont(font)
        self._item.setDefaultTextColor(QColor(colour))
        self._item.setHtml(f'<div align="right">{self.text}</div>')
        self._fit()

    def resizeEvent(self, event: QGraphicsSceneResizeEvent | None) -> None:
        """Break the lines anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self._item.setTextWidth(max(self.size().width(), 1.0))
        height = self._item.boundingRect().height()
        if height != self.minimumHeight():
            self.setMinimumHeight(height)
            self.setMaximumHeight(height)
