"""A text table of any oscilloscope or photon counter as waveforms: recognised by its structure, not by its maker."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from trelscope.host.files.foreign import clues
from trelscope.host.files.foreign.axis import ASK, axis_of
from trelscope.host.files.foreign.block import Block, block_of
from trelscope.host.files.foreign.choices import NOTHING_SAID, Choices
from trelscope.host.files.foreign.dialect import dialect_of
from trelscope.host.files.foreign.headings import headings_of
from trelscope.host.files.foreign.lines import lines_of
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.units import parse_unit
from trelscope.host.files.foreign.waveforms import Channel, Waveforms

_CURVE = "*block"  # how Becker & Hickl's ASCII begins each of its curves
_COUNTED = ("count", "photon", "decay", "prompt", "irf", "cnts", "events")


def table(content: bytes, choices: Choices = NOTHING_SAID) -> Waveforms:
    """What a text file holds. Raises Unreadable."""
    lines = lines_of(content)
    if not any(any(sign.isdigit() for sign in line) for line in lines):
        raise Unreadable("holds no table of numbers; save the waveform as CSV")
    dialect = dialect_of(lines)
    block = block_of(lines, dialect)
    head = headings_of(block)
    metadata = head.metadata
    axis = axis_of(
        *(block.values[0], head.names[0], head.units[0], block.digits[0]),
        *(block.values.shape[0], metadata, choices),
    )
    curves = any(line.strip().lower().startswith(_CURVE) for line in lines)
    kind = f"text table, {dialect.words()}"
    channels = _channels(block, head.names, head.units, metadata, first=int(axis.own))
    if not channels:
        raise Unreadable("holds a time and no values; save the waveform with its channels")
    found = Waveforms(kind, axis.t, tuple(channels), metadata=metadata, how=axis.how)
    if block.beyond:
        said = f"{block.beyond} samples beyond the converter's range: they have no number"
        found = replace(found, how=(*found.how, said))
    if curves:
        found = replace(_curves(found, block), kind="ASCII of Becker & Hickl", counted=True)
    else:
        found = replace(found, breaks=_breaks(found, block), counted=_is_counted(found))
    if found.t is None:
        raise Unreadable(ASK)
    return _complete(found)


def _channels(
    block: Block,
    names: tuple[str, ...],
    units: tuple[str, ...],
    metadata: dict[str, str],
    first: int,
) -> list[Channel]:
    channels: list[Channel] = []
    said = clues.value_units(metadata, block.values.shape[0] - first)
    for k in range(first, block.values.shape[0]):
        values = block.values[k]
        if not np.isfinite(values).any() or (first and np.array_equal(values, block.values[0])):
            continue  # the time once more, as some write it for each channel
        factor, unit = parse_unit(units[k] or said[k - first]) or (1.0, "")
        name = names[k] or (_source(metadata) if len(block.values) == first + 1 else "")
        channels.append(Channel(name or f"column {block.places[k] + 1}", unit, factor * values))
    return channels


def _source(metadata: dict[str, str]) -> str:
    """The name of a single channel where the file says it beside."""
    return next((v for k, v in metadata.items() if k.lower() in ("source", "channel", "trace")), "")


def _breaks(found: Waveforms, block: Block) -> tuple[int, ...]:
    """Where time goes back, or a new head stands between the rows."""
    breaks = {start for start, _ in block.starts}
    if found.t is not None:
        breaks |= {int(k) + 1 for k in np.flatnonzero(np.diff(found.t) < 0)}
    return tuple(sorted(breaks))


def _curves(found: Waveforms, block: Block) -> Waveforms:
    """Each part of the table as a channel of its own."""
    ends = [0, *(start for start, _ in block.starts), found.size]
    parts = [slice(a, b) for a, b in pairwise(ends)]
    shortest = min(part.stop - part.start for part in parts)
    values = found.channels[0].values
    channels = tuple(
        Channel(f"block {k}", "counts", values[part.start : part.start + shortest])
        for k, part in enumerate(parts, 1)
    )
    return replace(found, t=None if found.t is None else found.t[:shortest], channels=channels)


def _is_counted(found: Waveforms) -> bool:
    """Whether all channels say that they are counts, or are whole numbers that say nothing."""

    def counted(channel: Channel) -> bool:
        if channel.unit:
            return channel.unit == "counts"
        values = channel.values[np.isfinite(channel.values)]
        whole = bool(np.all(values == np.rint(values)) and values.min() >= 0)
        named = any(word in channel.name.lower() for word in _COUNTED)
        return whole and (named or float(values.max()) > 1)

    return all(map(counted, found.channels))


def _complete(found: Waveforms) -> Waveforms:
    """Without rows that have no time."""
    assert found.t is not None
    known = np.isfinite(found.t)
    if known.all():
        return found
    kept = np.cumsum(known)
    breaks = tuple(int(kept[b - 1]) for b in found.breaks)
    channels = tuple(replace(c, values=c.values[known]) for c in found.channels)
    said = f"left out: {np.count_nonzero(~known)} rows without a time"
    return replace(
        found, t=found.t[known], channels=channels, breaks=breaks, how=(*found.how, said)
    )
