"""What is on the screen to files, and recordings back onto it."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtWidgets import QGraphicsView

from trelscope.host.acquisition.recording import Recording
from trelscope.host.app.plots import picture
from trelscope.host.app.references import Reference
from trelscope.host.app.session.history import Recorder
from trelscope.host.app.session.snapshot import Data, Snapshot, State
from trelscope.host.app.session.wanted import Averaging
from trelscope.host.files import formats, recordings
from trelscope.host.measure.measure import MeasureOptions

DATA = "Data (*.csv *.h5 *.npz)"
PICTURES = "Pictures (*.png *.svg *.pdf)"
RECORDINGS = "Recordings (*.h5 *.npz *.csv)"


def write(
    path: Path, data: Data, references: tuple[Reference, ...], view: QGraphicsView
) -> list[Path]:
    """Write the average on the screen, or the plots, as the suffix says; returns what has been written.

    References go into files of their own, next to it. Raises UserError.
    """
    if path.suffix in picture.SUFFIXES:
        formats.check_writable(path)
        picture.write_picture(path, view)
        return [path]
    paths = [path]
    recordings.save(path, as_recording(data))
    for number, reference in enumerate(references, start=1):
        paths.append(path.with_name(f"{path.stem}.reference-{number}{path.suffix}"))
        recordings.save(paths[-1], as_recording(reference.data))
    return paths


def read(path: Path) -> Snapshot:
    """A recording as if it had just been stopped. Raises FileError."""
    recording = recordings.load(path)
    words = f"recording {path.name}, of {recording.source}"
    return Snapshot(
        source=recording.source,
        state=State.STOPPED,
        words=words,
        board=recording.board,
        settings=recording.settings,
        data=as_data(recording),
        realtime_factor=recording.realtime_factor,
    )


def as_recording(data: Data) -> Recording:
    """What `data` shows, to be saved."""
    return Recording(
        source=data.source,
        board=data.board,
        front_end=data.front_end,
        settings=data.settings,
        options=data.measurements.options,
        light=data.light,
        drive=data.drive,
        accounting=data.accounting,
        realtime_factor=None,
    )


def measured(data: Data, options: MeasureOptions | None = None) -> Data:
    """The same traces, measured anew."""
    recording = as_recording(data).measured(options or data.measurements.options)
    return replace(data, measurements=recording.measurements)


def as_data(recording: Recording) -> Data:
    """A recording, to be shown; it has neither a last frame nor a history."""
    return Data(
        source=recording.source,
        board=recording.board,
        front_end=recording.front_end,
        settings=recording.settings,
        averaging=Averaging.SUM,
        light=recording.light,
        drive=recording.drive,
        last_light=recording.light,
        measurements=recording.measurements,
        accounting=recording.accounting,
        statistics={},
        history=Recorder().history(),
        number=0,
        segments=1,
        gap=0.0,
        effective=float(recording.accounting.pulses_averaged),
        arrived=0.0,
    )
