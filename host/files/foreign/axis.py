"""When the samples of a text table were taken."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.files.foreign import clues
from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.headings import INDEX_NAMES, TIME_NAMES
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.units import parse_unit
from trelscope.host.units import format_si

Array = NDArray[np.float64]

_SURELY_S = 1e-3
"""A span below which a time without a unit is in s: in another one it would be shorter than any record."""
_JITTER = 0.01  # of a step: what even samples may be off
_ASCENDING = 0.95  # of the steps: then a first column without a name is the time
ASK = "does not say how far apart its samples are; give it with --interval, such as --interval 1n"


@dataclass(frozen=True, eq=False)
class Axis:
    """t: (n,) s, or None. own: whether a column of the table was the axis, and holds no data. how: as understood."""

    t: Array | None
    own: bool
    how: tuple[str, ...] = ()


def axis_of(
    column: Array,
    name: str,
    unit: str,
    digits: float,
    columns: int,
    metadata: Mapping[str, str],
    choices: Choices,
) -> Axis:
    """The time axis of a table whose first column (n,) this is. Raises Unreadable."""
    n = column.size
    index = columns > 1 and _is_index(column, name, unit)
    time = columns > 1 and not index and _is_time(column, name, unit)
    if choices.interval is not None:
        said = f"time: samples {format_si(choices.interval, 's')} apart, as given"
        return Axis(_from(0.0, choices.interval, n), index or time, (said,))
    if time:
        return _scaled(column, unit or clues.time_unit(metadata), digits, choices)
    step = clues.increment(metadata)
    if step is None:
        return Axis(None, index)
    interval = step[0] * _factor(step[1])
    start = clues.start(metadata) or (0.0, "s")
    begin = start[0] * (_factor(start[1]) if start[1] else _factor(step[1]))
    said = f"time: {format_si(interval, 's')} a sample from {format_si(begin, 's')} on, as the file says"
    return Axis(_from(begin, interval, n), index, (said,))


def _from(start: float, step: float, n: int) -> Array:
    return np.asarray(start + step * np.arange(n), np.float64)


def _factor(unit: str) -> float:
    known = parse_unit(unit)
    return known[0] if known and known[1] == "s" else 1.0


def _is_index(column: Array, name: str, unit: str) -> bool:
    if name.lower() in INDEX_NAMES or unit.lower() in INDEX_NAMES:
        return True
    if name or unit:
        return False
    return bool(column[0] in (0, 1) and np.all(np.diff(column) == 1))


def _is_time(column: Array, name: str, unit: str) -> bool:
    known = parse_unit(unit)
    if known:
        return known[1] == "s"
    if name.lower() in TIME_NAMES or name.lower().startswith("time"):
        return True
    steps = np.diff(column)
    return bool(np.count_nonzero(steps > 0) >= _ASCENDING * max(steps.size, 1))


def _scaled(column: Array, unit: str, digits: float, choices: Choices) -> Axis:
    """A column of times in s, on an even grid where it is one but for its digits."""
    how: tuple[str, ...] = ()
    if choices.time_unit is not None:
        unit = choices.time_unit
        how = (f"time: in {unit}, as given",)
    if unit:
        factor = _factor(unit)
    else:
        low, high = float(np.nanmin(column)), float(np.nanmax(column))
        if high - low > _SURELY_S:
            raise Unreadable(
                f"does not say the unit of its time, which runs from {low:g} to {high:g}; give it with --time-unit,"
                " such as --time-unit ns"
            )
        factor = 1.0
        how = (f"time: has no unit; s, as it spans {high - low:.3g}",)
    return Axis(factor * evened(column, digits), True, how)


def evened(t: Array, digits: float) -> Array:
    """The same times (n,) on an even grid, if they are one but for what their last digit leaves open."""
    backward = np.flatnonzero(np.diff(t) < 0)
    parts = np.split(t, backward + 1)
    return np.concatenate([_evened(part, digits) for part in parts])


def _evened(t: Array, digits: float) -> Array:
    if t.size < 3 or not np.isfinite(t).all():
        return t
    step = (t[-1] - t[0]) / (t.size - 1)
    if not step > 0:
        return t
    even = t[0] + step * np.arange(t.size)
    # both ends and the sample itself may be rounded
    return even if np.abs(t - even).max() <= max(_JITTER * step, 1.01 * digits) else t
