"""A crash copy of what an acquisition averages: who is killed loses about a second, and keeps the rest exactly."""

import json
import os
import sys
import tempfile
import uuid
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from io import FileIO, IOBase
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import platformdirs

from trelscope.host.acquisition.acquisition import DRIVE, LIGHT, Accounting, restored
from trelscope.host.acquisition.average import AverageState
from trelscope.host.acquisition.exponential import FadingState
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.recording import Recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.errors import UserError
from trelscope.host.files.columns import MOST
from trelscope.host.files.recordings import build, options_from
from trelscope.host.link import framed
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.settings import Settings

if sys.platform != "win32":
    import fcntl

SUFFIX = ".journal"
FORMAT, VERSION = "trelscope journal", 2
EVERY = 1.0  # s between copies
LIMIT = 1 << 24  # bytes: a longer journal is replaced by one that holds the newest copy alone

INCOMPLETE = "its program was killed; these are the pulses of its last crash copy"

_SCRATCH = ".part"
_BEGINNING = b'{"'  # of every record
_RUNNING, _FADING = "running", "exponential"
_STATES: dict[str, type[AverageState] | type[FadingState]] = {
    _RUNNING: AverageState,
    _FADING: FadingState,
}
_ARRAYS = {
    _RUNNING: {"sums": "<i8", "counts": "<i8", "filled": "<i8", "origin": "<i8", "second": "<f8"},
    _FADING: dict.fromkeys(("origin", "samples", "squared", "blocks", "first", "second"), "<f8"),
}


class JournalError(UserError):
    """The journal cannot be written or read; the message says why in one line."""


def default_directory() -> Path:
    """Where this system keeps state."""
    return platformdirs.user_state_path("trelscope") / "journals"


class Journalled(Protocol):
    """What a journal keeps: an `Acquisition`, or several that share an average."""

    @property
    def settings(self) -> Settings:
        """Of all of it."""

    @property
    def options(self) -> MeasureOptions:
        """How it is measured."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """As a recording has it."""

    @property
    def accounting(self) -> Accounting:
        """Counts so far."""

    def state(self) -> AverageState | FadingState:
        """All that the average holds."""


class Journal:
    """The journal of one acquisition. Raises JournalError where it cannot be written; the acquisition can go on.

    The file is locked while it is in use: one that is not has been left behind by a process that died.
    """

    def __init__(
        self,
        instrument: Instrument,
        acquisition: Journalled,
        directory: Path | None = None,
        limit: int = LIMIT,
    ) -> None:
        directory = directory or default_directory()
        self.path = directory / f"{uuid.uuid4().hex}{SUFFIX}"
        self._acquisition = acquisition
        self._limit = limit
        self._written: float | None = None  # when
        about = {
            "format": FORMAT,
            "version": VERSION,
            "source": instrument.link.name,
            "board": instrument.identity.board,
            "front_end": instrument.link.front_end.as_dict(),
            "settings": acquisition.settings.as_dict(),
            "options": asdict(acquisition.options),
            "metadata": dict(acquisition.metadata),
        }
        # Before every copy: that a bit of it flips on the disk must not cost the copies.
        self._head = framed.pack(json.dumps(about).encode())
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = self._replace(self._head)
        except OSError as error:
            raise self._failed(error) from None

    def keep_up(self, now: float) -> None:
        """Write a copy if the last is `EVERY` s old. now: s, from any zero."""
        if self._written is None or now - self._written >= EVERY:
            self._written = now
            self.write()

    def write(self) -> None:
        """Write a copy of the acquisition as it is."""
        copy = framed.pack(_copy(self._acquisition.state(), self._acquisition.accounting))
        record = self._head + copy
        try:
            if self._file.tell() + len(record) > self._limit:
                old, self._file = self._file, self._replace(record)
                old.close()
            else:
                framed.append(self._file, record)
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Everything has been kept elsewhere, or is wanted no longer: leave nothing."""
        self.leave()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def leave(self) -> None:
        """Leave the file for whoever recovers what has been left behind."""
        with suppress(OSError):
            self._file.close()

    def _replace(self, record: bytes) -> FileIO:
        """A new file with `record` alone, in the place of the present one in a single step."""
        number, scratch = tempfile.mkstemp(dir=self.path.parent, prefix=".", suffix=_SCRATCH)
        file = FileIO(number, "wb")
        try:
            lock(file)
            framed.append(file, record)
            os.fsync(number)
            os.replace(scratch, self.path)
        except BaseException:
            file.close()
            os.unlink(scratch)
            raise
        return file

    def _failed(self, error: OSError) -> JournalError:
        return JournalError(
            f"{self.path.parent}: no crash copy can be kept there ({error.strerror}); make room or mend its permissions"
        )


