"""Sweeps as tables in files."""

from pathlib import Path
from typing import Any

import numpy as np

from trelscope.host.acquisition.sweep import UNITS, Point, Sweep
from trelscope.host.files import formats
from trelscope.host.files.columns import Column
from trelscope.host.files.failures import FileError
from trelscope.host.files.target import check_replaceable
from trelscope.host.measure.quantities import DEFINITIONS

FORMAT, VERSION = "trelscope sweep", 1


def check(path: Path, force: bool = False) -> None:
    """Refuse a path that cannot be written, or holds something else than a sweep. Raises FileError.

    force: whatever it holds may be replaced.
    """
    formats.check(path)
    if not force:
        check_replaceable(path, "a sweep of trelscope that is whole", _is_sweep)


def _is_sweep(path: Path) -> bool:
    try:
        _, about = formats.read(path)
    except FileError:
        return False
    return about.get("format") == FORMAT


def as_dict(sweep: Sweep, done: list[Point]) -> dict[str, Any]:
    """The sweep as plain JSON types in SI units, points in the order of the values."""
    ordered = sorted(done, key=lambda point: point.index)
    return {"axis": str(sweep.axis), "points": [point.as_dict() for point in ordered]}


def save(path: Path, sweep: Sweep, done: list[Point]) -> None:
    """Write a table, a row for each point, nan where nothing was measured. Raises FileError."""
    ordered = sorted(done, key=lambda point: point.index)
    columns = {"value": Column(np.array([p.value for p in ordered]), UNITS[sweep.axis])}
    for name, definition in DEFINITIONS.items():
        for suffix, part in (("", "value"), ("_se", "se")):
            numbers = [
                getattr(getattr(p.recording.measurements, name), part) if p.recording else np.nan
                for p in ordered
            ]
            columns[name + suffix] = Column(np.array(numbers), definition.unit)
    pulses = [p.recording.accounting.pulses_averaged if p.recording else 0 for p in ordered]
    columns["pulses"] = Column(np.array(pulses))
    about = {"format": FORMAT, "version": VERSION, **as_dict(sweep, done)}
    formats.write(path, columns, about)
