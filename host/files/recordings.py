"""Recordings to files and back."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.recording import Recording
from trelscope.host.acquisition.sampled import SAMPLED, Sampled, sampled_from
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.files import formats
from trelscope.host.files.columns import CHECKSUM, Column, Values
from trelscope.host.files.failures import FileError, damaged, foreign
from trelscope.host.files.target import check_replaceable
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.measure.trace import Trace
from trelscope.host.settings import Settings

FORMAT, VERSION = "trelscope recording", 2
READ = (1, VERSION)
COLUMNS = {
    "time": "Time from the drive edge as commanded",
    "light": "Light",
    "light_se": "Standard error of the light",
    "drive": "Drive voltage",
    "drive_se": "Standard error of the drive voltage",
}
"""Names of the columns, and what they are in words."""

T = TypeVar("T")


def check(path: Path, force: bool = False) -> None:
    """Refuse a path that cannot be written, or holds something else than a recording. Raises FileError.

    force: whatever it holds may be replaced.
    """
    formats.check(path)
    if not force:
        check_replaceable(path, "a recording of trelscope that is whole", _is_recording)


def save(path: Path, recording: Recording) -> None:
    """Write `recording` to .h5, .npz or .csv, as the suffix says; whole or not at all. Raises FileError."""
    light, drive = recording.light, _on_axis(recording.drive, recording.light.t)
    unit = recording.settings.light_unit
    values = (light.t, light.y, light.se, drive.y, drive.se)
    units = ("s", unit, unit, "V", "V")
    columns = {
        name: Column(v, u, title)
        for (name, title), v, u in zip(COLUMNS.items(), values, units, strict=True)
    }
    head = {"format": FORMAT, "version": VERSION, "segments": _segments(recording.settings)}
    formats.write(path, columns, {**head, **recording.about(), "metadata": recording.metadata})


def _on_axis(drive: Trace, t: NDArray[np.float64]) -> Trace:
    """The drive on the bins of the light, whose window may have been chosen afterwards; nan where it is not known."""
    if np.array_equal(drive.t, t):
        return drive
    if not drive.t.size:
        return Trace(t, np.full(t.size, np.nan), np.full(t.size, np.nan), drive.pulses)
    y, se = (np.interp(t, drive.t, of, np.nan, np.nan) for of in (drive.y, drive.se))
    return Trace(t, y, se, drive.pulses)


def load(path: Path) -> Recording:
    """The recording in a file: bit for bit from .h5 and .npz, to its printed digits from .csv. Raises FileError."""
    values, about = formats.read(path)
    if about.get("format") != FORMAT:
        raise foreign(path)
    version = about.get("version")
    if version not in READ:
        raise FileError(
            f"{path}: recording of version {version}, this program reads up to {VERSION}; update trelscope"
        )
    try:
        if version == 1:
            about = _from_version_1(about)
        elif CHECKSUM not in about:
            raise KeyError(CHECKSUM)
        if len(about["segments"]) > 1:
            raise FileError(
                f"{path}: has {len(about['segments'])} windows, this program reads one; update trelscope"
            )
        return _recording(values, about)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged(path) from None


def _is_recording(path: Path) -> bool:
    try:
        load(path)
    except FileError:
        return False
    return True


def _segments(settings: Settings) -> list[dict[str, float | int]]:
    """The windows of a pulse, one after the other in every column: start and bin width in s, number of bins."""
    return [{"start": settings.window_start, "bins": settings.bins, "bin": settings.bin}]


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings as a file has them. Raises TypeError, ValueError."""
    if SAMPLED in values:
        return build(Sampled, sampled_from(values))
    return build(Settings, values)


def _from_version_1(about: Mapping[str, Any]) -> dict[str, Any]:
    """What version 2 would have said: version 1 had one window, and no captures that had been cut short."""
    segments = _segments(build(Settings, about["settings"]))
    return {**about, "segments": segments, "incomplete": None, "metadata": {}}


def _recording(columns: Values, about: Mapping[str, Any]) -> Recording:
    """Raises KeyError, TypeError, ValueError or AttributeError for what is not there or does not fit."""
    accounting = build(Accounting, about["accounting"])
    settings = settings_from(about["settings"])
    if about["segments"] != _segments(settings):
        raise ValueError
    t, light, light_se, drive, drive_se = (columns[name] for name in COLUMNS)
    for values in (t, light, light_se, drive, drive_se):
        if values.shape != (settings.bins,) or values.dtype != np.float64:
            raise ValueError
    factor, incomplete = about["realtime_factor"], about["incomplete"]
    return Recording(
        source=str(about["source"]),
        board=str(about["board"]),
        front_end=FrontEnd.from_dict(about["front_end"]),
        settings=settings,
        options=options_from(about["options"]),
        light=Trace(t, light, light_se, accounting.pulses_averaged),
        drive=Trace(t, drive, drive_se, accounting.pulses_averaged),
        accounting=accounting,
        realtime_factor=None if factor is None else float(factor),
        incomplete="" if incomplete is None else str(incomplete),
        metadata=dict(about["metadata"]),
    )


# What version 1 kept among the options, and the front end knows.
_FACTS = ("detector_delay", "launch_delay")


def options_from(values: Mapping[str, Any]) -> MeasureOptions:
    """Measuring options as a file has them. Raises TypeError, ValueError."""
    return build(
        MeasureOptions, {name: value for name, value in values.items() if name not in _FACTS}
    )


def build(kind: type[T], values: Mapping[str, Any]) -> T:
    """An instance of the dataclass `kind` of its fields as JSON gives them back.

    Raises TypeError for a field that is missing, unknown or of another type, ValueError for an unknown choice.
    """
    types = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    plain = {}
    for name, value in values.items():
        wanted = types.get(name)
        if wanted is float and isinstance(value, int):
            value = float(value)
        elif isinstance(value, list):
            value = tuple(value)
        elif isinstance(wanted, type) and issubclass(wanted, Enum):
            value = wanted(value)
        if isinstance(wanted, type) and not isinstance(value, wanted):
            raise TypeError(name)
        plain[name] = value
    return kind(**plain)
