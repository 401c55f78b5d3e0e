"""Recordings to files and back."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.recording import Recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.files import formats
from trelscope.host.files.formats import Column, FileError
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.measure.trace import Trace
from trelscope.host.settings import Settings

FORMAT, VERSION = "trelscope recording", 1
COLUMNS = ("time", "light", "light_se", "drive", "drive_se")

T = TypeVar("T")


def save(path: Path, recording: Recording) -> None:
    """Write `recording` to .h5, .npz or .csv, as the suffix says; whole or not at all. Raises FileError."""
    light, drive = recording.light, recording.drive
    unit = "1/s" if recording.settings.counting else "V"
    values = (light.t, light.y, light.se, drive.y, drive.se)
    units = ("s", unit, unit, "V", "V")
    columns = {name: Column(v, u) for name, v, u in zip(COLUMNS, values, units, strict=True)}
    formats.write(path, columns, {"format": FORMAT, "version": VERSION, **recording.about()})


def load(path: Path) -> Recording:
    """The recording in a file: bit for bit from .h5 and .npz, to its printed digits from .csv. Raises FileError."""
    columns, about = formats.read(path)
    if about.get("format") != FORMAT:
        raise formats.foreign(path)
    version = about.get("version")
    if version != VERSION:
        raise FileError(
            f"{path}: recording of version {version}, this program reads {VERSION}; update trelscope"
        )
    try:
        return _recording(columns, about)
    except (KeyError, TypeError, ValueError):
        raise formats.damaged(path) from None


def _recording(columns: Mapping[str, formats.Numbers], about: Mapping[str, Any]) -> Recording:
    """Raises KeyError, TypeError or ValueError for what is not there or does not fit."""
    accounting = build(Accounting, about["accounting"])
    settings = build(Settings, about["settings"])
    t, light, light_se, drive, drive_se = (columns[name] for name in COLUMNS)
    for values in (t, light, light_se, drive, drive_se):
        if values.shape != (settings.bins,) or values.dtype != np.float64:
            raise ValueError
    factor = about["realtime_factor"]
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
