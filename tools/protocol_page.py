# ruff: noqa: E501 - the page below is prose, wrapped as it is to be read
"""Writes docs/protocol.md from gateware/protocol.py: `python tools/protocol_page.py > docs/protocol.md`."""

import enum
import inspect

from trelscope.gateware import protocol
from trelscope.gateware.protocol import Access, Fields, Register
from trelscope.gateware.tags import wire
from trelscope.gateware.tags.wire import TAG_HEAD

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

TAGS = f"""## Time tags

With the bit `TIME_TAGS` of `mode`, every photon of a train is sent, from the train's start to its end, in packets of the kind
`TIME_TAGS`: a head and up to {wire.WORDS_PER_PACKET} words of {wire.WORD_BYTES} bytes, in order of time. Bits 31 and 30 of a word are its kind:

| kind | bits | meaning |
| --- | --- | --- |
| `PHOTON` | {wire.NS_BITS - 1} to 0 | a photon, so many ns within the period |
| | {wire.BODY_BITS - 1} to {wire.NS_BITS} | pulses from the word before to this one |
| `ADVANCE` | {wire.BODY_BITS - 1} to 0 | further pulses from the word before to the next one |
| `LATE` | {wire.LATE_BITS - 1} to 0 | so many times 2^{wire.NS_BITS} ns are to be added to the time of the next photon |
| `OVERFLOW` | {wire.MISSED_BITS} is 0 | the queue is full: from this pulse on, photons have no word |
| | {wire.MISSED_BITS} is 1 | bits {wire.MISSED_BITS - 1} to 0 are the number of those; there is room again |

A lane shows one photon a nanosecond at most; several photons of one cycle have a word each. Numbers that do not fit are spread over several `ADVANCE` or `OVERFLOW` words on end, which add up. The time of pulse k's launch, in the time of
`PHOTON` words, is ({wire.ORIGIN_CYCLES} + `delay`) x 8 ns + (k mod `dither`) ns: what is less came before the launch.

A head says of which pulse and after how many photons of the train its words begin, those without a word included; `late` is that of
the packet's first photon, if its `LATE` ended the packet before. So a packet that is lost shifts no later stamp, and its photons are
known to the last one: the difference between `photons` of two heads, or between the last packet and the register `photons` when the
train has ended. Both count modulo 2^32. A train starts when all tags of the one before have been sent.
"""

LIMITS = f"""A value outside a register's limits is not written, and the outcome is `OUT_OF_RANGE`; without limits, a register takes every
value that fits its bits. Writing 1 to `run` has the same outcome
while the settings do not go together:

- `period_num` must be less than `period_den`;
- `delay` + (`dither` - 1) // {protocol.CYCLE_NS} + {protocol.LAUNCH_TAIL} must be at most `period`: the gate is cut off in a period's last two cycles,
  and a round's latest launch, if it came later, would give no pulse.

A restart waits for the train in progress to end. If settings are written meanwhile that do not go together, it goes on
waiting until they do, or until 0 is written to `run`.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Frames\n"]
    for name in ("HEADER", "REQUEST", "REPLY", "TRACE_HEAD", "TRACE_DATA"):
        parts.append(_layout(name, getattr(protocol, name)))
    parts += [TAGS, _layout("TAG_HEAD", TAG_HEAD)]
    parts.append("## Registers\n")
    parts.append(
        "Settings are staged: all of them take effect together when a train starts. Controls take effect at once.\n"
    )
    parts.append(LIMITS)
    rows = [
        (
            f"{r.address:#04x}",
            f"`{r.name}`",
            r.access.value,
            r.bits,
            _limits(r),
            r.init or "",
            r.doc,
        )
        for r in protocol.REGISTERS.values()
    ]
    parts.append(_table(("address", "name", "access", "bits", "limits", "reset", "meaning"), rows))
    parts.append("## Values\n")
    found = [
        member
        for module in (protocol, wire)
        for member in inspect.getmembers(module, inspect.isclass)
    ]
    for name, values in found:
        if (
            issubclass(values, enum.IntEnum | enum.IntFlag)
            and values.__module__ in (protocol.__name__, wire.__name__)
            and values.__doc__
        ):
            parts.append(f"### {name}\n\n{inspect.getdoc(values)}\n")
            parts.append(
                _table(("name", "value"), [(f"`{v.name}`", f"{v.value:#x}") for v in values])
            )
    return "\n".join(parts)


def _layout(name: str, fields: Fields) -> str:
    table = _table(("field", "bytes"), [(f"`{n}`", s) for n, s in fields.sizes.items()])
    return f"### {name.lower().replace('_', ' ')}, {fields.size} bytes\n\n{table}"


def _limits(register: Register) -> str:
    lowest, highest = register.limits
    if register.access is Access.READ or (lowest, highest) == (0, (1 << register.bits) - 1):
        return ""
    return f"{lowest} to {highest}"


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
