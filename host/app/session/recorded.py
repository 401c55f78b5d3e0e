"""Averages as recordings, and recordings as averages that the window can show."""

from dataclasses import replace
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.app.session.history import Recorder
from trelscope.host.app.session.requested_settings import Averaging
from trelscope.host.app.session.snapshot import AverageData, SessionState, Snapshot
from trelscope.host.files import recordings
from trelscope.host.measure.measure import MeasureOptions


def load_snapshot(path: Path) -> Snapshot:
    """Load a recording as a snapshot of a session that has stopped. Raises FileError."""
    recording = recordings.load(path)
    return as_snapshot(recording, f"recording {path.name}, of {recording.source}")


def as_snapshot(recording: Recording, message: str) -> Snapshot:
    """A recording as a snapshot of a session that has stopped."""
    return Snapshot(
        source=recording.source,
        state=SessionState.STOPPED,
        message=message,
        board=recording.board,
        settings=recording.settings,
        data=as_average(recording),
        realtime_factor=recording.realtime_factor,
    )


def as_recording(data: AverageData) -> Recording:
    """The average as a recording, to be saved."""
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
        incomplete=data.incomplete,
        metadata=data.metadata,
    )


def as_average(recording: Recording) -> AverageData:
    """The recording as an average, to be shown; it has neither a last frame nor a history."""
    return AverageData(
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
        incomplete=recording.incomplete,
        metadata=recording.metadata,
    )


def has_levels(data: AverageData, low: float, high: float) -> bool:
    """Whether rise and fall are measured between these parts of the amplitude."""
    options = data.measurements.options
    return (options.low, options.high) == (low, high)


def with_levels(data: AverageData, low: float, high: float) -> AverageData:
    """The same traces with rise and fall between these parts of the amplitude; as it is, if that is what it has."""
    if has_levels(data, low, high):
        return data
    return measure_again(data, replace(data.measurements.options, low=low, high=high))


def measure_again(data: AverageData, options: MeasureOptions | None = None) -> AverageData:
    """The same traces with new measurements. options: None: those of the present measurements."""
    recording = as_recording(data).measured(options or data.measurements.options)
    return replace(data, measurements=recording.measurements)
