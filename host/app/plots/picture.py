"""Pictures of plots with a caption: the items that are on the screen are painted once more into a file."""

from pathlib import Path

from PyQt6.QtCore import QIODevice, QMarginsF, QRectF, QSize, QSizeF, Qt
from PyQt6.QtGui import QFont, QFontMetrics, QPageSize, QPainter, QPdfWriter, QPixmap
from PyQt6.QtWidgets import QGraphicsView

from trelscope.host.app import style
from trelscope.host.errors import UserError
from trelscope.host.files import formats, pictures
from trelscope.host.files.pictures import DPI, Paint

SUFFIXES = (".png", ".svg", ".pdf")
PNG_SCALE = 2  # pixels for one on the screen, so that pictures can be enlarged
POINTS = 72 / DPI  # of a pixel
MARGIN = 8  # pixels at a scale of 1, around the caption
WRAPPED = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignLeft)


class PictureError(UserError):
    """The picture cannot be made; the message says why in one line."""


def write_picture(path: Path, view: QGraphicsView, caption: str) -> None:
    """Paint `view`, and `caption` below it, into a PNG, an SVG or a PDF, as the suffix says.

    Raises PictureError, FileError.
    """
    font = QFont()
    font.setPixelSize(style.pixels(12))
    margin = style.pixels(MARGIN)
    width = view.width() - 2 * margin
    room = QFontMetrics(font).boundingRect(0, 0, width, 10_000, WRAPPED, caption).height()
    size = QSize(view.width(), view.height() + room + 2 * margin)

    def paint(painter: QPainter, target: QRectF) -> None:
        painter.save()
        painter.translate(target.topLeft())
        painter.scale(target.width() / size.width(), target.height() / size.height())
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), view.backgroundBrush())
        viewport = view.viewport()
        assert viewport is not None
        view.render(painter, QRectF(0, 0, view.width(), view.height()), viewport.rect())
        painter.setFont(font)
        painter.setPen(style.colour(style.theme().text))
        below = QRectF(margin, view.height() + margin, width, room)
        painter.drawText(below, WRAPPED, caption)
        painter.restore()

    kind = path.suffix.lower()
    if kind == ".png":
        content = _png(size, paint)
    elif kind == ".svg":
        content = pictures.svg(size, paint)
    elif kind == ".pdf":
        content = pictures.written(lambda device: _write_pdf(device, size, paint))
    else:
        raise PictureError(f"{path}: unknown kind of picture; use one of {', '.join(SUFFIXES)}")
    formats.store(path, content)


def _png(size: QSize, paint: Paint) -> bytes:
    large = QPixmap(size * PNG_SCALE)
    pictures.on(large, paint)
    return pictures.png(large)


def _write_pdf(device: QIODevice, size: QSize, paint: Paint) -> None:
    pdf = QPdfWriter(device)
    # With any other resolution the axes have another size: they were recorded for the screen.
    pdf.setResolution(DPI)
    page = QSizeF(size.width() * POINTS, size.height() * POINTS)
    pdf.setPageSize(QPageSize(page, QPageSize.Unit.Point))
    pdf.setPageMargins(QMarginsF())
    pictures.on(pdf, paint)
