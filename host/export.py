"""Captured traces to files."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from host.errors import UserError
from host.trace import Trace


class ExportError(UserError):
    """The file cannot be written; the message says why in one line."""


def check(path: Path) -> None:
    """Refuse a path that cannot be written, before anything is captured. Raises ExportError."""
    if path.suffix not in _WRITERS:
        raise ExportError(f"{path}: unknown kind of file; use one of {', '.join(_WRITERS)}")
    check_writable(path)


def check_writable(path: Path) -> None:
    """Refuse a path where no file can be made, whatever its kind. Raises ExportError."""
    if path.is_dir():
        raise ExportError(f"{path}: is a directory; name a file")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: no directory {path.parent}; create it first")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ExportError(
            f"{path}: cannot write there ({error.strerror}); choose another place"
        ) from None


def write(path: Path, light: Trace, drive: Trace, about: Mapping[str, Any]) -> None:
    """Write both traces and what is known `about` them, in the format that the suffix names. Raises ExportError.

    The file appears whole or not at all.
    """
    check(path)
    columns = {
        "time": light.t,
        "light": light.y,
        "light_se": light.se,
        "drive": drive.y,
        "drive_se": drive.se,
    }
    scratch = path.with_name(f".{path.name}.part")
    try:
        _WRITERS[path.suffix](scratch, columns, json.dumps(about))
        os.replace(scratch, path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise ExportError(f"{path}: {error.strerror or error}") from None


def _csv(path: Path, columns: Mapping[str, NDArray[np.float64]], about: str) -> None:
    """Comment line with the settings as JSON, then columns in SI units."""
    header = f"{about}\n" + ",".join(f"{name} ({_UNITS[name[:5].rstrip('_')]})" for name in columns)
    with path.open("w", encoding="utf-8") as file:
        np.savetxt(file, np.column_stack(list(columns.values())), "%.9g", ",", header=header)


def _npz(path: Path, columns: Mapping[str, NDArray[np.float64]], about: str) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, about=np.array(about), **columns)


def _hdf5(path: Path, columns: Mapping[str, NDArray[np.float64]], about: str) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["about"] = about
        for name, values in columns.items():
            data = file.create_dataset(name, data=values, compression="gzip")
            data.attrs["unit"] = _UNITS[name[:5].rstrip("_")]


_UNITS = {"time": "s", "light": "V", "drive": "V"}
_WRITERS: dict[str, Callable[[Path, Mapping[str, NDArray[np.float64]], str], None]] = {
    ".csv": _csv,
    ".npz": _npz,
    ".h5": _hdf5,
}
