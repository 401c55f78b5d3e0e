"""Records in a file that is only ever appended to: each with its length and a CRC, so that a torn end is noticed."""

import zlib
from collections.abc import Iterator

_LENGTH = _CRC = 4  # bytes, little-endian


def pack(payload: bytes) -> bytes:
    """One record."""
    length = len(payload).to_bytes(_LENGTH, "little")
    return length + zlib.crc32(payload, zlib.crc32(length)).to_bytes(_CRC, "little") + payload


def unpack(data: bytes) -> Iterator[bytes]:
    """Payloads of the records that `data` begins with, up to the first that is not whole."""
    at = 0
    while at + _LENGTH + _CRC <= len(data):
        length, begin = data[at : at + _LENGTH], at + _LENGTH + _CRC
        end = begin + int.from_bytes(length, "little")
        payload = data[begin:end]
        crc = int.from_bytes(data[at + _LENGTH : begin], "little")
        if end > len(data) or zlib.crc32(payload, zlib.crc32(length)) != crc:
            return
        yield payload
        at = end
