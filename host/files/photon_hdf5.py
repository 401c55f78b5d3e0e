"""Photon-HDF5, for stamps: the file that other programs for time-resolved photon counting read.

A photon's timestamp is the number of its pulse, in units of the period; its nanotime is counted from a little before
the launch, so that it is never negative. What Photon-HDF5 has no name for is in /user/trelscope.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from trelscope.host import atomic
from trelscope.host.files.failing_file import FailingFile
from trelscope.host.files.failures import FileError, damaged, foreign, in_use, unreadable
from trelscope.host.files.photon_hdf5_titles import TITLES
from trelscope.host.measure.trace import Trace
from trelscope.host.photons.chunk import Chunk, Gap, Why, clipped, ranges
from trelscope.host.photons.timing import Timing

FORMAT, VERSION = "trelscope photons", 1
OWN = "user/trelscope"
DATA = "photon_data"
PIECE = 1 << 20  # photons read at a time
_STORED = 1 << 16  # photons in a piece of the file
_OURS = {OWN: "What trelscope knows of the photons.", "user": "What Photon-HDF5 has no name for."}


def write(
    path: Path,
    about: Mapping[str, Any],
    chunks: Iterable[Chunk],
    timing: Timing,
    drive: Trace | None,
    end: Mapping[str, Any],
) -> None:
    """Write a run, chunk by chunk; the file appears whole or not at all. Raises FileError.

    about: what it is. end: what became of it.
    """
    number, scratch = -1, ""
    try:
        target = Path(os.path.realpath(path))
        number, scratch = tempfile.mkstemp(
            atomic.SCRATCH_SUFFIX, atomic.SCRATCH_PREFIX, target.parent
        )
        with FileIO(number, "r+b") as raw:
            file = FailingFile(raw)
            _fill(file, about, chunks, timing, drive, end)
            if file.error is not None:
                raise file.error
            os.fsync(number)
        atomic.adopt(Path(scratch), target)
    except OSError as error:
        if scratch:
            os.unlink(scratch)
        raise FileError(
            f"{path}: cannot be written ({error.strerror}); make room, or choose another place"
        ) from None
    except BaseException:
        os.unlink(scratch)
        raise


def is_one(path: Path) -> bool:
    """Whether a file is Photon-HDF5, of whatever program."""
    try:
        with h5py.File(path) as file:
            return DATA in file
    except OSError:
        return False


def about(path: Path) -> tuple[dict[str, Any], Trace | None]:
    """What is known of a run, and the drive. Raises FileError."""
    with _open(path) as file:
        own = file[OWN]
        known = json.loads(own["about"][()])
        if known["version"] != VERSION:
            raise FileError(
                f"{path}: photons of version {known['version']}, this program reads {VERSION}; update trelscope"
            )
        drive = None
        if "drive" in own:
            t, y, se = own["drive"][()]
            drive = Trace(t, y, se, int(own["drive"].attrs["pulses"]))
        return known, drive


def read(path: Path) -> Iterator[Chunk]:
    """The stamps, some whole pulses at a time. Raises FileError."""
    known, _ = about(path)
    zero, pulses = known["zero_ns"], known["end"]["pulses_emitted"]
    with _open(path) as file:
        pulse_of, ns_of = file[f"{DATA}/timestamps"], file[f"{DATA}/nanotimes"]
        gaps = [_gap(row) for row in file[f"{OWN}/gaps"][()]]
        broken = ranges(gaps)
        first, begin = 0, 0
        while first < pulses:
            pulse = pulse_of[begin : begin + PIECE]
            last = begin + pulse.size == pulse_of.size
            end = pulses if last else int(pulse[-1])  # of which there may be more
            if end == first:
                raise damaged(path)  # so many photons in one pulse
            size = int(np.searchsorted(pulse, end))
            ns = ns_of[begin : begin + size].astype(np.int64) - zero
            mine = tuple(
                gap for gap in gaps if first <= gap.last < end or (last and gap.last >= end)
            )
            yield Chunk(first, end, pulse[:size], ns, mine, clipped(broken, first, end))
            first, begin = end, begin + size


def _fill(
    image: FailingFile,
    known: Mapping[str, Any],
    chunks: Iterable[Chunk],
    timing: Timing,
    drive: Trace | None,
    end: Mapping[str, Any],
) -> None:
    zero = timing.launch_ns + timing.dither - 1
    with h5py.File(image, "w") as file:
        photons = file.create_group(DATA)
        stored: dict[str, Any] = {"maxshape": (None,), "chunks": (_STORED,), "compression": "gzip"}
        stored |= {"compression_opts": 1, "shuffle": True, "fletcher32": True}
        pulse = photons.create_dataset("timestamps", (0,), "<i8", **stored)
        ns = photons.create_dataset("nanotimes", (0,), "<u4", **stored)
        own = file.create_group(OWN)
        gaps = own.create_dataset("gaps", (0, 4), "<i8", maxshape=(None, 4), chunks=(1024, 4))
        for chunk in chunks:
            _append(pulse, chunk.pulse)
            _append(ns, chunk.ns + zero)
            _append(gaps, np.array([_row(gap) for gap in chunk.gaps], np.int64))
            if image.error is not None:
                return
        about = {"format": FORMAT, "version": VERSION, **known}
        about |= {"timing": asdict(timing), "zero_ns": zero, "end": end}
        own["about"] = np.bytes_(json.dumps(about).encode())  # PyTables knows no other texts
        gaps.attrs["columns"] = (
            "first pulse, last pulse, photons (-1: not known), 0 missed or 1 lost"
        )
        if drive is not None:
            own["drive"] = np.stack((drive.t, drive.y, drive.se))
            own["drive"].attrs["columns"] = "time (s), drive (V), its standard error (V)"
            own["drive"].attrs["pulses"] = drive.pulses
        own["launch"] = zero
        own["launch"].attrs["meaning"] = "nanotime of the launch edge"
        _describe(file, known, timing, end)
        _title(file)


def _describe(
    file: h5py.File, known: Mapping[str, Any], timing: Timing, end: Mapping[str, Any]
) -> None:
    """What Photon-HDF5 asks for."""
    rate, notes = timing.rate, known.get("metadata", {})
    bins = timing.longest_ns + timing.dither
    values: dict[str, Any] = {
        "acquisition_duration": end["pulses_emitted"] / rate,
        "description": str(notes.get("note", "photons after electrical pulses")),
        f"{DATA}/timestamps_specs/timestamps_unit": 1 / rate,
        f"{DATA}/nanotimes_specs/tcspc_unit": 1e-9,
        f"{DATA}/nanotimes_specs/tcspc_num_bins": bins,
        f"{DATA}/nanotimes_specs/tcspc_range": bins * 1e-9,
        f"{DATA}/measurement_specs/measurement_type": "generic",
        f"{DATA}/measurement_specs/laser_repetition_rate": rate,
        "setup/num_pixels": 1,
        "setup/num_spots": 1,
        "setup/num_spectral_ch": 1,
        "setup/num_polarization_ch": 1,
        "setup/num_split_ch": 1,
        "setup/modulated_excitation": 0,
        "setup/excitation_alternated": np.array([0]),
        "setup/excitation_cw": np.array([0]),
        "setup/lifetime": 1,
        "setup/laser_repetition_rates": np.array([rate]),
        "identity/creation_time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "identity/software": "trelscope",
        "identity/software_version": str(notes.get("program", "")).rpartition(" ")[2] or "unknown",
        "identity/format_name": "Photon-HDF5",
        "identity/format_version": "0.5",
        "identity/format_url": "http://photon-hdf5.org/",
        "identity/author": str(notes.get("operator", "")) or "unknown",
        "sample/sample_name": str(notes.get("sample", "")) or "unknown",
    }
    for name in ("format_name", "format_version"):
        values[name] = file.attrs[name] = values[f"identity/{name}"]
    for name, value in values.items():
        file[name] = np.bytes_(value.encode()) if isinstance(value, str) else value
        if isinstance(value, str):
            # PyTables, in which most programs for this format are written, gives a text only where it is told so.
            file[name].attrs.update(CLASS=np.bytes_("ARRAY"), FLAVOR=np.bytes_("python"))


def _title(file: h5py.File) -> None:
    def give(name: str, node: h5py.HLObject) -> None:
        title = TITLES.get(name) or _OURS.get(name) or name.rpartition("/")[2]
        node.attrs["TITLE"] = np.bytes_(title.encode())

    give("", file)
    file.visititems(give)


def _append(data: h5py.Dataset, values: np.ndarray[Any, Any]) -> None:
    if values.size:
        size = data.shape[0]
        data.resize(size + len(values), axis=0)
        data[size:] = values


def _row(gap: Gap) -> tuple[int, int, int, int]:
    photons = -1 if gap.photons is None else gap.photons
    return gap.first, gap.last, photons, list(Why).index(gap.why)


def _gap(row: np.ndarray[Any, Any]) -> Gap:
    first, last, photons, why = map(int, row)
    return Gap(first, last, None if photons < 0 else photons, list(Why)[why])


class _open:
    """A file of ours, for reading. Raises FileError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = h5py.File(path)
        except BlockingIOError:
            raise in_use(path) from None
        except FileNotFoundError:
            raise FileError(f"{path}: no such file") from None
        except PermissionError as error:
            raise unreadable(path, error) from None
        except OSError:
            raise damaged(path) from None
        if OWN not in self._file:
            self._file.close()
            raise foreign(path)

    def __enter__(self) -> h5py.File:
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        self._file.close()
        if isinstance(error, (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError)):
            raise damaged(self._path) from None
