"""A crash copy of what an acquisition averages: who is killed loses about a second, and keeps the rest exactly."""

import json
import os
import sys
import tempfile
import uuid
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import platformdirs

from trelscope.host.acquisition.acquisition import DRIVE, LIGHT, Accounting, restored
from trelscope.host.acquisition.average import AverageState
from trelscope.host.acquisition.exponential import FadingState
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.recording import Recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.errors import UserError
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

_SCRATCH = ".part"
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
        self._torn = False
        about = {
            "format": FORMAT,
            "version": VERSION,
            "source": instrument.link.name,
            "board": instrument.identity.board,
            "front_end": instrument.link.front_end.as_dict(),
            "settings": acquisition.settings.as_dict(),
            "options": asdict(acquisition.options),
        }
        self._head = framed.pack(json.dumps(about).encode())
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = self._replace(b"")
        except OSError as error:
            raise self._failed(error) from None

    def keep_up(self, now: float) -> None:
        """Write a copy if the last is `EVERY` s old. now: s, from any zero."""
        if self._written is None or now - self._written >= EVERY:
            self._written = now
            self.write()

    def write(self) -> None:
        """Write a copy of the acquisition as it is."""
        record = framed.pack(_copy(self._acquisition.state(), self._acquisition.accounting))
        try:
            if self._torn or self._file.tell() + len(record) > self._limit:
                old, self._file = self._file, self._replace(record)
                self._torn = False
                with suppress(OSError):  # it could not be written: nobody needs it any longer
                    old.close()
            else:
                self._torn = True  # until it is whole: nothing behind a torn record would be found
                self._file.write(record)
                self._file.flush()
                self._torn = False
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Everything has been kept elsewhere, or is wanted no longer: leave nothing."""
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _replace(self, record: bytes) -> IO[bytes]:
        """A new file with `record` alone, in the place of the present one in a single step."""
        number, scratch = tempfile.mkstemp(dir=self.path.parent, prefix=".", suffix=_SCRATCH)
        file = open(number, "wb")  # noqa: SIM115 - kept
        try:
            _lock(file)
            file.write(self._head + record)
            file.flush()
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
        if _free(scratch):
            scratch.unlink(missing_ok=True)
    found = [path for path in directory.glob(f"*{SUFFIX}") if _free(path)]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def recover(path: Path) -> Recording | None:
    """The newest whole copy in a journal; None if there is none. Raises JournalError for what is no journal."""
    try:
        records = list(framed.unpack(path.read_bytes()))
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror})") from None
    if not records:
        return None
    try:
        about = json.loads(records[0])
        if about["format"] != FORMAT:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise JournalError(f"{path}: not a journal of trelscope") from None
    if about["version"] != VERSION:
        raise JournalError(
            f"{path}: journal of version {about['version']}, this program reads {VERSION};"
            " recover it with the trelscope that wrote it"
        )
    return _recording(about, records[-1]) if len(records) > 1 else None


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
    planes = np.frombuffer(zlib.decompress(body), np.uint8).reshape(len(dtypes), 8, -1)
    arrays: dict[str, Any] = {
        name: np.ascontiguousarray(plane.T).view(dtype).reshape(-1, bins)
        for plane, (name, dtype) in zip(planes, dtypes.items(), strict=True)
    }
    state = _STATES[head["average"]](**(arrays | head["state"]))
    return state, build(Accounting, head["accounting"])


def _lock(file: IO[bytes]) -> bool:
    """Whether the file is now ours alone, until it is closed or we die."""
    if sys.platform == "win32":  # there, nobody can remove a file that is open
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _lock(file)
    except OSError:  # gone, or not ours to read
        return False
