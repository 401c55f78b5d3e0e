"""Columns of numbers or words: what all file formats of trelscope hold, besides what is known about them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

CHECKSUM = "checksum"
"""The key of the checksum in what is known about the columns."""

MOST = 1 << 24
"""Values of all columns: no file of trelscope has nearly as many, and what declares more is not read."""


@dataclass(frozen=True, eq=False)
class Column:
    """(n,) numbers in `unit`, or (n,) words, which have none. title: what they are, for people."""

    values: NDArray[Any]
    unit: str = ""
    title: str = ""


Columns = Mapping[str, Column]
Values: TypeAlias = dict[str, NDArray[Any]]


class ForeignError(Exception):
    """The content is not of trelscope."""


def checksum(values: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> str:
    """SHA-256 over names, values and all that is known about them: independent of the format and its layout.

    Any program can compute it: `about` without the checksum as JSON with sorted keys and no spaces, then each column in
    the order of its name: the name, and the values as little-endian doubles or as words. A zero byte ends each of
    these.
    """
    known = {key: value for key, value in about.items() if key != CHECKSUM}
    digest = hashlib.sha256()
    digest.update(json.dumps(known, sort_keys=True, separators=(",", ":")).encode() + b"\0")
    for name, column in sorted(values.items()):
        digest.update(name.encode() + b"\0")
        if np.issubdtype(column.dtype, np.number):
            digest.update(column.astype("<f8").tobytes() + b"\0")
        else:
            digest.update(b"".join(str(word).encode() + b"\0" for word in column))
    return f"sha256:{digest.hexdigest()}"
