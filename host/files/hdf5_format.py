"""Columns as datasets of HDF5, bit for bit.

Laid out as netCDF-4: each has its unit and its name in words, the first is the axis of the others, and what is known
of the sample and such is an attribute of the file.
"""

import io
import json
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from trelscope.host.files.columns import MOST, Columns, ForeignError, Values

MAGIC = b"\x89HDF"
_WIDEST = 16  # bytes a value: a number, or where a word is


def encode(columns: Columns, about: str) -> bytes:
    """The file that holds these."""
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file.attrs["about"] = about
        known = json.loads(about).get("metadata", {})
        notes = known.get("notes")
        named = notes.items() if isinstance(notes, dict) else ()
        keyed = {f"note_{name.replace('-', '_')}": text for name, text in named}
        for name, text in {**keyed, **known}.items():
            if name.isidentifier() and isinstance(text, str):  # where other programs look for it
                file.attrs[name] = "".join(sign if sign.isprintable() else "?" for sign in text)
        for name, column in columns.items():
            words = column.values.dtype.kind == "U"
            values = column.values.astype(h5py.string_dtype()) if words else column.values
            data = file.create_dataset(name, data=values, compression="gzip")
            data.attrs["unit"] = column.unit
            data.attrs["units"] = column.unit or "1"  # as netCDF has it
            data.attrs["long_name"] = column.title or name
        axis = next(iter(columns))
        file[axis].make_scale(axis)
        for name in list(columns)[1:]:
            file[name].dims[0].attach_scale(file[axis])
    return image.getvalue()


def decode(content: bytes) -> tuple[Values, str]:
    """Columns, and what is known about them.

    Raises ForeignError, or OSError, ValueError, RuntimeError, KeyError for what is not whole.
    """
    with h5py.File(io.BytesIO(content)) as file:
        if "about" not in file.attrs:
            raise ForeignError
        columns = {name: _dataset(file, name) for name in file}
        if sum(data.size for data in columns.values()) > MOST:
            raise ForeignError
        values = {name: _values(data) for name, data in columns.items()}
        return values, str(file.attrs["about"])


def in_use(path: Path) -> bool:
    """Whether another program has the file open for writing."""
    try:
        with h5py.File(path):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """A column that is in the file itself: links lead to other files, which nobody has given. Raises ForeignError."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ForeignError
    data = file[name]
    if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
        raise ForeignError
    if len(data.shape) != 1 or data.dtype.itemsize > _WIDEST:
        raise ForeignError
    return data


def _values(data: h5py.Dataset) -> NDArray[Any]:
    values: NDArray[Any] = data.asstr()[()] if h5py.check_string_dtype(data.dtype) else data[()]
    return values
