"""Columns as NumPy's arrays in a zip: bit for bit."""

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.files.columns import MOST, Columns, ForeignError, Values

MAGIC = b"PK"

_ABOUT = "about"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def encode(columns: Columns, about: str) -> bytes:
    """The file that holds these."""
    arrays: dict[str, Any] = {name: column.values for name, column in columns.items()}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, about=np.array(about), **arrays)
    return file.getvalue()


def decode(content: bytes) -> tuple[Values, str]:
    """Columns, and what is known about them. Raises ForeignError, ValueError or zipfile.BadZipFile."""
    arrays, room = {}, 8 * MOST
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                array = _array(archive, name, room)
                arrays[name.removesuffix(".npy")] = array
                room -= array.nbytes
    if _ABOUT not in arrays:
        raise ForeignError
    about = str(arrays.pop(_ABOUT))
    return arrays, about


def _array(archive: zipfile.ZipFile, name: str, room: int) -> NDArray[Any]:
    """One array of up to `room` bytes; no more is unpacked, and no more memory is taken. Raises ForeignError."""
    with archive.open(name) as packed:
        header = _HEADERS.get(np.lib.format.read_magic(packed))
        if header is None:
            raise ForeignError
        shape, _, dtype = header(packed)
        if dtype.hasobject or len(shape) > 1 or np.prod(shape, dtype=float) * dtype.itemsize > room:
            raise ForeignError
        size = int(np.prod(shape)) * dtype.itemsize
        data = packed.read(size)
        if packed.read(1):  # to the end: only then has the zip's own checksum been compared
            raise ValueError
    return np.frombuffer(data, dtype).reshape(shape)