def left_behind(directory: Path | None = None) -> list[Path]:
    """Journals of processes that died, oldest first."""
    directory = directory or default_directory()
    for scratch in directory.glob(f".*{_SCRATCH}"):  # of those that died while making one
        if is_left(scratch):
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
    return sorted((path for path in directory.glob(f"*{SUFFIX}") if is_left(path)), key=written)


def written(path: Path) -> float:
    """When the file was last written, s since 1970; 0 where it has just been removed."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def recover(path: Path) -> Recording | None:
    """The newest copy in a journal that is whole; None if nothing had been copied.

    Raises JournalError for what is no journal, and for one of whose copies none can be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror})") from None
    records = list(framed.salvage(data, _BEGINNING))
    heads = [about for about in map(_about, records) if about is not None]
    copies = [record for record in records if _about(record) is None]
    if not heads and (data or copies):
        raise JournalError(f"{path}: not a journal of trelscope, or damaged")
    for about in heads[:1]:
        if about.get("version") != VERSION:
            raise JournalError(
                f"{path}: journal of version {about.get('version')}, this program reads {VERSION};"
                " recover it with the trelscope that wrote it"
            )
        for copy in reversed(copies):
            with suppress(ValueError, KeyError, TypeError, zlib.error):
                return replace(_recording(about, copy), incomplete=INCOMPLETE)
    if copies or len(data) > sum(len(framed.pack(record)) for record in records):
        raise JournalError(f"{path}: damaged; none of its copies can be read")
    return None


def _about(record: bytes) -> dict[str, Any] | None:
    """What a record says about the copies; None of one that is a copy."""
    try:
        about = json.loads(record)
    except ValueError:
        return None
    return about if isinstance(about, dict) and about.get("format") == FORMAT else None


def _recording(about: dict[str, Any], copy: bytes) -> Recording:
    settings = build(Settings, about["settings"])
    front_end = FrontEnd.from_dict(about["front_end"])
    state, accounting = _from_copy(copy, settings.bins)
    average = restored(settings, front_end, state)
    return Recording(
        about["source"],
        about["board"],
        front_end,
        settings,
        options_from(about["options"]),
        average.trace(LIGHT),
        average.trace(DRIVE),
        accounting,
        None,
        metadata=dict(about.get("metadata", {})),  # the first journals had none
    )


def _copy(state: AverageState | FadingState, accounting: Accounting) -> bytes:
    """Numbers as a line of JSON, then the arrays: bytes of equal weight together, which deflates well."""
    kind = _FADING if isinstance(state, FadingState) else _RUNNING
    arrays = [getattr(state, name).astype(dtype) for name, dtype in _ARRAYS[kind].items()]
    numbers = {name: value for name, value in vars(state).items() if name not in _ARRAYS[kind]}
    head = {"average": kind, "state": numbers, "accounting": accounting.as_dict()}
    body = b"".join(array.view(np.uint8).reshape(-1, 8).T.tobytes() for array in arrays)
    return json.dumps(head).encode() + b"\n" + zlib.compress(body, 1)


def _from_copy(copy: bytes, bins: int) -> tuple[AverageState | FadingState, Accounting]:
    line, _, body = copy.partition(b"\n")
    head = json.loads(line)
    dtypes = _ARRAYS[head["average"]]
    packed = zlib.decompressobj()
    unpacked = packed.decompress(body, 8 * MOST)  # no more, whatever it would come to
    if not packed.eof:
        raise ValueError
    planes = np.frombuffer(unpacked, np.uint8).reshape(len(dtypes), 8, -1)
    arrays: dict[str, Any] = {
        name: np.ascontiguousarray(plane.T).view(dtype).reshape(-1, bins)
        for plane, (name, dtype) in zip(planes, dtypes.items(), strict=True)
    }
    state = _STATES[head["average"]](**(arrays | head["state"]))
    return state, build(Accounting, head["accounting"])


def lock(file: IOBase) -> bool:
    """Whether the file is now ours alone, until it is closed or we die."""
    if sys.platform == "win32":  # there, nobody can remove a file that is open
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_left(path: Path) -> bool:
    """Whether no program has the journal in use."""
    try:
        with path.open("rb") as file:
            return lock(file)
    except OSError:  # gone, or not ours to read
        return False
