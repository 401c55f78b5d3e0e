"""What an ECP5 bitstream file says of itself, and the manifest that a build leaves beside it. Reads bytes only."""

import json
from dataclasses import dataclass
from pathlib import Path

from trelscope.gateware.platform.boards import BOARDS, BoardFacts
from trelscope.gateware.protocol import VERSION
from trelscope.host.errors import UserError
from trelscope.sim.cache import cache_folder

PREAMBLE = b"\xff\xff\xbd\xb3"
VERIFY_ID = b"\xe2\x00\x00\x00"
"""The command that makes the FPGA compare its IDCODE with the four bytes that follow."""
PROGRAM_DONE = b"\x5e\x00\x00\x00"
HEADER, TRAILER = 4096, 64
"""Bytes within which the first two and the last are found."""


class BitstreamError(UserError):
    """The file is no bitstream for this board; the message says why in one line."""


@dataclass(frozen=True)
class Manifest:
    """What a build says of its bitstream. digest: of the gateware's sources, hexadecimal; protocol: its version.

    gate: the polarity of its pin, in words.
    """

    board: str
    digest: str
    protocol: int
    gate: str

    @property
    def word(self) -> int:
        """What the instrument's `digest` register must show."""
        return int(self.digest[:8], 16)


def built(board: BoardFacts) -> Path:
    """Where `trelscope build` puts what it makes for a board."""
    return cache_folder() / "bitstreams" / f"{board.name}.bit"


def idcode(data: bytes) -> int | None:
    """IDCODE of the FPGA that a bitstream is for; None if `data` is no bitstream."""
    head = data[:HEADER]
    start = head.find(PREAMBLE)
    at = head.find(VERIFY_ID, start)
    if start < 0 or at < 0 or len(head) < at + 8:
        return None
    return int.from_bytes(head[at + 4 : at + 8], "big")


def whole(data: bytes) -> bool:
    """Whether a bitstream goes on to its end, which alone makes the FPGA start."""
    return PROGRAM_DONE in data[-TRAILER:]


def check(path: Path, board: BoardFacts) -> Manifest | None:
    """Refuse anything but a whole bitstream for `board`. Returns its manifest, if it has one. Raises BitstreamError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BitstreamError(
            f"{path}: no such file; build one with `trelscope build --board {board.name}`"
        ) from None
    except OSError as error:
        raise BitstreamError(f"{path}: cannot be read: {error.strerror}") from None
    found = idcode(data)
    if found is None:
        raise BitstreamError(f"{path}: not an ECP5 bitstream; give the .bit file of a build")
    if found != board.idcode:
        raise BitstreamError(
            f"{path}: is for {device_name(found)}, the {board.title} has {device_name(board.idcode)};"
            f" build one with `trelscope build --board {board.name}`"
        )
    if not whole(data):
        raise BitstreamError(f"{path}: is cut short; build or copy it again")
    manifest = read_manifest(path)
    if manifest is not None and manifest.board != board.name:
        raise BitstreamError(
            f"{path}: was built for {manifest.board}; give --board {manifest.board}, or build one for {board.name}"
        )
    if manifest is not None and manifest.protocol != VERSION:
        raise BitstreamError(
            f"{path}: speaks protocol version {manifest.protocol}, this program speaks {VERSION}; build it again"
        )
    return manifest


def read_manifest(bitstream: Path) -> Manifest | None:
    """The manifest beside a bitstream. Raises BitstreamError where there is one that makes no sense."""
    path = bitstream.with_suffix(".json")
    try:
        said = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        said = None
    try:
        manifest = Manifest(
            str(said["board"]),
            str(said["digest"]),
            int(said["protocol"]),
            str(said.get("gate", "active high")),
        )
        _ = manifest.word
    except (TypeError, KeyError, ValueError):
        raise BitstreamError(f"{path}: not the manifest of a build; build again") from None
    return manifest


def device_name(idcode: int) -> str:
    """An FPGA in words."""
    parts = {board.part for board in BOARDS.values() if board.idcode == idcode}
    return f"an {'/'.join(sorted(parts))}" if parts else f"an FPGA of IDCODE {idcode:#010x}"
