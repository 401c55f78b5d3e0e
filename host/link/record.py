"""Every byte of a link in a file, with when it passed: what `trelscope.host.link.replay` plays back."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trelscope.host.link import Link, LinkError, framed
from trelscope.host.settings import Settings

SUFFIX = ".trel"
FORMAT, VERSION = "trelscope link", 1
ABOUT, SENT, RECEIVED = b"{", b">", b"<"  # what a record begins with; `about` is JSON
TIME = struct.Struct("<d")  # s of the link's clock, before the bytes


class RecordedLink:
    """`link`, and all that passes on it written to `path`. Raises LinkError."""

    def __init__(self, link: Link, path: Path) -> None:
        self._link, self._path = link, path
        self.name, self.front_end = link.name, link.front_end
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise self._failed(error) from None
        self._about({"format": FORMAT, "version": VERSION, "source": link.name})
        self._about({"front_end": link.front_end.as_dict()})

    def note(self, settings: Settings) -> None:
        """Say what the train that comes is."""
        self._about({"settings": settings.as_dict()})

    @property
    def realtime_factor(self) -> float | None:
        """Of the link."""
        return self._link.realtime_factor

    def restart_clock(self) -> None:
        """Of the link."""
        self._link.restart_clock()

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        self._keep(SENT + TIME.pack(self.clock()) + data)
        self._link.write(data)

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
        """Let go of link and file."""
        self._link.close()
        self._file.close()

    def _about(self, values: Mapping[str, Any]) -> None:
        self._keep(json.dumps(values).encode())

    def _keep(self, record: bytes) -> None:
        try:
            self._file.write(framed.pack(record))
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> LinkError:
        return LinkError(
            f"{self._path}: cannot be written ({error.strerror}); choose another place"
        )
