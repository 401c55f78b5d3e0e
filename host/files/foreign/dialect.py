"""How a text table separates its columns, and which decimal sign it has: told by what makes numbers of its rows."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trelscope.host.files.foreign.cells import number
from trelscope.host.files.foreign.problems import Unreadable

_SAMPLE = 200  # rows that are looked at
MOST_COLUMNS = 256
_ENOUGH = 0.6  # of the rows have to be numbers
_FRACTION = re.compile(r"0\d+")  # digits after a decimal sign: no whole number begins like this
_BLANKS = re.compile(r"\s+")
NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "blanks", "": ""}


@dataclass(frozen=True)
class Dialect:
    """separator: a tab, a semicolon, a comma, a blank for any number of them, or "" for a single column."""

    separator: str
    decimal: str

    def split(self, line: str) -> list[str]:
        """The cells of a line, without blanks and quotes around them."""
        if self.separator == " ":
            cells = _BLANKS.split(line.strip())
        elif self.separator and '"' in line:
            cells = _quoted(line, self.separator)
        else:
            cells = line.split(self.separator) if self.separator else [line]
        return [cell.strip().strip('"').strip() for cell in cells]

    def words(self) -> str:
        """What it is like, for people."""
        parts = [f"separated by {NAMES[self.separator]}"] if self.separator else ["one column"]
        return ", ".join(parts + ["decimal commas"] * (self.decimal == ","))


def _quoted(line: str, separator: str) -> list[str]:
    """Cells some of which are in quotes, and may have the separator in them."""
    cells, cell, inside = [], "", False
    for sign in line:
        inside ^= sign == '"'
        if sign == separator and not inside:
            cells.append(cell)
            cell = ""
        else:
            cell += sign
    return [*cells, cell]


def sample(lines: Sequence[str]) -> list[str]:
    """Rows of the latter half, where no header is any more."""
    filled = [line for line in lines[len(lines) // 2 :] if line.strip()]
    filled = filled or [line for line in lines if line.strip()]
    step = max(1, len(filled) // _SAMPLE)
    return filled[::step]


def dialect_of(lines: Sequence[str]) -> Dialect:
    """The dialect that makes numbers of most rows, and most columns. Raises Unreadable."""
    rows = sample(lines)
    best: tuple[float, int, int] | None = None
    found = None
    for rank, (separator, decimal) in enumerate(_CANDIDATES):
        tried = Dialect(separator, decimal)
        part, columns = _fit(tried, rows)
        score = round(part, 2), columns, -rank
        if part >= _ENOUGH and (best is None or score > best):
            best, found = score, tried
    if found is None:
        raise Unreadable(_why_none(lines, rows))
    if found == Dialect(",", "."):
        return _comma(lines, rows)
    return found


_CANDIDATES = (
    ("\t", "."),
    (";", "."),
    (",", "."),
    ("\t", ","),
    (";", ","),
    ("", "."),
    ("", ","),
    (" ", "."),
    (" ", ","),
)


def _fit(dialect: Dialect, rows: Sequence[str]) -> tuple[float, int]:
    """The part of rows that are numbers, in whichever columns most rows have them; and how many columns that are."""
    if dialect.separator not in ("", " ") and not any(dialect.separator in row for row in rows):
        return 0.0, 0
    where: Counter[tuple[int, ...]] = Counter()
    for row in rows:
        values = [number(cell, dialect.decimal) for cell in dialect.split(row)[:MOST_COLUMNS]]
        if None in values and not any(v is not None and v == v for v in values):
            continue
        if dialect.separator in ("", " ") and None in values:
            continue
        numeric = tuple(k for k, value in enumerate(values) if value is not None and value == value)
        broken = any(
            value is None and k >= min(numeric, default=0) for k, value in enumerate(values)
        )
        if numeric and not broken:
            where[numeric] += 1
    if not where:
        return 0.0, 0
    columns, _ = where.most_common(1)[0]
    return sum(where.values()) / len(rows), len(columns)


def _comma(lines: Sequence[str], rows: Sequence[str]) -> Dialect:
    """Commas between columns, or the decimal sign in a single one. Raises Unreadable where it is both."""
    cells = [row.rstrip(", ").split(",") for row in rows]
    wide = max(len(row) for row in cells)
    if wide < 2 or any(len(row) != wide or any("." in cell for cell in row) for row in cells):
        return Dialect(",", ".")
    odd = [cell.strip() for row in cells for cell in row[1::2]]
    fractions = sum(bool(_FRACTION.fullmatch(cell)) for cell in odd)
    head = next((line for line in lines if line.strip()), "")
    names = [cell for cell in re.split("[,;\t]", head) if cell.strip()]
    named = number(head.strip(), ",") is None and not any(
        number(cell.strip()) is not None for cell in names
    )
    halved = named and 2 * len(names) == wide
    if not (fractions or halved) or not all(cell.isdigit() for cell in odd):
        return Dialect(",", ".")
    if wide == 2:
        return Dialect("", ",")
    raise Unreadable(
        "has commas between columns and as decimal signs; with decimal commas, separate the columns by ;"
    )


def _why_none(lines: Sequence[str], rows: Sequence[str]) -> str:
    wide = max(row.count(",") + row.count("\t") + row.count(";") for row in rows)
    if wide > MOST_COLUMNS:
        return f"has {wide + 1} columns, at most {MOST_COLUMNS} are read; leave out the others"
    digits = any(any(sign.isdigit() for sign in row) for row in rows)
    if not digits:
        return "holds no table of numbers; save the waveform as CSV"
    return f"holds no table of numbers (line {len(lines) // 2 + 1}: {rows[0].strip()[:40]!r}); save the waveform as CSV"
