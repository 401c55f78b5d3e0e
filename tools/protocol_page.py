# ruff: noqa: E501 - the page below is prose, wrapped as it is to be read
"""Writes docs/protocol.md from gateware/protocol.py: `python tools/protocol_page.py > docs/protocol.md`."""

import enum
import inspect

from trelscope.gateware import protocol
from trelscope.gateware.protocol import Fields

INTRODUCTION = f"""# Protocol

Version {protocol.VERSION}. Made by `tools/protocol_page.py` from `gateware/protocol.py`, from which gateware, emulator and host are
derived as well. All values are little-endian; bit 0 is the lowest.

## Link

Both directions are byte streams of frames: a header, a payload, and the payload's CRC-32 (ISO-HDLC, as in zlib). The
header's `crc` is the CRC-16/XMODEM of its bytes between `sync` ({protocol.SYNC:#06x}) and `crc`; `length` is the payload's. Sequence
numbers count all frames of one direction.

The host sends requests, each for one register, and the instrument answers every request with a reply that repeats the
request's sequence number. A frame whose header or payload fails its check is dropped and counted. After a bad header, the
search for the next one continues right behind the sync word, so a corrupt length cannot hide the frames that follow.

While a train runs, the instrument sends frames of trace memory without being asked: a head, then for each channel chunks
of up to {protocol.CHUNK_BINS} bins. A bin is a {protocol.SUM_BITS}-bit sum of ADC codes over the frame's pulses. The head describes its frame
completely. Sums never wrap: a frame ends before one could, and a flag is set if a sum saturates nevertheless.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Frames\n"]
    for name in ("HEADER", "REQUEST", "REPLY", "TRACE_HEAD", "TRACE_DATA"):
        fields: Fields = getattr(protocol, name)
        parts.append(f"### {name.lower().replace('_', ' ')}, {fields.size} bytes\n")
        parts.append(_table(("field", "bytes"), [(f"`{n}`", s) for n, s in fields.sizes.items()]))
    parts.append("## Registers\n")
    parts.append(
        "Settings are staged: all of them take effect together when a train starts. Controls take effect at once.\n"
    )
    rows = [
        (f"{r.address:#04x}", f"`{r.name}`", r.access.value, r.bits, r.init or "", r.doc)
        for r in protocol.REGISTERS.values()
    ]
    parts.append(_table(("address", "name", "access", "bits", "reset", "meaning"), rows))
    parts.append("## Values\n")
    for name, values in inspect.getmembers(protocol, inspect.isclass):
        if (
            issubclass(values, enum.IntEnum | enum.IntFlag)
            and values.__module__ == protocol.__name__
        ):
            parts.append(f"### {name}\n\n{inspect.getdoc(values)}\n")
            parts.append(
                _table(("name", "value"), [(f"`{v.name}`", f"{v.value:#x}") for v in values])
            )
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
