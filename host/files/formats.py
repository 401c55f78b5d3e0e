"""Columns of numbers, and what is known about them, to files and back: the one place that knows the formats."""

import json
import os
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host import atomic
from trelscope.host.files import csv_format, hdf5_format, npz_format
from trelscope.host.files.columns import CHECKSUM, Columns, ForeignError, Values, checksum
from trelscope.host.files.failures import FileError, damaged, foreign, in_use, unreadable
from trelscope.host.files.target import check_writable

LARGEST = 1 << 30
"""Bytes: no file of trelscope is nearly as large, and what is larger is not read."""


def check(path: Path) -> None:
    """Refuse a path that cannot be written, before anything is captured. Raises FileError."""
    _format_of(path, "use one of")
    check_writable(path)


def write(path: Path, columns: Columns, about: Mapping[str, Any]) -> None:
    """Write columns and what is known `about` them, with a checksum, in the format that the suffix names.

    The file appears whole or not at all. Raises FileError.
    """
    check(path)
    kind = _format_of(path, "use one of")
    values = {name: kind.stored(column.values) for name, column in columns.items()}
    known = {**about, CHECKSUM: checksum(values, about)}
    # In memory first: the libraries behind the formats do not survive a full disk.
    store(path, kind.encode(columns, json.dumps(known)))


def store(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all. Raises FileError."""
    try:
        atomic.write(path, content)
    except OSError as error:
        raise FileError(
            f"{path}: cannot be written ({error.strerror}); make room, or choose another place"
        ) from None


def read(path: Path) -> tuple[Values, dict[str, Any]]:
    """Values by column, and what is known about them, of a file that `write` has made. Raises FileError.

    Where there is a checksum, they are what was written. The file may be open in other programs.
    """
    kind = _format_of(path, "can read")
    data = content(path)
    if not data.removeprefix(csv_format.BYTE_ORDER_MARK).startswith(kind.magic):
        raise foreign(path)
    try:
        values, text = kind.decode(data)
        about = json.loads(text)
    except ForeignError:
        raise foreign(path) from None
    except (
        *(OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, RecursionError),
        *(MemoryError, NotImplementedError, OverflowError, zlib.error, zipfile.BadZipFile),
        *(SyntaxError, tokenize.TokenError),  # of the head that NumPy writes before an array
    ):
        if kind is _HDF5 and hdf5_format.in_use(path):
            raise in_use(path) from None
        raise damaged(path) from None
    if not isinstance(about, dict):
        raise foreign(path)
    if CHECKSUM in about and about[CHECKSUM] != checksum(values, about):
        raise damaged(path)
    return values, about


def content(path: Path) -> bytes:
    """All bytes of a file that is no larger than `LARGEST`. Raises FileError."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            raise FileError(f"{path}: cannot be read (not a file)")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise foreign(path)
            return file.read()
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except OSError as error:
        raise unreadable(path, error) from None


@dataclass(frozen=True)
class _Format:
    """How files of one kind are made and read, and what they begin with.

    stored: values as they will be read back.
    """

    magic: bytes
    encode: Callable[[Columns, str], bytes]
    decode: Callable[[bytes], tuple[Values, str]]
    stored: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray


_HDF5 = _Format(hdf5_format.MAGIC, hdf5_format.encode, hdf5_format.decode)

FORMATS = {
    ".csv": _Format(csv_format.MAGIC, csv_format.encode, csv_format.decode, csv_format.stored),
    ".npz": _Format(npz_format.MAGIC, npz_format.encode, npz_format.decode),
    ".h5": _HDF5,
}
_OTHER_NAMES = {".hdf5": ".h5"}


def is_known(path: Path) -> bool:
    """Whether the suffix names one of the formats, in small letters or capitals."""
    suffix = path.suffix.lower()
    return _OTHER_NAMES.get(suffix, suffix) in FORMATS


def _format_of(path: Path, words: str) -> _Format:
    if not is_known(path):
        raise FileError(f"{path}: unknown kind of file; {words} {', '.join(FORMATS)}")
    suffix = path.suffix.lower()
    return FORMATS[_OTHER_NAMES.get(suffix, suffix)]
