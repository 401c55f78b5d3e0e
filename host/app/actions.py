"""The menus: everything that can be done, with its key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu


@dataclass(frozen=True)
class Entry:
    """A line of a menu; a `checkable` one hands over whether it is checked."""

    text: str
    key: str
    do: Callable[[bool], None]
    checkable: bool = False


def fill(window: QMainWindow, menu: QMenu, entries: Sequence[Entry | None]) -> dict[str, QAction]:
    """Add entries, None being a line between them; returns the actions by text."""
    actions = {}
    for entry in entries:
        if entry is None:
            menu.addSeparator()
            continue
        action = QAction(entry.text, window)
        action.setShortcut(QKeySequence(entry.key))
        action.setCheckable(entry.checkable)
        action.triggered.connect(entry.do)
        menu.addAction(action)
        actions[entry.text] = action
    return actions
