"""The menus: everything that can be done in the window, with its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QMenuBar

from trelscope.host.app import dialogs, help_texts, source, style
from trelscope.host.app.conditions import brief
from trelscope.host.app.panels.source_field import CONNECT
from trelscope.host.app.session.snapshot import AverageData

if TYPE_CHECKING:
    from trelscope.host.app.window import MainWindow

RUN = "Run or stop"
SINGLE = "Single: sum N pulses once"
CLEAR = "Clear: a new average"
FREEZE = "Freeze the picture"
LOGARITHMIC = "Logarithmic light"
LOG_TIME = "Logarithmic time from the drive edge"
NORMALISED = "Normalised light: 0 to 100 % of its step"
LIGHT_THEME = "Light theme"
LARGER = 1.15  # factor of one step of the text's size


@dataclass(frozen=True)
class Entry:
    """A line of a menu. do: is told whether a `checkable` entry is checked now."""

    text: str
    key: str
    do: Callable[[bool], object]
    checkable: bool = False


class Menus(QMenuBar):
    """The menu bar of `window`, whose docks must be there."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._recovered = QMenu("Recovered after a crash", window)
        self._recovered.setEnabled(False)
        self._devices = _device_menu(window)

        file = self._add_menu("&File", _file_entries(window))
        file.insertMenu(file.actions()[1], self._recovered)
        self._add_menu("&Measure", _measure_entries(window))
        self._add_menu("&Compare", _compare_entries(window)).addMenu(self._devices)
        view = self._add_menu("&View", _view_entries(window))
        for dock in window.docks.by_title.values():
            view.addAction(dock.toggleViewAction())
        self._add_menu("&Help", self._help_entries())
        self._connect_buttons()

    def action(self, text: str) -> QAction:
        """The action of the entry with this text."""
        return self._actions[text]

    def list_recovered(self, recordings: list[Path]) -> None:
        """List recordings of averages that were recovered, newest first."""
        self._recovered.clear()
        self._recovered.setEnabled(bool(recordings))
        for path in recordings:
            action = self._recovered.addAction(path.stem)
            assert action is not None
            action.triggered.connect(lambda _, path=path: self._window.open_recording(path))

    def _help_entries(self) -> list[Entry | None]:
        window = self._window
        return [
            Entry("Guide to this window", "", lambda _: help_texts.show_guide(window)),
            Entry("Keys", "F1", lambda _: help_texts.show_keys(window, self._actions.values())),
            Entry(
                "Definitions of the quantities",
                "Shift+F1",
                lambda _: help_texts.show_definitions(window, window.measuring()),
            ),
        ]

    @property
    def recovered(self) -> list[QAction]:
        """The actions that open recovered averages, newest first."""
        return self._recovered.actions()

    def _add_menu(self, title: str, entries: list[Entry | None]) -> QMenu:
        """Add a menu; None among its entries is a line between groups."""
        menu = QMenu(title, self._window)
        self.addMenu(menu)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            action = QAction(entry.text, self._window)
            action.setShortcut(QKeySequence(entry.key))
            action.setCheckable(entry.checkable)
            action.triggered.connect(entry.do)
            menu.addAction(action)
            self._actions[entry.text] = action
        return menu

    def _connect_buttons(self) -> None:
        """Buttons that do the same as an entry name its key and leave the keyboard to the window."""
        controls = self._window.controls
        for button, text in (
            (controls.run, RUN),
            (controls.single, SINGLE),
            (controls.clear, CLEAR),
        ):
            button.setToolTip(f"{text} ({self._actions[text].shortcut().toString()})")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        controls.compare.setMenu(self._devices)
        controls.compare.setToolTip("keeps what is shown as a reference, opens another device")


def _file_entries(window: MainWindow) -> list[Entry | None]:
    exports = window.exports
    return [
        Entry(
            "Open a recording…",
            "Ctrl+O",
            lambda _: dialogs.ask_recording(window, window.open_recording),
        ),
        Entry(CONNECT, "Ctrl+L", lambda _: dialogs.ask_source(window, window.open_source)),
        Entry(
            "Export what is shown…",
            "Ctrl+E",
            lambda _: dialogs.ask_export(window, exports.suggested(), exports.export),
        ),
        Entry(
            "Export the sweep…",
            "Ctrl+Shift+E",
            lambda _: dialogs.ask_sweep_export(
                window, exports.suggested_sweep(), exports.export_sweep
            ),
        ),
        Entry("Copy results as text", "Ctrl+Shift+C", lambda _: exports.copy_results()),
        None,
        Entry("Quit", "Ctrl+Q", lambda _: window.close()),
    ]


def _measure_entries(window: MainWindow) -> list[Entry | None]:
    return [
        Entry(RUN, "Space", lambda _: window.toggle()),
        Entry(SINGLE, "S", lambda _: window.session.single()),
        Entry(CLEAR, "C", lambda _: window.session.clear()),
        Entry(FREEZE, "F", window.freeze, checkable=True),
        None,
        Entry(
            "Rise and fall from 20 to 80 %",
            "",
            lambda twenty: window.set_levels(*((0.2, 0.8) if twenty else (0.1, 0.9))),
            checkable=True,
        ),
    ]


def _compare_entries(window: MainWindow) -> list[Entry | None]:
    return [
        Entry("Keep as reference", "R", lambda _: window.keep_reference()),
        Entry("Drop references", "Shift+R", lambda _: window.references.drop()),
    ]


def _view_entries(window: MainWindow) -> list[Entry | None]:
    return [
        Entry("Show everything (auto-range)", "A", lambda _: window.traces.reset()),
        Entry(LOGARITHMIC, "X", window.traces.set_log, checkable=True),
        Entry(LOG_TIME, "T", window.traces.set_log_time, checkable=True),
        Entry(NORMALISED, "N", window.traces.set_normalised, checkable=True),
        None,
        Entry(LIGHT_THEME, "", style.set_light_theme, checkable=True),
        Entry("Larger text", "Ctrl++", lambda _: window.scale_text(LARGER)),
        Entry("Smaller text", "Ctrl+-", lambda _: window.scale_text(1 / LARGER)),
        None,
        Entry("All views where they were", "", lambda _: window.docks.restore()),
    ]


def _device_menu(window: MainWindow) -> QMenu:
    """Every preset: choosing one compares it with what is shown. Its first line says so."""
    menu = QMenu("Compare with", window)
    told = menu.addAction("")
    assert told is not None
    told.setEnabled(False)
    menu.aboutToShow.connect(lambda: told.setText(_what_comparing_does(window.shown)))
    for url in source.emulators():
        action = menu.addAction(url.removeprefix("emulator:"))
        assert action is not None
        action.triggered.connect(lambda _, url=url: window.compare_with(url))
    return menu


def _what_comparing_does(shown: AverageData | None) -> str:
    if shown is None:
        return "Nothing is measured yet; next is measured:"
    return f"{brief(shown)} stays as the reference; next is measured:"
