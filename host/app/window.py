"""The main window: pulls the newest snapshot, hands it to its parts, passes on what is asked."""

from dataclasses import replace
from pathlib import Path
from queue import Empty

from PyQt6.QtCore import QByteArray, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QCloseEvent
from PyQt6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
    QMainWindow,
    QMenu,
    QMenuBar,
    QVBoxLayout,
    QWidget,
)

from trelscope.host.app import files, source, style, text
from trelscope.host.app.actions import Entry, fill
from trelscope.host.app.docks import AREA, add_dock, scrolling, share_corners
from trelscope.host.app.memory import Remembered
from trelscope.host.app.panels.banner import Banner
from trelscope.host.app.panels.comparison import Comparison
from trelscope.host.app.panels.controls import Controls
from trelscope.host.app.panels.countview import CountView
from trelscope.host.app.panels.log import Log
from trelscope.host.app.panels.results import Results
from trelscope.host.app.panels.statusline import StatusLine
from trelscope.host.app.panels.sweepview import SweepView
from trelscope.host.app.plots.pulsemap import PulseMap
from trelscope.host.app.plots.traces import Traces
from trelscope.host.app.plots.trend import Histogram, Trend
from trelscope.host.app.references import MOST, Reference
from trelscope.host.app.session.session import Session
from trelscope.host.app.session.snapshot import Data, Snapshot, State
from trelscope.host.app.session.wanted import Wanted
from trelscope.host.errors import UserError
from trelscope.host.link.urls import check_source
from trelscope.host.planning import CaptureRequest

REFRESH = (
    8  # ms between looks at the session: twice as often as anybody sees, so that none comes late
)
SLOW_REFRESH = 200  # ms between looks at what changes slowly
MESSAGE = 8000  # ms that one stays
TWENTY = "Rise and fall from 20 to 80 %"
LEFT, RIGHT, BOTTOM = 248, 416, 160  # pixels at a scale of 1


