"""The words of many packets of time tags at once, with NumPy. What no instrument sends is malformed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.tags.wire import (
    BODY_BITS,
    LATE_BITS,
    MISSED_BITS,
    NS_BITS,
    TAG_HEAD,
    WORD_BYTES,
    TagKind,
)
from trelscope.host.photons.chunk import Integers

HEAD = np.dtype([(name, f"<u{size}") for name, size in TAG_HEAD.sizes.items()])
WORD = np.dtype(f"<u{WORD_BYTES}")

BODY = (1 << BODY_BITS) - 1
NS = (1 << NS_BITS) - 1
MISSED = 1 << MISSED_BITS


class Malformed(Exception):
    """A packet is none that an instrument sends."""


@dataclass(frozen=True, eq=False)
class Packets:
    """Several packets, of which some may hold no word.

    heads: (p,). sizes: (p,) number of words in each. words: (n,), one packet's after another's.
    """

    heads: NDArray[np.void]
    sizes: Integers
    words: NDArray[np.uint32]

    @classmethod
    def of(cls, payloads: Sequence[bytes]) -> "Packets":
        """Raises Malformed for a payload that is not a head and whole words."""
        size = HEAD.itemsize
        lengths = np.fromiter(map(len, payloads), np.int64, len(payloads)) - size
        if (lengths < 0).any() or (lengths % WORD.itemsize).any():
            raise Malformed
        heads = np.frombuffer(b"".join([payload[:size] for payload in payloads]), HEAD)
        words = np.frombuffer(b"".join([payload[size:] for payload in payloads]), WORD)
        return cls(heads, lengths // WORD.itemsize, words)

    @property
    def ends(self) -> Integers:
        """(p,) number of the word behind the last one of each."""
        return np.cumsum(self.sizes)


@dataclass(frozen=True, eq=False)
class Overflow:
    """A word that says that a queue is full, or, once there is room again, what has been missed.

    at: number of the word. missed: photons; None where the overflow begins.
    """

    at: int
    missed: int | None


@dataclass(frozen=True, eq=False)
class Words:
    """What the words of some packets say.

    step: (n,) pulses from the previous word to each, within its packet. ns: (photons,) within the period.
    photon: (n,) whether each is a photon; None: all of them are. accounted: (p,) photons that each packet accounts for.
    """

    step: Integers
    ns: Integers
    photon: NDArray[np.bool_] | None
    accounted: Integers
    overflows: tuple[Overflow, ...]


class Scratch:
    """Memory for numbers that are soon forgotten: to be given new memory every time takes longer than the decoding."""

    def __init__(self) -> None:
        self._kept: dict[str, Integers] = {}

    def take(self, name: str, size: int) -> Integers:
        """(size,) with whatever was in it. It is lost when the same name is taken again."""
        kept = self._kept.get(name)
        if kept is None or kept.size < size:
            kept = self._kept[name] = np.empty(size, np.int64)
        return kept[:size]


def read(packets: Packets, scratch: Scratch) -> Words:
    """What is returned is lost with the next call. Raises Malformed for a word that has no meaning."""
    words = packets.words
    step = np.right_shift(words, NS_BITS, out=scratch.take("step", words.size), dtype=np.int64)
    ns = np.bitwise_and(words, NS, out=scratch.take("ns", words.size), dtype=np.int64)
    photon, accounted = None, packets.sizes
    overflows: tuple[Overflow, ...] = ()
    if words.size and words.max() > BODY:
        kind = words >> BODY_BITS
        photon = kind == TagKind.PHOTON
        ns = ns[photon]
        others = np.flatnonzero(kind)
        step[others] = np.where(kind[others] == TagKind.ADVANCE, words[others] & BODY, 0)
        _add_late(ns, packets, np.flatnonzero(kind == TagKind.LATE), photon)
        overflows = _overflows(words, np.flatnonzero(kind == TagKind.OVERFLOW))
        missed = [(each.at, each.missed) for each in overflows if each.missed is not None]
        accounted = packets.sizes - _sums(packets.ends, others, np.ones_like(others))
        if missed:
            accounted += _sums(packets.ends, *np.array(missed, np.int64).T)
    late = np.flatnonzero(packets.heads["late"])
    if late.size:
        photons = np.arange(words.size) if photon is None else np.flatnonzero(photon)
        ends = packets.ends
        _to_next(
            ns, photons, ends[late] - packets.sizes[late], ends[late], packets.heads["late"][late]
        )
    return Words(step, ns, photon, accounted, overflows)


def _add_late(ns: Integers, packets: Packets, at: Integers, photon: NDArray[np.bool_]) -> None:
    """Add to the photons behind LATE words; where the packet ends between, the head of the next one says it again."""
    values = packets.words[at] & BODY
    if (values >> LATE_BITS).any():
        raise Malformed
    ends = packets.ends
    _to_next(ns, np.flatnonzero(photon), at, ends[np.searchsorted(ends, at, side="right")], values)


def _to_next(
    ns: Integers, photons: Integers, at: Integers, ends: Integers, late: NDArray[Any]
) -> None:
    """Add to the first photon from each word `at` on, if it comes before the word `ends`."""
    following = np.searchsorted(photons, at)
    there = following < photons.size
    there[there] = photons[following[there]] < ends[there]
    np.add.at(ns, following[there], late[there].astype(np.int64) << NS_BITS)


def _overflows(words: NDArray[np.uint32], at: Integers) -> tuple[Overflow, ...]:
    values = words[at] & BODY
    begins = values < MISSED
    if values[begins].any():
        raise Malformed
    return tuple(
        Overflow(int(where), None if begin else int(value) - MISSED)
        for where, value, begin in zip(at, values, begins, strict=True)
    )


def _sums(ends: Integers, at: Integers, values: Integers) -> Integers:
    """Sum of the values of words `at`, by packet."""
    sums = np.zeros_like(ends)
    np.add.at(sums, np.searchsorted(ends, at, side="right"), values)
    return sums
