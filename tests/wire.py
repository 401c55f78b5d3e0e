"""What travels on the link, taken apart again: for tests of the gateware, whoever runs it."""

import random
from dataclasses import dataclass

from trelscope.gateware import protocol
from trelscope.gateware.protocol import HEADER, REGISTERS, REQUEST, Kind


@dataclass(frozen=True)
class Frame:
    """One frame as it arrived."""

    kind: Kind
    sequence: int
    payload: bytes


def request(kind: Kind, sequence: int, address: int, value: int = 0) -> bytes:
    """A whole request frame."""
    payload = REQUEST.pack(address=address, value=value & 0xFFFFFFFF)
    return protocol.encode_frame(kind, sequence, payload)


def write(sequence: int, name: str, value: int) -> bytes:
    """A request that writes the register `name`."""
    return request(Kind.WRITE, sequence, REGISTERS[name].address, value)


def read(sequence: int, name: str) -> bytes:
    """A request that reads the register `name`."""
    return request(Kind.READ, sequence, REGISTERS[name].address)


def take_frame(data: bytearray) -> Frame | None:
    """Remove the first frame from `data`, or nothing while it is not whole. The stream must have no error at all."""
    if len(data) < HEADER.size:
        return None
    head = HEADER.unpack(data)
    assert head["sync"] == protocol.SYNC, data[: HEADER.size].hex(" ")
    assert head["flags"] == 0
    assert head["crc"] == protocol.header_crc(data[2 : HEADER.size - 2])
    end = HEADER.size + head["length"]
    if len(data) < end + protocol.CRC_SIZE:
        return None
    payload = bytes(data[HEADER.size : end])
    check = int.from_bytes(data[end : end + protocol.CRC_SIZE], "little")
    assert check == protocol.payload_crc(payload)
    del data[: end + protocol.CRC_SIZE]
    return Frame(Kind(head["kind"]), head["sequence"], payload)


def garbage(rng: random.Random, size: int) -> bytes:
    """Noise in which sync words and broken headers are common, but no whole valid header."""
    out = bytearray()
    while len(out) < size:
        choice = rng.randrange(5)
        if choice == 0:
            out += protocol.SYNC.to_bytes(2, "little")
        elif choice == 1:
            out.append(protocol.SYNC & 0xFF)
        elif choice == 2:
            cut = rng.randrange(1, HEADER.size)
            out += write(rng.randrange(1 << 16), "level", rng.randrange(1 << 14))[:cut]
        elif choice == 3:
            broken = bytearray(write(rng.randrange(1 << 16), "level", 0))[: HEADER.size]
            broken[rng.randrange(2, HEADER.size)] ^= 1 << rng.randrange(8)
            out += broken
        else:
            out += rng.randbytes(rng.randrange(1, 20))
    return bytes(out)
