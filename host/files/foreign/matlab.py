"""MATLAB files, version 5 and 7.3: their vectors by name."""

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import io as scipy_io

from trelscope.host.files.foreign.headings import TIME_NAMES
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.units import parse_unit, split_name
from trelscope.host.files.foreign.waveforms import Channel, Waveforms

Array = NDArray[np.float64]

_HDF5 = b"\x89HDF"
_MOST = 1 << 24  # values of a vector
_INCREMENTS = ("dt", "tinterval", "interval", "xincr", "xincrement", "increment")
_STARTS = ("tstart", "t0", "start", "xzero")


def read(path: Path, content: bytes) -> Waveforms:
    """Vectors of the same length, one of which is the time, or a number that says how far apart samples are."""
    try:
        values = _version_7(content) if _HDF5 in content[:1024] else _version_5(content)
    except Unreadable:
        raise
    except Exception as error:  # both readers fail in many ways
        said = " ".join(str(error).split())[:80]
        raise Unreadable(f"cannot be read as a MATLAB file ({said}); save it as CSV") from None
    return _waveforms(values)


def _version_5(content: bytes) -> dict[str, Array]:
    found = scipy_io.loadmat(io.BytesIO(content), squeeze_me=True)
    return _numbers({name: value for name, value in found.items() if not name.startswith("__")})


def _version_7(content: bytes) -> dict[str, Array]:
    with h5py.File(io.BytesIO(content)) as file:
        found = {}
        for name in file:
            data = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
            if (
                isinstance(data, h5py.Dataset)
                and not (data.external or data.is_virtual)
                and data.size <= _MOST
            ):
                found[name] = data[()]
        return _numbers(found)


def _numbers(values: dict[str, Any]) -> dict[str, Array]:
    kept = {}
    for name, value in values.items():
        array = np.squeeze(np.asarray(value))
        if array.dtype.kind in "fiub" and array.ndim <= 1:
            kept[name] = array.astype(np.float64)
        elif array.dtype.kind in "fiub" and array.ndim == 2 and min(array.shape) <= 16:
            rows = array if array.shape[0] < array.shape[1] else array.T
            kept |= {f"{name} {k + 1}": row.astype(np.float64) for k, row in enumerate(rows)}
    return kept


def _waveforms(values: dict[str, Array]) -> Waveforms:
    sizes = [value.size for value in values.values() if value.ndim == 1]
    if not sizes:
        raise Unreadable("holds no vectors of numbers; save time and light as vectors")
    n = max(sizes, key=sizes.count) if len(set(sizes)) < len(sizes) else max(sizes)
    vectors = {name: value for name, value in values.items() if value.ndim == 1 and value.size == n}
    numbers = {name.lower(): float(value) for name, value in values.items() if value.ndim == 0}
    t, how = None, ""
    for name in vectors:
        plain, unit = split_name(name)
        scale = parse_unit(unit)
        if (
            plain.lower() in TIME_NAMES
            or plain.lower().startswith("time")
            or (scale and scale[1] == "s")
        ):
            t = vectors.pop(name) * (scale[0] if scale else 1.0)
            how = f"time: vector {name}" + ("" if scale else ", taken to be in s")
            break
    if t is None:
        step = next((numbers[name] for name in _INCREMENTS if name in numbers), None)
        if step is None or not step > 0:
            raise Unreadable(
                "names no vector time or t, and no number dt; save one of them with the light"
            )
        start = next((numbers[name] for name in _STARTS if name in numbers), 0.0)
        t = np.asarray(start + step * np.arange(n), np.float64)
        how = "time: from the numbers that the file has for start and step"
    channels = []
    for name, vector in vectors.items():
        plain, unit = split_name(name)
        factor, base = parse_unit(unit) or (1.0, "")
        channels.append(Channel(plain if base else name, base, factor * vector))
    if not channels:
        raise Unreadable("holds a time and no values; save the light with it")
    return Waveforms(
        "MATLAB file",
        t,
        tuple(channels),
        metadata={k: f"{v:g}" for k, v in numbers.items()},
        how=(how,),
    )
