"""The main window: assembles its parts, shows them the newest snapshot and passes the user's requests on."""

from pathlib import Path
from queue import Empty

from PyQt6.QtCore import QByteArray, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QShowEvent
from PyQt6.QtWidgets import QMainWindow

from trelscope.host.acquisition.sweep import Point
from trelscope.host.app import layout, menus, source, style
from trelscope.host.app.exports import Exports
from trelscope.host.app.frozen import FrozenPicture
from trelscope.host.app.layout import Dock, Docks
from trelscope.host.app.menus import Menus
from trelscope.host.app.panels.banner import Banner
from trelscope.host.app.panels.comparison import Comparison
from trelscope.host.app.panels.controls import Controls
from trelscope.host.app.panels.counting_view import CountingView
from trelscope.host.app.panels.log import Log
from trelscope.host.app.panels.results import Results
from trelscope.host.app.panels.source_field import CONNECT
from trelscope.host.app.panels.status_line import StatusLine
from trelscope.host.app.panels.sweep_view import SweepView
from trelscope.host.app.plots.pulse_map import PulseMap
from trelscope.host.app.plots.traces import Traces
from trelscope.host.app.plots.trend import Histogram, Trend
from trelscope.host.app.preferences import Preferences
from trelscope.host.app.reference_files import ReferenceFiles
from trelscope.host.app.references import References
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.session.session import Session
from trelscope.host.app.session.snapshot import AverageData, SessionState, Snapshot
from trelscope.host.errors import UserError
from trelscope.host.link.urls import check_source
from trelscope.host.measure.quantities import MeasureOptions
from trelscope.host.planning import CaptureRequest

# Milliseconds between looks at the session: twice as often as anybody sees, so that no picture comes late.
REFRESH = 8
SLOW_REFRESH = 200  # ms between looks at what changes slowly
MESSAGE_TIME = 8000  # ms for which the status line shows a message


