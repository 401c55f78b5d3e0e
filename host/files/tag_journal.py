"""Packets of time tags in a file, appended as they come: whoever is killed keeps all that had arrived.

The first record says what the train is. The others are packets' payloads, each behind its length; the last one says
how the train ended.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from trelscope.host.files.failures import FileError, foreign, unreadable
from trelscope.host.files.journal import lock
from trelscope.host.link import framed

SUFFIX = ".tags"
FORMAT, VERSION = "trelscope time tags", 1

_SIZE = struct.Struct("<H")
_PACKETS = b"<"  # what a record of packets begins with; the others are JSON
_BEGINNING = b"{"


class TagJournal:
    """Raises FileError where nothing more can be written; what has been written stays."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path = path
        self.size = 0
        """Bytes so far."""
        try:
            self._file = FileIO(path, "xb")
        except OSError as error:
            raise self._failed(error) from None
        lock(self._file)  # nobody takes it for one that has been left behind
        self._append(json.dumps({"format": FORMAT, "version": VERSION, **about}).encode())

    def add(self, payloads: Sequence[bytes]) -> None:
        """Keep some packets."""
        packed = [part for each in payloads for part in (_SIZE.pack(len(each)), each)]
        self._append(_PACKETS + b"".join(packed))

    def end(self, about: Mapping[str, Any]) -> None:
        """Say how it ended."""
        self._append(json.dumps({"end": about}).encode())

    def close(self) -> None:
        """Leave the file as it is."""
        self._file.close()

    def remove(self) -> None:
        """It is kept elsewhere."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _append(self, payload: bytes) -> None:
        try:
            framed.append(self._file, framed.pack(payload))
            self.size = self._file.tell()
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> FileError:
        if isinstance(error, FileExistsError):
            return _there(self.path)
        return FileError(f"{self.path}: cannot be written ({error.strerror}); make room")


def check(path: Path) -> None:
    """Refuse a place where there is a journal already. Raises FileError."""
    if path.exists():
        raise _there(path)


def about(path: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What a journal's train is, and how it ended; None of one that was cut off. Raises FileError."""
    end = None
    head: dict[str, Any] = {}
    for n, record in enumerate(_records(path)):
        if record[:1] == _BEGINNING and n:
            end = json.loads(record)["end"]
        elif not n:
            head = _head(path, record)
    if not head:
        raise foreign(path)
    return head, end


def packets(path: Path) -> Iterator[list[bytes]]:
    """The payloads, as they came. Raises FileError."""
    for record in _records(path):
        if record[:1] != _PACKETS:
            continue
        payloads, at = [], 1
        while at < len(record):
            (size,) = _SIZE.unpack_from(record, at)
            at += _SIZE.size
            payloads.append(record[at : at + size])
            at += size
        yield payloads


def _there(path: Path) -> FileError:
    return FileError(
        f"{path}: a recording is under way there, or was cut off; `trelscope recover {path} -o FILE` saves one that was"
    )


def _records(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from framed.stream(file)
    except OSError as error:
        raise unreadable(path, error) from None


def _head(path: Path, record: bytes) -> dict[str, Any]:
    try:
        head = json.loads(record)
    except ValueError:
        raise foreign(path) from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise foreign(path)
    if head.get("version") != VERSION:
        raise FileError(
            f"{path}: time tags of version {head.get('version')}, this program reads {VERSION}; update trelscope"
        )
    return head
