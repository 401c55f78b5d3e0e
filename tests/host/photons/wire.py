"""Time tags as an instrument sends them, written from what docs/protocol.md says: for tests of what reads them."""

from dataclasses import dataclass, field

HEAD = 14  # bytes
PHOTON, ADVANCE, LATE, OVERFLOW = range(4)


@dataclass
class Sender:
    """Words in order of time. `packets` are made of up to `most` words each."""

    train: int = 1
    most: int = 64
    pulse: int = 0  # up to which words have gone on
    photons: int = 0  # told of
    late: int = 0  # said in a word whose photon is still to come
    packets: list[bytes] = field(default_factory=list)
    held: list[int] = field(default_factory=list)  # photons that each packet tells of
    _words: list[int] = field(default_factory=list)
    _head: bytes = b""
    _before: int = 0

    def photon(self, pulse: int, ns: int) -> None:
        """One, ns after the start of the pulse's period."""
        self._go_on(pulse, 511)
        if ns >> 21:
            self._word(LATE << 30 | ns >> 21)
            self.late = ns >> 21
        self._word((pulse - self.pulse) << 21 | ns & (1 << 21) - 1, pulse)
        self.photons += 1
        self.late = 0

    def full(self, pulse: int) -> None:
        """The queue is full from here on."""
        self._go_on(pulse, 0)
        self._word(OVERFLOW << 30)

    def missed(self, pulse: int, photons: int) -> None:
        """So many, up to here."""
        self._go_on(pulse, 0)
        while photons:
            part = min(photons, (1 << 29) - 1)
            self._word(OVERFLOW << 30 | 1 << 29 | part)
            self.photons += part
            photons -= part

    def flush(self) -> list[bytes]:
        """End the packet that has been begun; all packets."""
        if self._words:
            words = b"".join(word.to_bytes(4, "little") for word in self._words)
            self.packets.append(self._head + words)
            self.held.append(self.photons - self._before)
            self._words.clear()
        return self.packets

    def _go_on(self, pulse: int, most: int) -> None:
        """Up to `most` pulses before this one."""
        while pulse - self.pulse > most:
            part = min(pulse - self.pulse, (1 << 30) - 1)
            self._word(ADVANCE << 30 | part, self.pulse + part)

    def _word(self, word: int, pulse: int | None = None) -> None:
        if len(self._words) == self.most:
            self.flush()
        if not self._words:
            fields = ((self.train, 4), (self.pulse, 4), (self.photons, 4), (self.late, 2))
            self._head = b"".join(
                (value % (1 << 8 * size)).to_bytes(size, "little") for value, size in fields
            )
            self._before = self.photons
        self._words.append(word)
        self.pulse = self.pulse if pulse is None else pulse