class MainWindow(QMainWindow):
    """Opens on a source, running."""

    closed = pyqtSignal()

    def __init__(
        self,
        opened: str,
        seed: int = 0,
        requested: RequestedSettings | None = None,
        session: Session | None = None,
        journals: Path | None = None,
    ) -> None:
        """opened: the source. session: the session to show; None: a new one on `opened`. journals: see `Session`."""
        super().__init__()
        requested = requested or RequestedSettings()
        self._told_to_end = False
        self._laid_out = False  # whether the docks are where they are to be
        self.session = session or Session(opened, seed, requested, journals)
        self._shown: Snapshot | None = None
        self._frozen = FrozenPicture()
        self._counted = ""  # the source, if it counts photons
        self._levels = MeasureOptions().low, MeasureOptions().high  # what rise and fall are between
        self.references = References()
        self.banner = Banner()
        self.controls = Controls(opened, requested)
        self.traces = Traces()
        self.comparison = Comparison()
        self.results = Results(self.comparison)
        self.trend, self.histogram, self.map, self.log = Trend(), Histogram(), PulseMap(), Log()
        self.counting = CountingView()
        self.sweep = SweepView(self._capture_request)
        self.status = StatusLine()
        self.exports = Exports(
            lambda: self.shown,
            lambda: self.results.times.selection,
            self.references,
            self.traces,
            self.sweep,
            self.show_message,
        )
        layout.arrange(self, self.traces, self.status)
        self.docks = Docks(
            self,
            left=Dock("Settings", self.controls),
            right=Dock("Results", self.results),
            below=(
                Dock("Trend", self.trend),
                Dock("Histogram", self.histogram),
                Dock("Pulse map", self.map),
                Dock("Sweep", self.sweep),
                Dock("Counting", self.counting),
                Dock("Log", self.log),
            ),
        )
        self.menus = Menus(self)
        self.setMenuWidget(layout.stacked(self.menus, self.banner))
        self._connect_parts()
        # The newest snapshot is pulled: events pushed for every frame would pile up whenever drawing is slower.
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(REFRESH)
        self._slow_timer = QTimer(self)
        self._slow_timer.timeout.connect(self.refresh_slow)
        self._slow_timer.start(SLOW_REFRESH)
        self.traces.setFocus()
        self.refresh()

    @property
    def shown(self) -> AverageData | None:
        """The average on the screen."""
        return self._shown.data if self._shown else None

    def refresh(self) -> None:
        """Show the newest snapshot, or what is frozen."""
        newest, before = self.session.snapshot, self._shown
        snapshot = self._frozen.snapshot or newest
        self.controls.show_snapshot(newest)
        self.status.show_snapshot(newest, self._frozen)
        self._take_events()
        if newest is before:
            self.traces.refresh()
            return
        self._shown = snapshot
        title = f"RECORDING {self._frozen.file}" if self._frozen.file else ""
        title = title or source.title(newest.source, newest.board)
        self.setWindowTitle(f"trelscope — {title}")
        self.banner.show_snapshot(newest, self._frozen)
        self._bring_counting(newest)
        if before is None or snapshot.data is None or snapshot.data is not before.data:
            self.results.show_snapshot(snapshot, self._frozen.snapshot is None)
            self.traces.show_snapshot(snapshot)
            self.comparison.show_data(snapshot.data, self.references.kept)

    def refresh_slow(self) -> None:
        """Show what takes long to draw and changes slowly; hidden tabs wait until they are seen."""
        data, name = self.shown, self.results.times.selection
        excited = data is not None and source.is_excited(data.source)
        stepped = None if excited else data  # what quantities of a step can be measured of
        if self.trend.isVisible():
            self.trend.show_data(stepped, name)
        if self.histogram.isVisible():
            self.histogram.show_data(stepped, name)
        if self.map.isVisible():
            self.map.show_data(data)
        if self.counting.isVisible():
            self.counting.show_data(data)
        self.references.collect()
        self.sweep.refresh()

    # ----------------------------------------------------------------------- what the user can do

    def toggle(self) -> None:
        """Run or stop."""
        state = self.session.snapshot.state
        running = state in (SessionState.OPENING, SessionState.RUNNING, SessionState.LOST)
        (self.session.stop if running else self.session.run)()

    def open_source(self, opened: str) -> None:
        """Measure with another instrument; a source that cannot be one is refused, and what runs goes on."""
        try:
            check_source(opened)
        except UserError as error:
            self.show_message(str(error))
            return
        self._open(opened)
        self.traces.setFocus()  # or keys would still be typed into the field

    def freeze(self, frozen: bool) -> None:
        """Hold the picture, or let it go on; averaging goes on either way."""
        if frozen:
            self._frozen.freeze(self._shown)
        else:
            self._frozen.release()
        self._show_anew()

    def open_recording(self, path: Path) -> None:
        """Show a recording, measured again, in place of what runs; unfreezing goes back to that."""
        try:
            snapshot = self._frozen.load(path)
        except UserError as error:
            self.show_message(str(error))
            return
        self._frozen.set_levels(*self._levels)
        self.menus.action(menus.FREEZE).setChecked(True)
        self.show_message(snapshot.message)
        self._show_anew()

    def set_levels(self, low: float, high: float) -> None:
        """Measure rise and fall between these parts of the amplitude, of all that is shown or kept."""
        self._levels = low, high
        self.session.set_levels(low, high)
        self.references.set_levels(low, high)
        self.sweep.set_levels(low, high)
        if self._frozen.set_levels(low, high):
            self._show_anew()

    def measuring(self) -> MeasureOptions:
        """The definitions in force."""
        low, high = self._levels
        return MeasureOptions(low=low, high=high)

    def keep_reference(self) -> None:
        """Keep the average on the screen as a reference."""
        if self.shown is not None:
            self.log.add(f"reference: {self.references.keep(self.shown).name}")

    def restore_references(self, files: ReferenceFiles) -> None:
        """Show the references of the last start again, and keep those of this one for the next."""
        self.references.restore(files.load())
        self.references.changed.connect(
            lambda: files.keep(self.references.kept, self.references.coming)
        )

    def compare_with(self, opened: str) -> None:
        """Keep the average on the screen and measure another device with the same settings."""
        self.keep_reference()
        if self.references.kept:
            kept = self.references.kept[-1].name
            new = opened.removeprefix("emulator:")
            self.show_message(f"{kept} is kept as the reference; now {new} is measured")
        self._open(opened)

    def scale_text(self, factor: float) -> None:
        """Make everything larger or smaller."""
        style.scale_by(factor)
        self.docks.set_sizes()

    def show_message(self, message: str) -> None:
        """Show a line to the user, and put it into the log."""
        self.log.add(message)
        self.status.showMessage(message, MESSAGE_TIME)

    # --------------------------------------------------------------------- from start to start

    def preferences(self) -> Preferences:
        """How the window is set and laid out."""
        return Preferences(
            source=self.session.snapshot.source,
            requested=self.controls.requested(),
            geometry=_encoded(self.saveGeometry()),
            views=_encoded(self.saveState()),
            light_theme=style.theme() is style.LIGHT,
            logarithmic=self.traces.scale.log,
            scale=style.scale(),
        )

    def apply_preferences(self, preferences: Preferences) -> None:
        """Lay the window out as it was; the source and the settings are given when it is made."""
        for text, checked in (
            (menus.LIGHT_THEME, preferences.light_theme),
            (menus.LOGARITHMIC, preferences.logarithmic),
        ):
            if self.menus.action(text).isChecked() != checked:
                self.menus.action(text).trigger()
        if preferences.geometry:
            self.restoreGeometry(_decoded(preferences.geometry))
        if preferences.views:
            self._laid_out = self.restoreState(_decoded(preferences.views)) and self.docks.fits()
            if not self._laid_out:
                self.docks.restore()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Lay the docks out for the size that the window has, unless the user has."""
        super().showEvent(event)
        if not self._laid_out:
            self._laid_out = True
            self.docks.spread()
            self._counted = ""  # whose tab is to be in front once more

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Leave nothing running and the output off."""
        self.closed.emit()
        self._timer.stop()
        self._slow_timer.stop()
        self.sweep.close_run()
        self.counting.close_fit()
        self.references.close()
        self.session.close(keep_journal=self._told_to_end)
        super().closeEvent(event)

    def end(self) -> None:
        """Close because the system wants it: the average stays in its journal, and the next window recovers it."""
        self._told_to_end = True
        self.close()

    # ------------------------------------------------------------------------------------- inside

    def _connect_parts(self) -> None:
        controls = self.controls
        controls.changed.connect(self.session.change)
        controls.source_field.chosen.connect(self.open_source)
        controls.source_field.connect_wanted.connect(self.menus.action(CONNECT).trigger)
        controls.run.clicked.connect(self.toggle)
        controls.single.clicked.connect(self.session.single)
        controls.clear.clicked.connect(self.session.clear)
        self.results.selected.connect(self._select)
        self.results.headline.reached.connect(self._stop_at_precision)
        self.results.headline.refused.connect(self.show_message)
        self.references.changed.connect(self._show_references)
        self.counting.opened.connect(self.open_source)
        self.counting.fitted.connect(self.results.headline.set_lifetime)
        self.sweep.began.connect(self.session.release_instrument)
        self.sweep.captured.connect(self._show_point)
        self.sweep.ended.connect(self._end_sweep)
        self.sweep.message.connect(self.show_message)
        self.traces.pointed.connect(self.status.pointer.setText)
        self.traces.drawn.connect(self.status.count_drawn)
        self.traces.select(self.results.times.selection)

    def _open(self, opened: str) -> None:
        self.controls.source_field.await_source(opened)
        self.session.open(opened)

    def _show_anew(self) -> None:
        self._shown = None
        self.refresh()

    def _show_point(self, point: Point) -> None:
        """Show what the sweep has just captured: the window's own average waits meanwhile."""
        if point.recording is not None and self._frozen.show_point(point.recording):
            self._show_anew()

    def _end_sweep(self) -> None:
        if self._frozen.sweeping:
            self._frozen.release()
            self._show_anew()
        self.session.run()

    def _bring_counting(self, snapshot: Snapshot) -> None:
        """Show the tab of counts, once, when a source that counts has been opened."""
        counting = snapshot.settings is not None and snapshot.settings.counting
        if counting and snapshot.source != self._counted:
            self.docks.by_title["Counting"].raise_()
        if snapshot.settings is not None:
            self._counted = snapshot.source if counting else ""

    def _stop_at_precision(self) -> None:
        if self._frozen.snapshot is None and self.session.snapshot.state is SessionState.RUNNING:
            self.show_message("stopped: the precision that was wanted is reached")
            self.session.stop()

    def _select(self, name: str) -> None:
        self.traces.select(name)
        self.sweep.select(name)
        self.comparison.select(name)
        self.refresh_slow()

    def _show_references(self) -> None:
        self.traces.set_references(self.references.kept)
        self.comparison.show_data(self.shown, self.references.kept)

    def _capture_request(self) -> tuple[str, CaptureRequest]:
        """The source and the settings of the window, for the points of a sweep."""
        opened, pulses = self.session.snapshot.source, self.sweep.pulses_per_point()
        return opened, self.controls.requested().capture_request(pulses, opened)

    def _take_events(self) -> None:
        while True:
            try:
                self.log.add(self.session.events.get_nowait())
            except Empty:
                break
        while True:
            try:
                interrupted = self.session.interrupted.get_nowait()
            except Empty:
                return
            self.references.keep(interrupted)
            self.show_message("what was measured before the link was lost is kept as a reference")


def _encoded(state: QByteArray) -> str:
    return bytes(state.toBase64().data()).decode()


def _decoded(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode())
