"""Faults for tests: a wire that loses, alters, delays or breaks, in the same places every time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trelscope.host.errors import UserError
from trelscope.host.link import Link, LinkError
from trelscope.host.units import parse_si

NEVER = 1 << 62


class FaultError(UserError):
    """A fault switch makes no sense; the message says what would."""

    exit_code = 2


@dataclass(frozen=True)
class Faults:
    """What goes wrong, and where.

    drop, corrupt: probability that a byte is lost, or turned into another, in either direction.
    The others concern the bytes from the instrument. stall: after so many of them nothing comes for so many seconds of
    the instrument's. disconnect: after so many the connection ends. slow: no more than so many at a time.
    """

    drop: float = 0.0
    corrupt: float = 0.0
    stall: tuple[int, float] | None = None
    disconnect: int | None = None
    slow: int | None = None


def parse_faults(switches: Sequence[str]) -> Faults:
    """From `drop=1e-6`, `corrupt=1e-6`, `stall=100k:2`, `disconnect=100k`, `slow=500`. Raises FaultError."""
    faults = Faults()
    for switch in switches:
        name, _, text = switch.partition("=")
        try:
            match name:
                case "drop":
                    faults = replace(faults, drop=_probability(text))
                case "corrupt":
                    faults = replace(faults, corrupt=_probability(text))
                case "stall":
                    after, _, seconds = text.partition(":")
                    faults = replace(faults, stall=(_bytes(after), parse_si(seconds, "s")))
                case "disconnect":
                    faults = replace(faults, disconnect=_bytes(text))
                case "slow":
                    faults = replace(faults, slow=_bytes(text))
                case _:
                    raise ValueError("unknown")
        except ValueError:
            raise FaultError(
                f"not a fault: {switch!r}; known: drop=P and corrupt=P with P from 0 to 1, stall=BYTES:SECONDS,"
                " disconnect=BYTES, slow=BYTES"
            ) from None
    return faults


class Damage:
    """One direction's lost and altered bytes. Where they are depends on the seed, not on how the stream is cut."""

    def __init__(self, faults: Faults, seed: int, direction: int) -> None:
        self._position = 0
        self._drop = _Events(faults.drop, (seed, direction, 0))
        self._corrupt = _Events(faults.corrupt, (seed, direction, 1))
        self._flips = np.random.default_rng((seed, direction, 2))

    def pass_on(self, data: bytes) -> bytes:
        """What of `data`, the stream's next bytes, gets through, and how."""
        start, end = self._position, self._position + len(data)
        self._position = end
        out = bytearray(data)
        for at in self._corrupt.until(end):
            out[at - start] ^= int(self._flips.integers(1, 256))
        for at in reversed(self._drop.until(end)):
            del out[at - start]
        return bytes(out)


class Wire:
    """The bytes on their way from the instrument: put in at one end, taken at the other."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._damage = Damage(faults, seed, 0)
        self._waiting = bytearray()
        self._taken = 0
        self._most = faults.slow or NEVER
        self._stall_after, self._stall = faults.stall or (NEVER, 0.0)
        self._still_until = -math.inf
        self._cut_after = faults.disconnect or NEVER

    @property
    def waiting(self) -> int:
        """Bytes put in and not yet taken."""
        return len(self._waiting)

    @property
    def cut(self) -> bool:
        """Whether nothing more will come."""
        return self._taken >= self._cut_after

    def put(self, data: bytes) -> None:
        """Send `data` on its way."""
        self._waiting += self._damage.pass_on(data)

    def take(self, now: float) -> bytes:
        """What has arrived by `now`, in seconds of the instrument's clock."""
        if self._taken >= self._stall_after:
            self._stall_after, self._still_until = NEVER, now + self._stall
        if now < self._still_until:
            return b""
        most = min(self._most, self._stall_after - self._taken, self._cut_after - self._taken)
        data = bytes(self._waiting[:most])
        del self._waiting[:most]
        self._taken += len(data)
        return data

    def renew(self) -> None:
        """Lose what is on its way, as when a cable is pulled; it is whole again when plugged in."""
        self._waiting.clear()
        if self.cut:
            self._cut_after = NEVER


class FaultyLink:
    """`link` behind a bad wire."""

    def __init__(self, link: Link, faults: Faults, seed: int = 0) -> None:
        self.name = link.name
        self.front_end = link.front_end
        self._link = link
        self._wire = Wire(faults, seed)
        self._requests = Damage(faults, seed, 1)

    @property
    def realtime_factor(self) -> float | None:
        """The link's."""
        return self._link.realtime_factor

    def restart_clock(self) -> None:
        """The link's."""
        self._link.restart_clock()

    def write(self, data: bytes) -> None:
        """Send `data`, or what becomes of it."""
        self._look()
        self._link.write(self._requests.pass_on(data))

    def read(self, timeout: float) -> bytes:
        """What gets through, waiting up to `timeout` seconds for the first byte; the instrument goes on meanwhile."""
        until = self.clock() + timeout
        while True:
            self._look()
            if data := self._wire.take(self.clock()):
                return data
            arrived = self._link.read(max(until - self.clock(), 0.0))
            self._wire.put(arrived)
            if not arrived or self.clock() > until:
                return self._wire.take(self.clock())

    def clock(self) -> float:
        """The link's."""
        return self._link.clock()

    def close(self) -> None:
        """Let go of the link."""
        self._link.close()

    def _look(self) -> None:
        if self._wire.cut:
            raise LinkError(f"{self.name}: the connection is lost: a fault that was asked for")


class _Events:
    """Random positions in a stream, each byte with probability `p`."""

    def __init__(self, p: float, seed: Sequence[int]) -> None:
        self._rng = np.random.default_rng(seed)
        self._p = p
        self._next = self._after(-1)

    def until(self, end: int) -> list[int]:
        """Those before `end` that have not been given yet."""
        found = []
        while self._next < end:
            found.append(self._next)
            self._next = self._after(self._next)
        return found

    def _after(self, position: int) -> int:
        return position + int(self._rng.geometric(self._p)) if self._p else NEVER


def _probability(text: str) -> float:
    value = parse_si(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _bytes(text: str) -> int:
    value = parse_si(text)
    if value < 1 or value != int(value):
        raise ValueError(text)
    return int(value)
