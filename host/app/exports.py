"""What is on the screen, written to files or copied as text."""

from collections.abc import Callable
from pathlib import Path

from PyQt6 import sip
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QGraphicsView

from trelscope.host.app import style
from trelscope.host.app.conditions import caption, file_name, sweep_caption, sweep_name
from trelscope.host.app.panels.sweep_plot import SweepPlot
from trelscope.host.app.panels.sweep_view import SweepView
from trelscope.host.app.plots import picture
from trelscope.host.app.references import Reference, References
from trelscope.host.app.results_text import results_text
from trelscope.host.app.session.recorded import as_recording, measure_again
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.app.session.sweep_run import SweepRun
from trelscope.host.errors import UserError
from trelscope.host.files import formats, recordings, sweeps, target
from trelscope.host.report import plain_table

PLAIN = ".txt"  # a table for spreadsheets
SWEEP_PICTURE = 720, 460  # pixels, whatever room the plot has in the window


class Exports:
    """Each method does one export and tells the user in a line what became of it."""

    def __init__(
        self,
        shown: Callable[[], AverageData | None],
        selected: Callable[[], str],
        references: References,
        plots: QGraphicsView,
        sweep: SweepView,
        tell: Callable[[str], None],
    ) -> None:
        """shown, selected: return the average on the screen and the quantity that is selected.

        plots: what pictures are taken of. tell: shows a line.
        """
        self._shown, self._selected, self._references = shown, selected, references
        self._plots, self._sweep, self._tell = plots, sweep, tell

    def suggested(self) -> str:
        """A name, without suffix, for a file of what is on the screen."""
        data = self._shown()
        return file_name(data) if data else "trelscope"

    def suggested_sweep(self) -> str:
        """A name, without suffix, for a file of the sweep."""
        run = self._sweep.run
        return sweep_name(run.sweep) if run else "sweep"

    def export(self, path: Path) -> None:
        """Write the average on the screen and its references, its results, or the plots, as the suffix says."""
        data = self._shown()
        if data is None:
            self._tell("nothing to export yet")
            return
        try:
            written = self._write(path, data, self._references.kept)
        except UserError as error:
            self._tell(str(error))
            return
        self._tell(f"written: {', '.join(each.name for each in written)}")

    def export_sweep(self, path: Path) -> None:
        """Write the table of the sweep, or a picture of it, as the suffix says."""
        run = self._sweep.run
        if run is None or not run.done:
            self._tell("no sweep to export yet")
            return
        try:
            _write_sweep(path, run, self._sweep.selected)
        except UserError as error:
            self._tell(str(error))
            return
        self._tell(f"written: {path.name}")

    def copy_results(self) -> None:
        """Put the results on the clipboard as text."""
        data, clipboard = self._shown(), QApplication.clipboard()
        if data is not None and clipboard is not None:
            clipboard.setText(results_text(data))

    def _write(
        self, path: Path, data: AverageData, references: tuple[Reference, ...]
    ) -> list[Path]:
        """Write a picture of the plots, a table of the results, or `data` with each reference in a file beside it.

        Returns the files that have been written. Raises UserError.
        """
        kind = path.suffix.lower()
        if kind in picture.SUFFIXES:
            target.check_writable(path)
            now = measure_again(
                data
            )  # what is shown was measured a little earlier than it was drawn
            words = caption(now, self._selected(), [each.name for each in references])
            with style.printed():
                picture.write_picture(path, self._plots, words)
            return [path]
        if kind == PLAIN:
            target.check_writable(path)
            formats.store(path, plain_table.of_results(as_recording(data)))
            return [path]
        paths = [path]
        recordings.save(path, as_recording(data))
        for number, reference in enumerate(references, start=1):
            paths.append(path.with_name(f"{path.stem}.reference-{number}{path.suffix}"))
            recordings.save(paths[-1], as_recording(reference.data))
        return paths


def _write_sweep(path: Path, run: SweepRun, name: str) -> None:
    kind = path.suffix.lower()
    if kind not in (*picture.SUFFIXES, PLAIN):
        sweeps.save(path, run.sweep, run.done)
        return
    target.check_writable(path)
    if kind == PLAIN:
        formats.store(path, plain_table.of_sweep(run.sweep, run.done))
        return
    points = sorted(run.done, key=lambda point: point.index)
    with style.printed():
        plot = SweepPlot()
        plot.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        plot.resize(*(style.pixels(each) for each in SWEEP_PICTURE))
        plot.show()
        plot.show_quantity(name)
        plot.show_points(run.sweep, points, name)
        QApplication.processEvents()
        picture.write_picture(path, plot, sweep_caption(run.sweep, name, run.sweep.asked.pulses))
    plot.hide()
    sip.delete(plot)  # or it would be given colours again
