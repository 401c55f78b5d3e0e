"""What a packet of time tags says, read word by word, the plain way. Numbers as in the description of the format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

HEAD = 14  # bytes


@dataclass(frozen=True)
class Photon:
    """A word of its own. ns: within the period, as sent."""

    pulse: int
    ns: int


@dataclass(frozen=True)
class OverflowBegins:
    """From this pulse on, photons have no word."""

    pulse: int


@dataclass(frozen=True)
class Missed:
    """So many of them had none; the latest is of this pulse."""

    pulse: int
    photons: int


Said: TypeAlias = Photon | OverflowBegins | Missed


def photons(said: Sequence[Said]) -> int:
    """How many these words account for."""
    return sum(s.photons if isinstance(s, Missed) else isinstance(s, Photon) for s in said)


def read(packet: bytes) -> Iterator[Said]:
    """The words of one packet. Each packet can be read by itself."""
    assert len(packet) > HEAD
    assert (len(packet) - HEAD) % 4 == 0
    pulse = int.from_bytes(packet[4:8], "little")
    late = int.from_bytes(packet[12:14], "little")
    for at in range(HEAD, len(packet), 4):
        word = int.from_bytes(packet[at : at + 4], "little")
        kind, body = word >> 30, word & 0x3FFFFFFF
        if kind == 0:
            pulse = (pulse + (body >> 21)) & 0xFFFFFFFF
            yield Photon(pulse, (late << 21) + (body & 0x1FFFFF))
            late = 0
        elif kind == 1:
            pulse = (pulse + body) & 0xFFFFFFFF
        elif kind == 2:
            late = body
        elif body >> 29:
            yield Missed(pulse, body & 0x1FFFFFFF)
        else:
            assert body == 0
            yield OverflowBegins(pulse)
