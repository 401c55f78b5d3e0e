"""Frames out of bytes, without any I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from trelscope.gateware import protocol
from trelscope.gateware.protocol import CRC_SIZE, HEADER, MAX_PAYLOAD, Kind

_SYNC = protocol.SYNC.to_bytes(2, "little")
_KINDS = frozenset(Kind)


@dataclass(frozen=True)
class Packet:
    """One received frame whose header and payload passed their checks."""

    kind: Kind
    flags: int
    sequence: int
    payload: bytes


@dataclass
class LinkErrors:
    """What was received and is no good, by class."""

    bad_headers: int = 0
    bad_payloads: int = 0
    unknown: int = 0
    sequence_gaps: int = 0
    skipped_bytes: int = 0
    refused: int = 0
    """Packets that passed every check and yet do not fit what was asked for."""

    @property
    def crc_errors(self) -> int:
        """Headers and payloads that failed their check."""
        return self.bad_headers + self.bad_payloads


@dataclass
class Decoder:
    """Byte stream in, packets out, whatever the pieces it arrives in.

    A frame that fails a check costs only its sync word: scanning goes on right behind it, so no corrupt length can
    swallow what follows.
    """

    errors: LinkErrors = field(default_factory=LinkErrors)
    _buffer: bytearray = field(default_factory=bytearray)
    _expected: int | None = None

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Packets completed by `data`."""
        buffer = self._buffer
        buffer += data
        at = 0
        while True:
            start = buffer.find(_SYNC, at)
            if start < 0:
                # The last byte may be the first half of a sync word.
                start = max(at, len(buffer) - (buffer[-1:] == _SYNC[:1]))
                self.errors.skipped_bytes += start - at
                at = start
                break
            self.errors.skipped_bytes += start - at
            at = start
            if len(buffer) - at < HEADER.size:
                break
            header = HEADER.unpack(buffer[at : at + HEADER.size])
            length = header["length"]
            if protocol.header_crc(buffer[at + 2 : at + HEADER.size - 2]) != header["crc"]:
                self.errors.bad_headers += 1
                at = self._skip_sync(at)
                continue
            if length > MAX_PAYLOAD or header["kind"] not in _KINDS:
                self.errors.unknown += 1
                at = self._skip_sync(at)
                continue
            end = at + HEADER.size + length + CRC_SIZE
            if len(buffer) < end:
                break
            payload = bytes(buffer[at + HEADER.size : end - CRC_SIZE])
            if (
                protocol.payload_crc(payload).to_bytes(CRC_SIZE, "little")
                != buffer[end - CRC_SIZE : end]
            ):
                self.errors.bad_payloads += 1
                at = self._skip_sync(at)
                continue
            at = end
            sequence = header["sequence"]
            if self._expected is not None and sequence != self._expected:
                self.errors.sequence_gaps += 1
            self._expected = (sequence + 1) & 0xFFFF
            yield Packet(Kind(header["kind"]), header["flags"], sequence, payload)
        del buffer[:at]

    def _skip_sync(self, at: int) -> int:
        self.errors.skipped_bytes += len(_SYNC)
        return at + len(_SYNC)
