"""A measured response from a file of two columns."""

from pathlib import Path

import numpy as np

from trelscope.host.decay import MeasuredResponse, measured
from trelscope.host.errors import UserError


class ResponseError(UserError):
    """A file holds no response; the message says why in one line."""


def read(path: Path) -> MeasuredResponse:
    """Two columns, middle of each bin in s and counts, separated by commas or blanks; a heading or # is skipped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ResponseError(f"{path}: {reason}") from None
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            if rows:
                raise ResponseError(f"{path}, line {number}: not two numbers") from None
            continue  # a heading
        if words and len(row) != 2:
            raise ResponseError(f"{path}, line {number}: not two numbers")
        rows += [row] if row else []
    if len(rows) < 2:
        raise ResponseError(f"{path}: no two columns of time in s and counts")
    middle, counts = np.array(rows).T
    between = (middle[1:] + middle[:-1]) / 2
    ends = 2 * middle[:1] - between[:1], 2 * middle[-1:] - between[-1:]
    found = measured(counts, np.concatenate((ends[0], between, ends[1])))
    if isinstance(found, str):
        raise ResponseError(f"{path}: {found}")
    return found
