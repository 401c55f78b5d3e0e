"""Link that plays back a recording made by `trelscope.host.link.record`."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trelscope.gateware import protocol
from trelscope.gateware.protocol import REGISTERS, Access, Kind, Outcome
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.link import LinkError, framed
from trelscope.host.link.codec import Decoder, Packet
from trelscope.host.link.record import ABOUT, FORMAT, RECEIVED, SENT, SUFFIX, TIME, VERSION
from trelscope.host.settings import Settings

PATIENCE = 10.0  # s of silence after the last byte, and the recording has ended before its train

_BY_ADDRESS = {register.address: register for register in REGISTERS.values()}
_RUN = REGISTERS["run"].address


@dataclass(frozen=True)
class _Unit:
    """Bytes up to the end of a packet that is whole, and when (s) the last of them came."""

    time: float
    data: bytes


class ReplayLink:
    """Plays `replay:FILE` as fast as it is read. Time is that of the recording.

    Frames come byte for byte as they did, with whatever the link did to them. Requests are answered anew, so that they
    need not be those of the time.
    """

    realtime_factor = None

    def __init__(self, path: Path) -> None:
        self.name = f"replay:{path}"
        about, sent, received = _read(path)
        try:
            self.front_end = FrontEnd.from_dict(about["front_end"])
            self.settings = Settings(**about["settings"])
        except (KeyError, TypeError):
            raise self._cut_off() from None
        self._written: dict[int, int] = {}
        self._begins = float("inf")  # when its train does
        for time, data in sent:
            for request_packet in Decoder().feed(data):
                request = protocol.REQUEST.unpack(request_packet.payload)
                if request_packet.kind is Kind.WRITE:
                    self._written[request["address"]] = request["value"]
                    if request["address"] == _RUN and request["value"]:
                        self._begins = min(self._begins, time)
        self._values: dict[int, deque[int]] = {}  # of each register, as they were read
        self._units: deque[_Unit] = deque()
        for unit, packet in _units(received):
            if packet is not None and packet.kind is Kind.REPLY:
                reply = protocol.REPLY.unpack(packet.payload)
                self._values.setdefault(reply["address"], deque()).append(reply["value"])
            else:
                self._units.append(unit)
        if not self._units:
            raise self._cut_off()
        self._requests = Decoder()
        self._replies = b""
        self._started = False
        self._now = self._last = received[0][0] if received else 0.0

    def restart_clock(self) -> None:
        """Nothing to measure."""

    def write(self, data: bytes) -> None:
        """Answer the requests in `data`."""
        for packet in self._requests.feed(data):
            self._answer(packet)

    def read(self, timeout: float) -> bytes:
        """Answers first, then the next frame's bytes; waiting takes no time but the recording's."""
        if self._replies:
            replies, self._replies = self._replies, b""
            return replies
        if self._units and (self._started or self._units[0].time < self._begins):
            unit = self._units.popleft()
            self._now = self._last = max(unit.time, self._now)
            return unit.data
        self._now += timeout
        if self._started and self._now - self._last > PATIENCE:
            raise self._cut_off()
        return b""

    def clock(self) -> float:
        """The recording's time."""
        return self._now

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self, packet: Packet) -> None:
        request = protocol.REQUEST.unpack(packet.payload)
        address, value = request["address"], request["value"]
        outcome = Outcome.DONE
        if packet.kind is Kind.WRITE:
            self._check(address, value)
            self._started |= address == _RUN and bool(value)
        values = self._values.get(address)
        if values:
            value = values[0] if len(values) == 1 else values.popleft()
        elif packet.kind is Kind.READ:
            if self._started and not self._units:  # the host asks what has become of the train
                raise self._cut_off()
            outcome = Outcome.NO_REGISTER
        payload = protocol.REPLY.pack(
            sequence=packet.sequence, address=address, outcome=outcome, value=value
        )
        self._replies += protocol.encode_frame(Kind.REPLY, 0, payload)

    def _cut_off(self) -> LinkError:
        return LinkError(
            f"{self.name}: the recording ends before its train does: it was cut off; record it again"
        )

    def _check(self, address: int, value: int) -> None:
        register = _BY_ADDRESS.get(address)
        if register is None or register.access is not Access.SETTING:
            return
        if self._written.get(address, value) != value:
            raise LinkError(
                f"{self.name}: cannot change {register.name!r}: a replay has the settings it was recorded with"
            )


def _read(
    path: Path,
) -> tuple[dict[str, Any], list[tuple[float, bytes]], list[tuple[float, bytes]]]:
    """What is known about a recording; what was sent, and received, and when. Raises LinkError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LinkError(f"replay:{path}: cannot be read ({error.strerror})") from None
    about: dict[str, Any] = {}
    passed: dict[bytes, list[tuple[float, bytes]]] = {SENT: [], RECEIVED: []}
    for record in framed.unpack(data):
        if record[:1] == ABOUT:
            about |= json.loads(record)
        elif record[:1] in passed:
            (time,) = TIME.unpack_from(record, 1)
            passed[record[:1]].append((time, record[1 + TIME.size :]))
    if about.get("format") != FORMAT:
        raise LinkError(
            f"replay:{path}: holds no bytes of a link; give a {SUFFIX} file of `trelscope capture --record`"
        )
    if about["version"] != VERSION:
        raise LinkError(
            f"replay:{path}: of version {about['version']}, this program plays {VERSION}; update trelscope"
        )
    return about, passed[SENT], passed[RECEIVED]


def _units(received: list[tuple[float, bytes]]) -> Iterator[tuple[_Unit, Packet | None]]:
    """Each packet with its bytes and the damaged ones before it, or the latter alone; no half packet at the end."""
    raw = b"".join(data for _, data in received)
    times = iter(received)
    time, arrived, at = 0.0, 0, 0

    def unit(end: int) -> _Unit:
        nonlocal time, arrived, at
        while arrived < end:
            time, data = next(times)
            arrived += len(data)
        begin, at = at, end
        return _Unit(time, raw[begin:end])

    for packet in Decoder().feed(raw):
        whole = protocol.encode_frame(packet.kind, packet.sequence, packet.payload, packet.flags)
        # Replies are not played, but what is damaged before them is.
        begin = raw.index(whole, at)
        if packet.kind is Kind.REPLY and begin > at:
            yield unit(begin), None
        yield unit(begin + len(whole)), packet
