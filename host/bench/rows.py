"""What the bench found, as a table and as JSON."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from trelscope.host.errors import UserError
from trelscope.host.units import format_si

Report: TypeAlias = Callable[[str], None]
"""Is told what is going on, a line at a time."""

TIMES = "x"
"""Unit of a ratio."""


class BenchError(UserError):
    """Nothing can be measured, or what was measured cannot be compared; the message says why in one line."""


@dataclass(frozen=True)
class Row:
    """One figure: the median of `samples`, or None where there is none and `note` says why."""

    id: str
    what: str
    value: float | None
    unit: str
    note: str = ""
    samples: tuple[float, ...] = ()

    @property
    def spread(self) -> float | None:
        """Half of what lies between the highest sample and the lowest, over the median."""
        if not self.value or len(self.samples) < 2:
            return None
        return (max(self.samples) - min(self.samples)) / 2 / self.value

    def as_dict(self) -> dict[str, Any]:
        """Every field by name, as plain JSON types."""
        return asdict(self)


def measured(id: str, what: str, samples: Sequence[float], unit: str, note: str = "") -> Row:
    """The row of a figure that was measured several times."""
    return Row(id, what, statistics.median(samples), unit, note, tuple(samples))


def compared(id: str, what: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    """The row of how many times as fast one is as another, sample by sample, which were taken in turn."""
    return measured(id, what, [a / b for a, b in zip(ours, theirs, strict=True)], TIMES)


def missing(id: str, what: str, unit: str, why: str) -> Row:
    """The row of a figure that cannot be had here."""
    return Row(id, what, None, unit, why)


def table(rows: Sequence[Row]) -> str:
    """One line a row: what, how much, how steady, and what else there is to say."""
    cells = [(row.what, _value(row), _spread(row), row.note) for row in rows]
    widths = [max(len(cell[n]) for cell in cells) for n in range(3)]
    return "\n".join(
        f"{what:<{widths[0]}}  {value:>{widths[1]}}  {spread:>{widths[2]}}  {note}".rstrip()
        for what, value, spread, note in cells
    )


def _value(row: Row) -> str:
    if row.value is None:
        return "–"
    if row.unit == TIMES:
        return f"{row.value:#.3g}".rstrip(".") + " ×" if row.value < 1000 else f"{row.value:.0f} ×"
    return format_si(row.value, row.unit, 3)


def _spread(row: Row) -> str:
    return "" if row.spread is None else f"± {row.spread:.1%}"
