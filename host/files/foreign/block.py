"""The block of numbers in a text table: which rows and columns it has, and what stands above, beside and below it."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trelscope.host.files.foreign.cells import BEYOND, number, resolution
from trelscope.host.files.foreign.dialect import MOST_COLUMNS, Dialect, sample
from trelscope.host.files.foreign.problems import Unreadable

Array = NDArray[np.float64]

_ENDS = 50  # rows at either end whose digits are looked at


@dataclass(frozen=True, eq=False)
class Block:
    """values: (columns, rows), nan where a cell is empty. places: of the columns among the cells of a line.

    starts: rows at which a part of its own begins after the first, each with the first line above it. head: cells of
    the lines above, without empty lines. beside: cells of the data's own first lines that are not data. foot: cells of
    the lines below. digits: what the last digit of each column stands for. beyond: cells that say that the converter's
    range was left.
    """

    values: Array
    places: tuple[int, ...]
    head: list[list[str]]
    beside: list[list[str]] = field(default_factory=list)
    starts: tuple[tuple[int, str], ...] = ()
    foot: list[list[str]] = field(default_factory=list)
    digits: tuple[float, ...] = ()
    beyond: int = 0


def block_of(lines: Sequence[str], dialect: Dialect) -> Block:
    """The block. Raises Unreadable, with the line where something is not a number."""
    places = _places(lines, dialect)
    first = _first(lines, dialect, places)
    head = [dialect.split(line) for line in lines[:first] if line.strip()]
    quick = _quick(lines[first:], dialect, places)
    if quick is not None:
        ends = [dialect.split(line) for line in lines[first:] if line.strip()]
        near = ends[:_ENDS] + ends[-_ENDS:]
        digits = tuple(max(resolution(row[p], dialect.decimal) for row in near) for p in places)
        return Block(quick, places, head, digits=digits)
    return _slow(lines, first, dialect, places, head)


def _places(lines: Sequence[str], dialect: Dialect) -> tuple[int, ...]:
    """Columns that are numbers in most rows of the sample."""
    rows = [dialect.split(line) for line in sample(lines)]
    width = max(len(row) for row in rows)
    if width > MOST_COLUMNS:
        raise Unreadable(
            f"has {width} columns, at most {MOST_COLUMNS} are read; leave out the others"
        )
    count: Counter[int] = Counter()
    for row in rows:
        count.update(k for k, cell in enumerate(row) if _finite(number(cell, dialect.decimal)))
    return tuple(sorted(k for k in count if 2 * count[k] >= max(count.values())))


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _row(cells: Sequence[str], dialect: Dialect, places: Sequence[int]) -> list[float] | None:
    """The numbers of a row, nan where there is none; None of what is no row of data."""
    if len(cells) <= places[-1]:
        return None
    if len(places) == 1 and any(
        number(cell, dialect.decimal) is None for cell in cells[: places[0]]
    ):
        return None  # a key with its number
    values = [number(cells[p], dialect.decimal) for p in places]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not any(map(math.isfinite, known)):
        return None
    return known


def _first(lines: Sequence[str], dialect: Dialect, places: Sequence[int]) -> int:
    """The first line of data: one that is followed by another, or by nothing."""
    rows = ((k, line) for k, line in enumerate(lines) if line.strip())
    before = None
    for k, line in rows:
        is_data = _row(dialect.split(line), dialect, places) is not None
        if is_data and before is not None:
            return before
        before = k if is_data else None
    if before is None:
        raise Unreadable("holds no two rows of numbers that belong together")
    return before


def _quick(lines: Sequence[str], dialect: Dialect, places: Sequence[int]) -> Array | None:
    """All rows at once, where every cell is a number; None otherwise."""
    if dialect.decimal == ",":
        lines = [line.replace(",", ".") for line in lines]
    try:
        values = np.loadtxt(
            lines,
            delimiter=None if dialect.separator in (" ", "") else dialect.separator,
            usecols=places,
            ndmin=2,
            comments=None,
        )
    except (ValueError, IndexError):
        return None
    beside = (
        len({line.count(dialect.separator) for line in lines if line.strip()})
        if dialect.separator.strip()
        else 1
    )
    if beside > 1 or not np.isfinite(values).all():
        return None
    first = dialect.split(lines[0])
    if any(cell for k, cell in enumerate(first) if k not in places):
        return None  # something stands beside
    return np.ascontiguousarray(values.T)


def _slow(
    lines: Sequence[str],
    first: int,
    dialect: Dialect,
    places: tuple[int, ...],
    head: list[list[str]],
) -> Block:
    """Row by row: cells may be empty, other things may stand beside, above and between."""
    rows: list[list[float]] = []
    beside: list[list[str]] = []
    starts: list[tuple[int, str]] = []
    foot: list[list[str]] = []
    waiting: tuple[int, str] | None = (
        None  # a line that is no data: the first of a new part's head, or of the end
    )
    beyond = 0
    digits = [0.0] * len(places)
    last = _last(lines, dialect, places)
    for k in range(first, len(lines)):
        line = lines[k]
        if not line.strip():
            continue
        cells = dialect.split(line)
        row = _row(cells, dialect, places)
        if row is None:
            if (waiting is None or k > last) and _is_data(cells, dialect, places):
                raise Unreadable(f"line {k + 1}: {_odd(cells, dialect, places)}")
            if k > last:
                foot.append(cells)
            else:
                waiting = waiting or (len(rows), line.strip())
            continue
        if waiting is not None:
            starts.append((len(rows), waiting[1]))
            waiting = None
        beyond += sum(cells[p].lower() in BEYOND for p in places)
        others = [cell for p, cell in enumerate(cells) if p not in places and cell]
        if others:
            beside.append(others)
        if len(rows) < _ENDS:
            digits = [
                max(d, resolution(cells[p], dialect.decimal))
                for d, p in zip(digits, places, strict=True)
            ]
        rows.append(row)
    values = np.array(rows, np.float64).T
    return Block(
        values=np.ascontiguousarray(values),
        places=places,
        head=head,
        beside=beside,
        starts=tuple(starts),
        foot=foot,
        digits=tuple(digits),
        beyond=beyond,
    )


def _last(lines: Sequence[str], dialect: Dialect, places: Sequence[int]) -> int:
    """The last line of data."""
    for k in range(len(lines) - 1, -1, -1):
        if lines[k].strip() and _row(dialect.split(lines[k]), dialect, places) is not None:
            return k
    return -1


def _is_data(cells: Sequence[str], dialect: Dialect, places: Sequence[int]) -> bool:
    """Whether a line that is no row of data was meant to be one: some of its cells are numbers."""
    if len(cells) <= places[-1]:
        return _finite(number(cells[0], dialect.decimal))
    return len(places) > 1 and any(_finite(number(cells[p], dialect.decimal)) for p in places)


def _odd(cells: Sequence[str], dialect: Dialect, places: Sequence[int]) -> str:
    """What is wrong with a row of data."""
    if len(cells) <= places[-1]:
        return f"has {len(cells)} cells where others have {places[-1] + 1}; the file is perhaps cut off"
    wrong = next(cells[p] for p in places if number(cells[p], dialect.decimal) is None)
    return f"{wrong[:40]!r} is no number; mend the cell, or leave it empty"
