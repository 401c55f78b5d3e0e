"""Columns of numbers, and what is known about them, to files and back: the one place that knows the formats."""

import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from trelscope.host import atomic
from trelscope.host.errors import UserError


class FileError(UserError):
    """The file cannot be written or read; the message says why in one line."""


@dataclass(frozen=True, eq=False)
class Column:
    """(n,) numbers in `unit`, or (n,) words, which have none."""

    values: NDArray[Any]
    unit: str = ""


Columns = Mapping[str, Column]
Numbers: TypeAlias = NDArray[np.float64]


def check(path: Path) -> None:
    """Refuse a path that cannot be written, before anything is captured. Raises FileError."""
    if path.suffix not in FORMATS:
        raise FileError(f"{path}: unknown kind of file; use one of {', '.join(FORMATS)}")
    check_writable(path)


def check_writable(path: Path) -> None:
    """Refuse a path where no file can be made, whatever its kind. Raises FileError."""
    if path.is_dir():
        raise FileError(f"{path}: is a directory; name a file")
    if not path.parent.is_dir():
        raise FileError(f"{path}: no directory {path.parent}; create it first")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise FileError(
            f"{path}: cannot write there ({error.strerror}); choose another place"
        ) from None


def write(path: Path, columns: Columns, about: Mapping[str, Any]) -> None:
    """Write columns and what is known `about` them, in the format that the suffix names. Raises FileError.

    The file appears whole or not at all.
    """
    check(path)
    # In memory first: the libraries behind the formats do not survive a full disk.
    store(path, FORMATS[path.suffix].encode(columns, json.dumps(about)))


def store(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all. Raises FileError."""
    try:
        atomic.write(path, content)
    except OSError as error:
        raise FileError(
            f"{path}: cannot be written ({error.strerror}); make room, or choose another place"
        ) from None


def read(path: Path) -> tuple[dict[str, Numbers], dict[str, Any]]:
    """Numbers by column, and what is known about them, of a file that `write` has made. Raises FileError."""
    if path.suffix not in FORMATS:
        raise FileError(f"{path}: unknown kind of file; can read {', '.join(FORMATS)}")
    kind = FORMATS[path.suffix]
    try:
        with path.open("rb") as file:
            beginning = file.read(len(kind.magic))
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from None
    if beginning != kind.magic:
        raise foreign(path)
    try:
        columns, text = kind.read(path)
        about = json.loads(text)
    except KeyError:
        raise foreign(path) from None
    except (OSError, ValueError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile):
        raise damaged(path) from None
    if not isinstance(about, dict):
        raise foreign(path)
    return columns, about


def foreign(path: Path) -> FileError:
    """What to say of a file that something else has written."""
    return FileError(
        f"{path}: not written by trelscope; give a file of `trelscope capture -o` or the window"
    )


def damaged(path: Path) -> FileError:
    """What to say of a file that is not whole."""
    return FileError(f"{path}: damaged or cut off; copy it again from its source")


def _encode_csv(columns: Columns, about: str) -> bytes:
    """Comment lines with `about` as JSON and the names, then a line of numbers in SI units for each row."""
    names = ",".join(f"{name} ({c.unit})" if c.unit else name for name, c in columns.items())
    formats = [
        "%.9g" if np.issubdtype(c.values.dtype, np.number) else "%s" for c in columns.values()
    ]
    rows = np.rec.fromarrays([c.values for c in columns.values()])
    file = io.StringIO()
    np.savetxt(file, rows, formats, ",", header=f"{about}\n{names}")
    return file.getvalue().encode()


def _read_csv(path: Path) -> tuple[dict[str, Numbers], str]:
    with path.open(encoding="utf-8") as file:
        about, names = (file.readline().removeprefix("# ") for _ in range(2))
        body = file.read()
    if not body.endswith("\n"):  # the last number has perhaps lost digits
        raise EOFError
    table = np.loadtxt(body.splitlines(), delimiter=",", ndmin=2)
    keys = [name.split(" ")[0] for name in names.strip().split(",")]
    return dict(zip(keys, table.T.copy(), strict=True)), about


def _encode_npz(columns: Columns, about: str) -> bytes:
    arrays = {name: column.values for name, column in columns.items()}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, about=np.array(about), **arrays)
    return file.getvalue()


def _read_npz(path: Path) -> tuple[dict[str, Numbers], str]:
    with np.load(path) as file:
        about = str(file["about"])
        return {name: file[name] for name in file if name != "about"}, about


def _encode_hdf5(columns: Columns, about: str) -> bytes:
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file.attrs["about"] = about
        for name, column in columns.items():
            words = column.values.dtype.kind == "U"
            values = column.values.astype(h5py.string_dtype()) if words else column.values
            data = file.create_dataset(name, data=values, compression="gzip")
            data.attrs["unit"] = column.unit
    return image.getvalue()


def _read_hdf5(path: Path) -> tuple[dict[str, Numbers], str]:
    with h5py.File(path) as file:
        about = str(file.attrs["about"])
        return {name: file[name][()] for name in file}, about


@dataclass(frozen=True)
class _Format:
    """How files of one kind are made and read, and what they begin with."""

    magic: bytes
    encode: Callable[[Columns, str], bytes]
    read: Callable[[Path], tuple[dict[str, Numbers], str]]


FORMATS = {
    ".csv": _Format(b"# {", _encode_csv, _read_csv),
    ".npz": _Format(b"PK", _encode_npz, _read_npz),
    ".h5": _Format(b"\x89HDF", _encode_hdf5, _read_hdf5),
}
