"""What is on the screen, written to files or copied as text."""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QApplication, QGraphicsView

from trelscope.host.app import style
from trelscope.host.app.conditions import file_name
from trelscope.host.app.panels.sweep_view import SweepView
from trelscope.host.app.plots import picture
from trelscope.host.app.references import Reference, References
from trelscope.host.app.results_text import results_text
from trelscope.host.app.session.recorded import as_recording
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.errors import UserError
from trelscope.host.files import recordings, target


class Exports:
    """Each method does one export and tells the user in a line what became of it."""

    def __init__(
        self,
        shown: Callable[[], AverageData | None],
        references: References,
        plots: QGraphicsView,
        sweep: SweepView,
        tell: Callable[[str], None],
    ) -> None:
        """shown: returns the average on the screen. plots: what pictures are taken of. tell: shows a line."""
        self._shown, self._references = shown, references
        self._plots, self._sweep, self._tell = plots, sweep, tell

    def suggested(self) -> str:
        """A name, without suffix, for a file of what is on the screen."""
        data = self._shown()
        return file_name(data) if data else "trelscope"

    def export(self, path: Path) -> None:
        """Write the average on the screen and its references, or the plots, as the suffix says."""
        data = self._shown()
        if data is None:
            self._tell("nothing to export yet")
            return
        try:
            written = write(path, data, self._references.kept, self._plots)
        except UserError as error:
            self._tell(str(error))
            return
        self._tell(f"written: {', '.join(each.name for each in written)}")

    def export_sweep(self, path: Path) -> None:
        """Write the table of the sweep."""
        if self._sweep.run is None or not self._sweep.run.done:
            self._tell("no sweep to export yet")
            return
        try:
            self._sweep.export(path)
        except UserError as error:
            self._tell(str(error))
            return
        self._tell(f"written: {path.name}")

    def copy_results(self) -> None:
        """Put the results on the clipboard as text."""
        data, clipboard = self._shown(), QApplication.clipboard()
        if data is not None and clipboard is not None:
            clipboard.setText(results_text(data))


def write(
    path: Path, data: AverageData, references: tuple[Reference, ...], plots: QGraphicsView
) -> list[Path]:
    """Write a picture of `plots`, or `data` with each reference in a file of its own beside it.

    Returns the files that have been written. Raises UserError.
    """
    if path.suffix in picture.SUFFIXES:
        target.check_writable(path)
        with style.printed():
            picture.write_picture(path, plots)
        return [path]
    paths = [path]
    recordings.save(path, as_recording(data))
    for number, reference in enumerate(references, start=1):
        paths.append(path.with_name(f"{path.stem}.reference-{number}{path.suffix}"))
        recordings.save(paths[-1], as_recording(reference.data))
    return paths
