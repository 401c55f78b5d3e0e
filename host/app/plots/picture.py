"""Pictures of the plots: the items that are on the screen are painted once more into a file."""

from pathlib import Path

from PyQt6.QtCore import QMarginsF, QRectF, QSize, QSizeF
from PyQt6.QtGui import QPageSize, QPainter, QPdfWriter
from PyQt6.QtSvg import QSvgGenerator
from PyQt6.QtWidgets import QGraphicsView

from trelscope.host.errors import UserError

SUFFIXES = (".png", ".svg", ".pdf")
PNG_SCALE = 2  # pixels for one on the screen, so that pictures can be enlarged
DPI = 96  # pixels per inch as SVG has them
POINTS = 72 / DPI  # of a pixel


class PictureError(UserError):
    """The picture cannot be written; the message says why in one line."""


def write_picture(path: Path, view: QGraphicsView) -> None:
    """Paint `view` into a PNG, an SVG or a PDF, as the suffix says. Raises PictureError."""
    size = view.size()
    if path.suffix == ".png":
        pixmap = view.grab()
        large = pixmap.scaled(size * PNG_SCALE)
        with QPainter(large) as painter:
            view.render(painter)
        done = large.save(str(path))
    elif path.suffix == ".svg":
        svg = QSvgGenerator()
        svg.setFileName(str(path))
        svg.setSize(size)
        svg.setResolution(DPI)
        svg.setViewBox(QRectF(0, 0, size.width(), size.height()))
        svg.setTitle("trelscope")
        done = _paint(view, svg, size)
    elif path.suffix == ".pdf":
        pdf = QPdfWriter(str(path))
        # With any other resolution the axes have another size: they were recorded for the screen.
        pdf.setResolution(DPI)
        page = QSizeF(size.width() * POINTS, size.height() * POINTS)
        pdf.setPageSize(QPageSize(page, QPageSize.Unit.Point))
        pdf.setPageMargins(QMarginsF())
        done = _paint(view, pdf, size)
    else:
        raise PictureError(f"{path}: unknown kind of picture; use one of {', '.join(SUFFIXES)}")
    if not done:
        raise PictureError(f"{path}: cannot write there; choose another place")


def _paint(view: QGraphicsView, device: QSvgGenerator | QPdfWriter, size: QSize) -> bool:
    painter = QPainter()
    if not painter.begin(device):
        return False
    target = QRectF(0, 0, device.width(), device.height())
    view.render(painter, target, view.viewport().rect())  # type: ignore[union-attr]
    return painter.end()
