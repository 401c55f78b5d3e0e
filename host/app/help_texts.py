"""What the Help menu shows: the guide, and keys and definitions as the program has them."""

from collections.abc import Iterable
from importlib.resources import files

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from trelscope.host.app import style
from trelscope.host.measure.quantities import DEFINITIONS, MeasureOptions

SIZE, GUIDE_SIZE = (560, 420), (760, 560)  # pixels at a scale of 1


def show_guide(parent: QWidget) -> QDialog:
    """The guide to the window, as `tools/window_guide.py` has made it."""
    text = files("trelscope.host.app").joinpath("guide.markdown").read_text(encoding="utf-8")
    dialog, browser = _dialog(parent, "Guide", GUIDE_SIZE)
    browser.setMarkdown(text)
    return dialog


def show_keys(parent: QWidget, actions: Iterable[QAction]) -> QDialog:
    """List every entry of the menus that has a key."""
    rows = [
        (each.shortcut().toString(), each.text().replace("&", ""))
        for each in actions
        if not each.shortcut().isEmpty()
    ]
    return _show(parent, "Keys", rows)


def show_definitions(parent: QWidget, options: MeasureOptions) -> QDialog:
    """List what each quantity is, under the options in force."""
    rows = [(each.title, each.words(options)) for each in DEFINITIONS.values()]
    rows.append(("", options.levels()))
    return _show(parent, "Definitions", rows)


def _show(parent: QWidget, title: str, rows: list[tuple[str, str]]) -> QDialog:
    dialog, text = _dialog(parent, title, SIZE)
    lines = "".join(
        f"<tr><td><b>{name}</b>&nbsp;&nbsp;</td><td>{what}</td></tr>" for name, what in rows
    )
    text.setHtml(f"<table cellpadding='3'>{lines}</table>")
    return dialog


def _dialog(parent: QWidget, title: str, size: tuple[int, int]) -> tuple[QDialog, QTextBrowser]:
    """Shown, and gone when it is closed."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    dialog.resize(*(style.pixels(each) for each in size))
    text = QTextBrowser()
    column = QVBoxLayout(dialog)
    column.addWidget(text)
    dialog.show()
    return dialog, text
