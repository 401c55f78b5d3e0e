"""Views around the traces, which the user may move, hide and bring back."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDockWidget, QFrame, QMainWindow, QScrollArea, QWidget

AREA = Qt.DockWidgetArea


def add_dock(window: QMainWindow, title: str, content: QWidget, area: AREA) -> QDockWidget:
    """Add a dock; its name in saved layouts is its title."""
    dock = QDockWidget(title)
    dock.setObjectName(title)
    dock.setWidget(content)
    window.addDockWidget(area, dock)
    return dock


def scrolling(content: QWidget) -> QScrollArea:
    """`content` as high as there is room for, and scrolled where there is too little."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setMinimumWidth(content.minimumSizeHint().width() + 2)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def share_corners(window: QMainWindow) -> None:
    """Results, which are high, reach down to the bottom; what is there, which is wide, reaches under the settings."""
    window.setCorner(Qt.Corner.BottomLeftCorner, AREA.BottomDockWidgetArea)
    window.setCorner(Qt.Corner.BottomRightCorner, AREA.RightDockWidgetArea)
    window.setDockOptions(
        QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks
    )
