"""Every byte of a link in a file, with when it passed: what `trelscope.host.link.replay` plays back."""

import json
import os
import struct
import tempfile
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from trelscope.host import atomic
from trelscope.host.link import Link, LinkError, framed
from trelscope.host.settings import Settings

SUFFIX = ".trel"
FORMAT, VERSION = "trelscope link", 1
ABOUT, SENT, RECEIVED = b"{", b">", b"<"  # what a record begins with; `about` is JSON
BEGINNING = 1 << 16  # bytes in which the first record is found
SCRATCH_SUFFIX = ".trel.part"
TIME = struct.Struct("<d")  # s of the link's clock, before the bytes


class RecordedLink:
    """`link`, and all that passes on it written to `path`. Raises LinkError.

    It is written to a scratch file beside, which `put_away` gives its name, if a train has begun by then. Where the
    disk is full, the link goes on without, so that the output can be switched off.
    """

    def __init__(self, link: Link, path: Path) -> None:
        self._link, self._path = link, path
        self.name, self.front_end = link.name, link.front_end
        self._full = self._begun = False
        try:
            number, scratch = tempfile.mkstemp(
                SCRATCH_SUFFIX, ".", Path(os.path.realpath(path)).parent
            )
        except OSError as error:
            raise self._failed(error) from None
        self._scratch = Path(scratch)
        self._file = FileIO(number, "wb")
        try:
            self._about({"format": FORMAT, "version": VERSION, "source": link.name})
            self._about({"front_end": link.front_end.as_dict()})
        except LinkError:
            self.put_away()
            raise

    def note(self, settings: Settings) -> None:
        """Say what the train that comes is."""
        self._about({"settings": settings.as_dict()})
        self._begun = True

    @property
    def realtime_factor(self) -> float | None:
        """Of the link."""
        return self._link.realtime_factor

    def restart_clock(self) -> None:
        """Of the link."""
        self._link.restart_clock()

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        self._link.write(data)
        self._keep(SENT + TIME.pack(self.clock()) + data)

    def read(self, timeout: float) -> bytes:
        """Whatever has arrived."""
        data = self._link.read(timeout)
        if data:
            self._keep(RECEIVED + TIME.pack(self.clock()) + data)
        return data

    def clock(self) -> float:
        """Of the link."""
        return self._link.clock()

    def close(self) -> None:
        """Let go of the link."""
        self._link.close()

    def put_away(self, path: Path | None = None) -> None:
        """Give the recording its name, or `path` in the same folder; remove one of no train. Raises LinkError."""
        if self._file.closed:
            return
        try:
            with self._file:
                if self._begun:
                    os.fsync(self._file.fileno())
            if self._begun:
                atomic.adopt(self._scratch, Path(os.path.realpath(path or self._path)))
            else:
                self._scratch.unlink()
        except OSError as error:
            raise LinkError(
                f"{self._path}: cannot be written ({error.strerror}); its content is in {self._scratch}"
            ) from None

    def _about(self, values: Mapping[str, Any]) -> None:
        self._keep(json.dumps(values).encode())

    def _keep(self, record: bytes) -> None:
        if self._full:
            return
        try:
            framed.append(self._file, framed.pack(record))
        except OSError as error:
            self._full = True  # said once
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> LinkError:
        return LinkError(
            f"{self._path}: cannot be written ({error.strerror}); make room, or choose another place"
        )


def is_recorded(path: Path) -> bool:
    """Whether a file holds the bytes of a link."""
    try:
        with path.open("rb") as file:
            first = next(framed.unpack(file.read(BEGINNING)), b"")
        return bool(first[:1] == ABOUT and json.loads(first).get("format") == FORMAT)
    except (OSError, ValueError):
        return False
