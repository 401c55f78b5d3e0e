"""Packets of time tags to stamps, with an account of every photon."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trelscope.host.photons.chunk import Chunk, Gap, Integers, Why, clipped, ranges
from trelscope.host.photons.timing import Timing
from trelscope.host.photons.words import Malformed, Overflow, Packets, Scratch, Words, read

WRAP = 1 << 32  # of the counters in a packet's head
BACKWARDS = WRAP // 2  # a counter that goes on by so much has gone back
GROUP = 1 << 18  # bytes decoded at a time: what is made of them fits the processor's cache


@dataclass(frozen=True)
class PhotonAccounting:
    """Where every photon went: photons_seen = photons_stamped + photons_missed + photons_lost.

    photons_missed: while the instrument's queue was full. photons_lost: in packets that did not arrive, or were
    refused. packets_refused: what arrived whole, and is none that the train can have sent.
    """

    pulses_emitted: int
    photons_stamped: int
    photons_missed: int
    photons_lost: int
    packets_refused: int

    @property
    def photons_seen(self) -> int:
        """By the instrument."""
        return self.photons_stamped + self.photons_missed + self.photons_lost

    def as_dict(self) -> dict[str, int]:
        """Every count by name."""
        return {"photons_seen": self.photons_seen, **asdict(self)}


class TagStream:
    """The stamps of one train. Packets have to be added in the order in which they came."""

    def __init__(self, train: int, timing: Timing) -> None:
        """train: number that the packets carry; those of others are left out."""
        self._train, self._timing = train, timing
        self._scratch = Scratch()
        self._first = 0  # pulse from which on nothing has been handed out
        self._reached = 0  # pulse up to which packets have come
        self._pulse = self._ns = np.empty(0, np.int64)  # stamps of pulses that may have more
        self._since = 0  # pulse at which the latest overflow began, as far as is known
        self._overflowing = False
        self._stamped = self._missed = self._lost = self._refused = 0
        self._new_gaps: list[Gap] = []
        self._open_gaps: list[Gap] = []  # that reach into pulses that have not been handed out

    @property
    def accounting(self) -> PhotonAccounting:
        """Counts so far. Pulses: as far as stamps tell, until `finish`."""
        return PhotonAccounting(
            self._reached, self._stamped, self._missed, self._lost, self._refused
        )

    def add(self, payloads: Sequence[bytes]) -> list[Chunk]:
        """What is known now of whole pulses. A packet that fits nothing is refused, and what it held is lost."""
        if not payloads:
            return []
        each = max(GROUP * len(payloads) // (sum(map(len, payloads)) + 1), 1)
        groups = [payloads[n : n + each] for n in range(0, len(payloads), each)]
        return [chunk for group in groups for chunk in self._add(group)]

    def _add(self, payloads: Sequence[bytes]) -> list[Chunk]:
        if not payloads:
            return []
        try:
            packets = Packets.of(payloads)
            own = packets.heads["train"] == self._train
            if not own.all():
                return self._add(
                    [payload for payload, mine in zip(payloads, own, strict=True) if mine]
                )
            return self._decoded(packets, read(packets, self._scratch))
        except Malformed:
            if len(payloads) == 1:
                self._refused += 1
                return []
        half = len(payloads) // 2  # whichever it was, the others are good
        return self._add(payloads[:half]) + self._add(payloads[half:])

    def finish(self, pulses: int, photons: int | None) -> list[Chunk]:
        """The train has ended after so many pulses, of which the instrument has seen so many photons modulo 2**32.

        photons: None where that could not be asked: what became of the last pulses is not known.
        """
        further = (pulses - self._reached) % WRAP
        end = self._reached + (further if further < BACKWARDS else 0)
        if self._pulse.size:
            end = max(end, int(self._pulse[-1]) + 1)  # its launch was called off
        lost = None if photons is None else (photons - self._accounted) % WRAP
        if lost is not None and lost >= BACKWARDS:  # fewer than have come: no number to believe
            self._refused += 1
            lost = None
        if lost != 0:
            self._note(Gap(self._reached, max(end - 1, self._reached), lost, Why.LOST))
        self._reached, self._overflowing = end, False
        return self._handed_out(self._pulse, self._ns)

    def accounts_for(self, photons: int | None) -> bool:
        """Whether nothing is missing of so many photons, modulo 2**32."""
        return photons is not None and (photons - self._accounted) % WRAP == 0

    @property
    def _accounted(self) -> int:
        return self._stamped + self._missed + self._lost

    def _decoded(self, packets: Packets, words: Words) -> list[Chunk]:
        heads, size = packets.heads, packets.sizes
        filled = np.flatnonzero(size)
        begins = packets.ends - size
        steps = np.zeros(size.size, np.int64)  # that each packet takes
        if filled.size:
            steps[filled] = np.add.reduceat(words.step, begins[filled])

        # Where each packet begins is said in its head: further on than the one before ended, if any were lost between.
        said = heads["pulse"].astype(np.int64)
        before = np.concatenate(([self._reached], said[:-1] + steps[:-1]))
        jump = _ahead(said - before)
        start = self._reached + np.cumsum(jump) + np.cumsum(steps) - steps
        said = heads["photons"].astype(np.int64)
        before = np.concatenate(([self._accounted], said[:-1] + words.accounted[:-1]))
        lost = _ahead(said - before)
        if words.ns.size and words.ns.max() >= self._timing.origin_ns + self._timing.longest_ns:
            raise Malformed

        # All is well from here on, and may be counted.
        held = self._pulse.size
        if filled.size:
            ended = np.concatenate(([0], (start + steps)[filled[:-1]]))
            words.step[begins[filled]] += start[filled] - ended
        if words.photon is None:
            pulse = np.empty(held + words.ns.size, np.int64)
            at = np.cumsum(words.step, out=pulse[held:])
        else:
            at = np.cumsum(words.step)
            pulse = np.concatenate((self._pulse, at[words.photon]))
        pulse[:held] = self._pulse
        ns = np.empty_like(pulse)
        ns[:held] = self._ns
        launch = self._timing.launch(pulse[held:], self._scratch.take("launch", words.ns.size))
        launch += self._timing.origin_ns
        np.subtract(words.ns, launch, out=ns[held:])

        losses = [
            (int(begins[n]), Gap(int(start[n] - jump[n]), int(start[n]), int(lost[n]), Why.LOST))
            for n in np.flatnonzero(lost)
        ]
        self._stamped += words.ns.size
        self._take_gaps(words, at, losses)
        self._reached = int(start[-1] + steps[-1])
        return self._handed_out(pulse, ns)

    def _take_gaps(self, words: Words, at: Integers, losses: list[tuple[int, Gap]]) -> None:
        """at: pulse of each word. losses: each with the number of the word behind it."""
        found: list[tuple[int, Gap | Overflow]] = [*losses]
        found += [(each.at, each) for each in words.overflows]
        for _, overflow in sorted(found, key=_place):
            if isinstance(overflow, Gap):
                self._note(overflow)
                if not self._overflowing:
                    self._since = overflow.first  # an overflow may have begun in what was lost
                continue
            pulse = int(at[overflow.at])
            if overflow.missed is None:
                self._since, self._overflowing = pulse, True
            else:
                self._note(Gap(min(self._since, pulse), pulse, overflow.missed, Why.MISSED))
                self._since, self._overflowing = pulse, False
        if self._overflowing:
            latest = words.overflows[-1].at if words.overflows else -1
            later = words.step.size - latest - 1
            # Photons have come: it has ended, and the word that said so was lost.
            self._overflowing = not (
                later if words.photon is None else words.photon[latest + 1 :].any()
            )

    def _note(self, gap: Gap) -> None:
        if gap.photons and gap.why is Why.LOST:
            self._lost += gap.photons
        elif gap.photons:
            self._missed += gap.photons
        self._new_gaps.append(gap)
        self._open_gaps.append(gap)

    def _handed_out(self, pulse: Integers, ns: Integers) -> list[Chunk]:
        """The pulses that are complete, or known not to be; the others' stamps are kept back."""
        first, end = self._first, self._reached
        if self._overflowing:
            end = max(min(end, self._since), first)
        done = int(np.searchsorted(pulse, end))
        self._pulse, self._ns = pulse[done:].copy(), ns[done:].copy()
        if end == first and not self._new_gaps:
            return []
        chunk = Chunk(
            first,
            end,
            pulse[:done],
            ns[:done],
            tuple(self._new_gaps),
            clipped(ranges(self._open_gaps), first, end),
        )
        self._first = end
        self._new_gaps = []
        self._open_gaps = [gap for gap in self._open_gaps if gap.last >= end]
        return [chunk]


def _place(found: tuple[int, Gap | Overflow]) -> int:
    return found[0]


def _ahead(by: Integers) -> Integers:
    """By how much counters of 32 bits have gone on. Raises Malformed where one has gone back."""
    ahead = by % WRAP
    if (ahead >= BACKWARDS).any():
        raise Malformed
    return ahead
