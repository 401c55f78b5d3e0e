"""Columns as text: a line with their names, what is known about them in comments, then a line of values for each row.

The names come first and bare, as spreadsheets and `numpy.genfromtxt(…, names=True)` want them.
"""

import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.files.columns import Columns, ForeignError, Values

MAGIC = b""  # names may be any
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some editors begin a file with it
DIGITS = "%.9g"

_OWN = b'"format": "trelscope'
_NAME = re.compile(r"[A-Za-z]\w*( \([^()]*\))?")  # perhaps with a unit


def encode(columns: Columns, about: str) -> bytes:
    """The file that holds these."""
    formats = [
        DIGITS if np.issubdtype(c.values.dtype, np.number) else "%s" for c in columns.values()
    ]
    units = ", ".join(f"{name} in {c.unit}" for name, c in columns.items() if c.unit)
    rows = np.rec.fromarrays([c.values for c in columns.values()])
    file = io.StringIO()
    np.savetxt(
        file, rows, formats, ",", header=f"{','.join(columns)}\n# {about}\n# {units}", comments=""
    )
    return file.getvalue().encode()


def stored(values: NDArray[Any]) -> NDArray[Any]:
    """(n,) values as the file gives them back: numbers to the printed digits."""
    if not np.issubdtype(values.dtype, np.number):
        return values
    return np.array([float(DIGITS % value) for value in values])


def decode(content: bytes) -> tuple[Values, str]:
    """Columns, and what is known about them. Comments may have been added, and separators changed to semicolons.

    Raises ForeignError, ValueError for what is not whole.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if _OWN in content:
            raise
        raise ForeignError from None
    lines = text.splitlines()
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    about = next((line for line in comments if line.startswith("{")), None)
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    if about is None or not rows:
        raise ForeignError
    if not text.endswith("\n"):  # the last number has perhaps lost digits
        raise ValueError
    separator = ";" if ";" in rows[-1] else ","
    # As they stand now, bare in the first line, or in a comment, as they did.
    names = _names(rows[:1], separator)
    if names is None:
        names = _names(comments, separator, rows[-1].count(separator) + 1)
    else:
        rows = rows[1:]
    if names is None:
        raise ValueError
    if separator == ";":  # then the comma is perhaps the decimal sign
        rows = [row.replace(",", ".") for row in rows]
    columns = zip(*(row.split(separator) for row in rows), strict=True)
    return dict(zip(names, map(_column, columns), strict=True)), about


def _column(fields: tuple[str, ...]) -> NDArray[Any]:
    """(n,) numbers, or words where one of them is none."""
    try:
        return np.array([float(field) for field in fields])
    except ValueError:
        return np.array(fields)


def _names(lines: list[str], separator: str, number: int | None = None) -> list[str] | None:
    """The names of so many columns, without units, in the first line that holds them; numbers are none."""
    for line in lines:
        fields = [field.strip().strip('"') for field in re.split(f"[,{separator}]", line)]
        named = all(map(_NAME.fullmatch, fields)) and not all(map(_is_number, fields))
        if named and len(fields) == (number or len(fields)):
            return [field.partition(" ")[0] for field in fields]
    return None


def _is_number(field: str) -> bool:
    """Also nan and inf, which look like names."""
    try:
        float(field)
    except ValueError:
        return False
    return True
