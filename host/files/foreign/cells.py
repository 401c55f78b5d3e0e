"""Cells of a text table: numbers, and what stands where there is none."""

import math
import re

_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d{1,4})?")
_COMMA = re.compile(r"[+-]?(\d+(,\d+)?|,\d+)([eEdD][+-]?\d{1,4})?")
_MISSING = {"", "nan", "n/a", "na", "-", "--", "---", "null", "none", "ol", "invalid"}
BEYOND = {
    "\N{INFINITY}",
    "+\N{INFINITY}",
    "-\N{INFINITY}",
    "inf",
    "+inf",
    "-inf",
    "infinity",
    "-infinity",
}
"""What stands for a sample beyond the converter's range."""


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no number, in one of the usual ways."""
    return cell.lower() in _MISSING or cell.lower() in BEYOND


def number(cell: str, decimal: str = ".") -> float | None:
    """The number in a cell whose decimal sign is `decimal`; nan where one is missing, None of anything else."""
    if (_POINT if decimal == "." else _COMMA).fullmatch(cell):
        if decimal == ",":
            cell = cell.replace(",", ".")
        value = float(cell.replace("D", "e").replace("d", "e"))
        return value if math.isfinite(value) else None
    return math.nan if is_missing(cell) else None


def resolution(cell: str, decimal: str = ".") -> float:
    """What the last digit of a number stands for: 0.01 of "1.25"; 0 of what is no number."""
    if not (_POINT if decimal == "." else _COMMA).fullmatch(cell):
        return 0.0
    mantissa, _, power = re.sub("[dDE]", "e", cell.replace(",", ".")).partition("e")
    places = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(power or 0) - places))
