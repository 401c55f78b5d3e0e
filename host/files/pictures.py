"""What Qt paints, as the bytes of a picture: they are written to a file like all others, whole or not at all."""

from collections.abc import Callable

from PyQt6.QtCore import QBuffer, QIODevice, QRectF, QSize
from PyQt6.QtGui import QPaintDevice, QPainter, QPixmap
from PyQt6.QtSvg import QSvgGenerator

Paint = Callable[[QPainter, QRectF], None]
"""Paints into the rectangle."""

DPI = 96  # pixels per inch as SVG has them


def png(pixmap: QPixmap) -> bytes:
    """The pixels as a PNG."""
    buffer = _buffer()
    pixmap.save(buffer, "PNG")
    return buffer.data().data()


def svg(size: QSize, paint: Paint) -> bytes:
    """What is painted, `size` pixels large, as an SVG."""
    buffer = _buffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setResolution(DPI)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle("trelscope")
    on(generator, paint)
    return buffer.data().data()


def written(write: Callable[[QIODevice], None]) -> bytes:
    """All that `write` gives to the device it is called with."""
    buffer = _buffer()
    write(buffer)
    return buffer.data().data()


def on(device: QPaintDevice, paint: Paint) -> None:
    """Paint all over the device."""
    painter = QPainter(device)
    paint(painter, QRectF(0, 0, device.width(), device.height()))
    painter.end()


def _buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer
