"""Pictures of the plots: the items that are on the screen are painted once more into a file."""

from pathlib import Path

from PyQt6.QtCore import QIODevice, QMarginsF, QRectF, QSize, QSizeF
from PyQt6.QtGui import QPageSize, QPainter, QPdfWriter
from PyQt6.QtWidgets import QGraphicsView

from trelscope.host.errors import UserError
from trelscope.host.files import formats, pictures
from trelscope.host.files.pictures import DPI, Paint

SUFFIXES = (".png", ".svg", ".pdf")
PNG_SCALE = 2  # pixels for one on the screen, so that pictures can be enlarged
POINTS = 72 / DPI  # of a pixel


class PictureError(UserError):
    """The picture cannot be made; the message says why in one line."""


def write_picture(path: Path, view: QGraphicsView) -> None:
    """Paint `view` into a PNG, an SVG or a PDF, as the suffix says. Raises PictureError, FileError."""
    size = view.size()

    def paint(painter: QPainter, target: QRectF) -> None:
        view.render(painter, target, view.viewport().rect())  # type: ignore[union-attr]

    kind = path.suffix.lower()
    if kind == ".png":
        content = _png(view)
    elif kind == ".svg":
        content = pictures.svg(size, paint)
    elif kind == ".pdf":
        content = pictures.written(lambda device: _write_pdf(device, size, paint))
    else:
        raise PictureError(f"{path}: unknown kind of picture; use one of {', '.join(SUFFIXES)}")
    formats.store(path, content)


def _png(view: QGraphicsView) -> bytes:
    large = view.grab().scaled(view.size() * PNG_SCALE)
    with QPainter(large) as painter:
        view.render(painter)
    return pictures.png(large)


def _write_pdf(device: QIODevice, size: QSize, paint: Paint) -> None:
    pdf = QPdfWriter(device)
    # With any other resolution the axes have another size: they were recorded for the screen.
    pdf.setResolution(DPI)
    page = QSizeF(size.width() * POINTS, size.height() * POINTS)
    pdf.setPageSize(QPageSize(page, QPageSize.Unit.Point))
    pdf.setPageMargins(QMarginsF())
    pictures.on(pdf, paint)
