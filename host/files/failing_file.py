"""A file that HDF5 can write to on a full disk: the library itself does not survive that."""

import io
from io import FileIO


class FailingFile(io.RawIOBase):
    """`file`, of which no write fails: what went wrong first is in `error`, and from then on nothing is written."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        read = self._file.readinto(buffer)
        if self.error is not None:
            buffer[read:] = bytes(len(buffer) - read)  # of what was to be written there
            return len(buffer)
        return read

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        rest = memoryview(data)
        try:
            while rest and self.error is None:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size) if self.error is None else size or 0
        except OSError as error:
            self.error = error
            return size or 0

    def flush(self) -> None:
        """There is no buffer."""
