"""A group of rows with a title."""

from PyQt6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget


class Panel(QFrame):
    """A frame with a heading and a two-column grid below it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(10, 6, 10, 8)
        self.grid.setHorizontalSpacing(8)
        self.grid.setVerticalSpacing(4)
        self.grid.setColumnStretch(1, 1)
        self.heading = label(title.upper(), "heading")
        self.grid.addWidget(self.heading, 0, 0, 1, 2)


def label(text: str = "", role: str = "") -> QLabel:
    """A label in one of the style sheet's roles."""
    made = QLabel(text)
    made.setProperty("role", role)
    return made


def keep_space(widget: QWidget) -> None:
    """Leave its room empty while it is hidden: nothing moves under the pointer."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)