class Window(QMainWindow):
    """Opens on `opened`, running."""

    closed = pyqtSignal()

    def __init__(
        self,
        opened: str,
        seed: int = 0,
        wanted: Wanted | None = None,
        session: Session | None = None,
        journals: Path | None = None,
    ) -> None:
        """session: what to show; None: one on `opened`. journals: see `Session`."""
        super().__init__()
        wanted = wanted or Wanted()
        self.session = session or Session(opened, seed, wanted, journals)
        self._shown: Snapshot | None = None
        self._frozen: Snapshot | None = None
        self.references: tuple[Reference, ...] = ()
        self.banner = Banner()
        self.controls = Controls(opened, wanted)
        self.traces = Traces()
        self.results = Results()
        self.comparison = Comparison()
        self.trend, self.histogram, self.map, self.log = Trend(), Histogram(), PulseMap(), Log()
        self.counting = CountView()
        self.sweep = SweepView(self._asked)
        self.status = StatusLine()
        self.docks: list[QDockWidget] = []
        self.actions_by_text: dict[str, QAction] = {}
        self._lay_out()
        self._fill_menus()

        controls = self.controls
        controls.changed.connect(self.session.change)
        controls.device.chosen.connect(self.open_source)
        controls.run.clicked.connect(self.toggle)
        controls.single.clicked.connect(self.session.single)
        controls.clear.clicked.connect(self.session.clear)
        self.results.selected.connect(self._select)
        self.sweep.began.connect(self.session.lend)
        self.sweep.ended.connect(self.session.run)
        self.sweep.said.connect(self.say)
        self.traces.drawn.connect(self.status.count_drawn)
        self.traces.select(self.results.times.selection)

        # Pulled: events pushed for every frame would pile up whenever drawing is slower.
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(REFRESH)
        self._slow = QTimer(self)
        self._slow.timeout.connect(self._refresh_slow)
        self._slow.start(SLOW_REFRESH)
        self.traces.setFocus()
        self.refresh()

    @property
    def shown(self) -> Data | None:
        """What is on the screen."""
        return self._shown.data if self._shown else None

    def refresh(self) -> None:
        """Show the newest snapshot."""
        newest, before = self.session.snapshot, self._shown
        snapshot = newest if self._frozen is None else self._frozen
        self.controls.show_snapshot(newest)
        self.status.show_snapshot(newest)
        self._log_events()
        if newest is before:
            self.traces.refresh()
            return
        self._shown = snapshot
        self.setWindowTitle(f"trelscope — {source.label(newest.source, newest.board)}")
        self.banner.show_snapshot(newest, self._frozen)
        if before is None or snapshot.data is None or snapshot.data is not before.data:
            self.results.show_snapshot(snapshot)
            self.traces.show_snapshot(snapshot)
            self.comparison.show_data(snapshot.data, self.references)

    # ------------------------------------------------------------------------------- what is done

    def toggle(self) -> None:
        """Run or stop."""
        running = self.session.snapshot.state in (State.OPENING, State.RUNNING, State.LOST)
        (self.session.stop if running else self.session.run)()

    def freeze(self, frozen: bool) -> None:
        """Keep the picture as it is, or let it go on; averaging goes on anyway."""
        self._frozen = self._shown if frozen else None
        if self._frozen is not None and self._frozen.data is not None:
            # Times are measured less often than traces are drawn: here they become those of these traces.
            self._frozen = replace(self._frozen, data=files.measured(self._frozen.data))
        self._shown = None
        self.refresh()

    def keep_reference(self) -> None:
        """Keep what is on the screen, to be compared with."""
        if self.shown is None:
            return
        self._set_references((*self.references, Reference(self.shown))[-MOST:])
        self.log.say(f"reference: {self.references[-1].name}")

    def drop_references(self) -> None:
        """Forget them."""
        self._set_references(())

    def open_source(self, opened: str) -> None:
        """Measure with another instrument; a source that cannot be one is refused, and what runs goes on."""
        try:
            check_source(opened)
        except UserError as error:
            self.say(str(error))
            return
        self.session.open(opened)
        self.traces.setFocus()  # or keys would go on being typed into the field

    def compare_with(self, opened: str) -> None:
        """Keep what is on the screen and measure another device with the same settings."""
        self.keep_reference()
        self.session.open(opened)

    def set_theme(self, light: bool) -> None:
        """Light or dark."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        style.apply(app, style.LIGHT if light else style.DARK, style.scale())

    def scale_text(self, factor: float) -> None:
        """Make everything larger or smaller."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        style.apply(app, style.theme(), min(max(style.scale() * factor, 0.75), 4.0))
        self._size_docks()

    def export(self, path: Path) -> None:
        """Write what is on the screen; what goes wrong is said."""
        if self.shown is None:
            self.say("nothing to export yet")
            return
        try:
            written = files.write(path, self.shown, self.references, self.traces)
        except UserError as error:
            self.say(str(error))
            return
        self.say(f"written: {', '.join(each.name for each in written)}")

    def export_sweep(self, path: Path) -> None:
        """Write the table of the sweep; what goes wrong is said."""
        if self.sweep.run is None or not self.sweep.run.done:
            self.say("no sweep to export yet")
            return
        try:
            self.sweep.export(path)
        except UserError as error:
            self.say(str(error))
            return
        self.say(f"written: {path.name}")

    def open_recording(self, path: Path) -> None:
        """Show a recording, measured anew, in place of what runs; unfreezing goes back to that."""
        try:
            snapshot = files.read(path)
        except UserError as error:
            self.say(str(error))
            return
        self._frozen, self._shown = snapshot, None
        self.actions_by_text["Freeze the picture"].setChecked(True)
        self.say(snapshot.words)
        self.refresh()

    def measure_between(self, low: float, high: float) -> None:
        """Measure rise and fall between other levels, what is frozen too."""
        self.session.measure_between(low, high)
        if self._frozen is not None and self._frozen.data is not None:
            options = replace(self._frozen.data.measurements.options, low=low, high=high)
            measured = files.measured(self._frozen.data, options)
            self._frozen, self._shown = replace(self._frozen, data=measured), None
            self.refresh()

    def offer(self, recordings: list[Path]) -> None:
        """List recordings of averages that were recovered, newest first."""
        self._recovered.clear()
        self._recovered.setEnabled(bool(recordings))
        for path in recordings:
            action = self._recovered.addAction(path.stem)
            assert action is not None
            action.triggered.connect(lambda _, path=path: self.open_recording(path))

    def copy_results(self) -> None:
        """Put them on the clipboard as text."""
        clipboard = QApplication.clipboard()
        if self.shown is not None and clipboard is not None:
            clipboard.setText(text.results(self.shown))

    def remembered(self) -> Remembered:
        """How everything is, for the next time."""
        return Remembered(
            source=self.session.snapshot.source,
            wanted=self.controls.wanted(),
            geometry=_plain(self.saveGeometry()),
            views=_plain(self.saveState()),
            light_theme=style.theme() is style.LIGHT,
            logarithmic=self.traces.scale.log,
            scale=style.scale(),
        )

    def restore(self, before: Remembered) -> None:
        """Be laid out as `before`."""
        for action, checked in (
            ("Light theme", before.light_theme),
            ("Logarithmic light", before.logarithmic),
        ):
            if self.actions_by_text[action].isChecked() != checked:
                self.actions_by_text[action].trigger()
        if before.geometry:
            self.restoreGeometry(_bytes(before.geometry))
        if before.views:
            self.restoreState(_bytes(before.views))

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Leave nothing running and the output off."""
        self.closed.emit()
        self._timer.stop()
        self._slow.stop()
        self.sweep.close_run()
        self.counting.close_fit()
        self.session.close()
        super().closeEvent(event)

    # ------------------------------------------------------------------------------------- inside

    def _refresh_slow(self) -> None:
        """What takes long to draw and changes slowly; hidden tabs wait until they are seen."""
        data, name = self.shown, self.results.times.selection
        if self.trend.isVisible():
            self.trend.show_data(data, name)
        if self.histogram.isVisible():
            self.histogram.show_data(data, name)
        if self.map.isVisible():
            self.map.show_data(data)
        if self.counting.isVisible():
            self.counting.show_data(data)
        self.sweep.refresh()

    def _select(self, name: str) -> None:
        self.traces.select(name)
        self.sweep.select(name)
        self._refresh_slow()

    def _asked(self) -> tuple[str, CaptureRequest]:
        """What a sweep has in common with what runs."""
        wanted = self.controls.wanted()
        return self.session.snapshot.source, wanted.asked(self.sweep.pulses_wanted())

    def _set_references(self, references: tuple[Reference, ...]) -> None:
        self.references = references
        self.traces.set_references(references)
        self.comparison.show_data(self.shown, references)

    def _log_events(self) -> None:
        while True:
            try:
                self.log.say(self.session.events.get_nowait())
            except Empty:
                break
        while True:
            try:
                cut_off = self.session.cut_off.get_nowait()
            except Empty:
                return
            self._set_references((*self.references, Reference(cut_off))[-MOST:])
            self.say("what was measured before the link was lost is kept as a reference")

    def _lay_out(self) -> None:
        self.resize(style.pixels(1280), style.pixels(800))
        self.setMinimumSize(1000, 640)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.traces, 1)
        self.setCentralWidget(body)
        top = QWidget()
        stack = QVBoxLayout(top)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(0)
        self._menus = QMenuBar()
        stack.addWidget(self._menus)
        stack.addWidget(self.banner)
        self.setMenuWidget(top)
        self.setStatusBar(self.status)
        share_corners(self)
        right = QWidget()
        results = QVBoxLayout(right)
        results.setContentsMargins(0, 0, 0, 0)
        results.setSpacing(0)
        results.addWidget(self.comparison)
        results.addWidget(self.results, 1)
        bottom = AREA.BottomDockWidgetArea
        for title, content, area in (
            ("Settings", scrolling(self.controls), AREA.LeftDockWidgetArea),
            ("Results", scrolling(right), AREA.RightDockWidgetArea),
            ("Trend", self.trend, bottom),
            ("Histogram", self.histogram, bottom),
            ("Pulse map", self.map, bottom),
            ("Sweep", self.sweep, bottom),
            ("Counting", self.counting, bottom),
            ("Log", self.log, bottom),
        ):
            self.docks.append(add_dock(self, title, content, area))
        for dock in self.docks[3:]:
            self.tabifyDockWidget(self.docks[2], dock)
        self.docks[2].raise_()
        self._size_docks()
        self._first_state = self.saveState()

    def _size_docks(self) -> None:
        left, right, below = self.docks[0], self.docks[1], self.docks[2]
        sides = [style.pixels(LEFT), style.pixels(RIGHT)]
        self.resizeDocks([left, right], sides, Qt.Orientation.Horizontal)
        self.resizeDocks([below], [style.pixels(BOTTOM)], Qt.Orientation.Vertical)

    def _fill_menus(self) -> None:
        file = [
            Entry("Open a recording…", "Ctrl+O", lambda _: self._ask_open()),
            Entry("Export what is shown…", "Ctrl+E", lambda _: self._ask_export()),
            Entry("Export the sweep…", "Ctrl+Shift+E", lambda _: self._ask_export_sweep()),
            Entry("Copy results as text", "Ctrl+Shift+C", lambda _: self.copy_results()),
            None,
            Entry("Quit", "Ctrl+Q", lambda _: self._quit()),
        ]
        measure = [
            Entry("Run or stop", "Space", lambda _: self.toggle()),
            Entry("Single: sum N pulses once", "S", lambda _: self.session.single()),
            Entry("Clear: a new average", "C", lambda _: self.session.clear()),
            Entry("Freeze the picture", "F", self.freeze, checkable=True),
            None,
            Entry(TWENTY, "", self._measure_between, checkable=True),
        ]
        compare = [
            Entry("Keep as reference", "R", lambda _: self.keep_reference()),
            Entry("Drop references", "Shift+R", lambda _: self.drop_references()),
        ]
        view = [
            Entry("Show everything (auto-range)", "A", lambda _: self.traces.reset()),
            Entry("Logarithmic light", "X", self.traces.set_log, checkable=True),
            None,
            Entry("Light theme", "", self.set_theme, checkable=True),
            Entry("Larger text", "Ctrl++", lambda _: self.scale_text(1.15)),
            Entry("Smaller text", "Ctrl+-", lambda _: self.scale_text(1 / 1.15)),
            None,
            Entry("All views where they were", "", lambda _: self._restore_views()),
        ]
        for title, entries in (
            ("&File", file),
            ("&Measure", measure),
            ("&Compare", compare),
            ("&View", view),
        ):
            menu = QMenu(title, self)
            self._menus.addMenu(menu)
            self.actions_by_text |= fill(self, menu, entries)
            if title == "&File":
                self._recovered = QMenu("Recovered after a crash", self)
                self._recovered.setEnabled(False)
                menu.insertMenu(menu.actions()[1], self._recovered)
            if title == "&View":
                for dock in self.docks:
                    menu.addAction(dock.toggleViewAction())
            if title == "&Compare":
                self._add_devices(menu)
        for button, words in (
            (self.controls.run, "Run or stop"),
            (self.controls.single, "Single: sum N pulses once"),
            (self.controls.clear, "Clear: a new average"),
        ):
            key = self.actions_by_text[words].shortcut().toString()
            button.setToolTip(f"{words} ({key})")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _add_devices(self, menu: QMenu) -> None:
        """Two clicks to compare: the button, and the device."""
        devices = QMenu("Compare with", self)
        for url in source.emulators():
            action = devices.addAction(url.removeprefix("emulator:"))
            assert action is not None
            action.triggered.connect(lambda _, url=url: self.compare_with(url))
        menu.addMenu(devices)
        self.controls.compare.setMenu(devices)
        self.controls.compare.setToolTip("keeps what is shown as a reference, opens another device")

    def _measure_between(self, twenty: bool) -> None:
        self.measure_between(*((0.2, 0.8) if twenty else (0.1, 0.9)))

    def say(self, words: str) -> None:
        """Tell the user something, and keep it in the log."""
        self.log.say(words)
        self.status.showMessage(words, MESSAGE)

    def _ask_export(self) -> None:
        kinds = f"{files.DATA};;{files.PICTURES}"
        name, kind = QFileDialog.getSaveFileName(self, "Export what is shown", "trelscope", kinds)
        if name:
            path = Path(name)
            usual = ".csv" if kind == files.DATA else ".png"
            self.export(path if path.suffix else path.with_suffix(usual))

    def _ask_export_sweep(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export the sweep", "sweep", files.DATA)
        if name:
            path = Path(name)
            self.export_sweep(path if path.suffix else path.with_suffix(".csv"))

    def _ask_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a recording", "", files.RECORDINGS)
        if name:
            self.open_recording(Path(name))

    def _quit(self) -> None:
        self.close()

    def _restore_views(self) -> None:
        self.restoreState(self._first_state)
        self._size_docks()


def _plain(state: QByteArray) -> str:
    return bytes(state.toBase64().data()).decode()


def _bytes(plain: str) -> QByteArray:
    return QByteArray.fromBase64(plain.encode())
