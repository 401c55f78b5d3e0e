"""Records in a file that is only ever appended to: each with its length and a CRC, so that a torn end is noticed."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from typing import BinaryIO

_LENGTH = _CRC = 4  # bytes, little-endian
_HEAD = _LENGTH + _CRC


def pack(payload: bytes) -> bytes:
    """One record."""
    length = len(payload).to_bytes(_LENGTH, "little")
    return length + zlib.crc32(payload, zlib.crc32(length)).to_bytes(_CRC, "little") + payload


def append(file: FileIO, record: bytes) -> None:
    """Write a record, or several, at the end of a file without a buffer: all or nothing. Raises OSError."""
    end = file.tell()
    rest = memoryview(record)
    try:
        while rest:  # a disk that is nearly full takes a part, and says why at the next attempt
            rest = rest[file.write(rest) :]
    except OSError:
        with suppress(OSError):
            file.truncate(end)
            file.seek(end)
        raise


def unpack(data: bytes) -> Iterator[bytes]:
    """Payloads of the records that `data` begins with, up to the first that is not whole."""
    at = 0
    while (payload := _payload(data, at)) is not None:
        yield payload
        at += _HEAD + len(payload)


def stream(file: BinaryIO) -> Iterator[bytes]:
    """The same of a file of any size, record by record."""
    while len(head := file.read(_HEAD)) == _HEAD:
        record = head + file.read(int.from_bytes(head[:_LENGTH], "little"))
        payload = _payload(record, 0)
        if payload is None:
            return
        yield payload


def salvage(data: bytes, beginning: bytes) -> Iterator[bytes]:
    """Payloads of all whole records, those behind damaged ones too. beginning: what every payload begins with."""
    at = 0
    while at >= 0:
        payload = _payload(data, at)
        if payload is not None:
            yield payload
            at += _HEAD + len(payload)
        else:
            found = data.find(beginning, at + _HEAD + 1)
            at = found - _HEAD if found >= 0 else -1


def _payload(data: bytes, at: int) -> bytes | None:
    """That of the record at this byte; None where it is not whole."""
    begin = at + _HEAD
    if begin > len(data):
        return None
    length = data[at : at + _LENGTH]
    end = begin + int.from_bytes(length, "little")
    if end > len(data):
        return None
    payload = data[begin:end]
    crc = int.from_bytes(data[at + _LENGTH : begin], "little")
    return payload if zlib.crc32(payload, zlib.crc32(length)) == crc else None
