"""The instrument as the host sees it: identical on every link."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateware import protocol
from gateware.protocol import (
    CHANNELS,
    REGISTERS,
    Board,
    Feature,
    Kind,
    Outcome,
    Status,
    TraceFlag,
    Trip,
)
from host.errors import UserError
from host.link import Link, LinkError
from host.link.codec import Decoder, LinkErrors, Packet
from host.settings import Settings

REPLY_TIMEOUT = 0.5  # s
ATTEMPTS = 3  # at a request whose reply does not come
SILENCE = 5.0  # s without a request after which the instrument switches its output off
END_POLLS, END_POLL = 500, 0.01  # how often, and s apart, to ask whether a train has ended


TRIP_WORDS = {
    Trip.EXTERNAL: "the external interlock is open",
    Trip.WATCHDOG: "the host was not heard for too long",
    Trip.WIDTH: "the pulse was too long",
    Trip.DUTY: "the duty cycle was too high",
    Trip.PHASE: "the launch phase did not settle in time",
}


class InstrumentError(UserError):
    """The instrument does not do as it should; the message says what in one line."""


@dataclass(frozen=True)
class Identity:
    """What the identification registers say."""

    board: str
    version: int
    depth: int
    features: Feature
    digest: int


@dataclass(frozen=True, eq=False)
class Frame:
    """One buffer of trace memory: sums of ADC codes over `pulses` pulses.

    sums: (channels, bins) int64. number: within the train; first_pulse: index within the train; missed: pulses of the
    train, so far, that no frame could hold; clipped: samples at an end of the ADC's range, by channel.
    """

    sums: NDArray[np.int64]
    number: int
    train: int
    first_pulse: int
    pulses: int
    missed: int
    clipped: tuple[int, ...]
    flags: TraceFlag


class Instrument:
    """Registers, trains and frames over a `Link`. Raises LinkError and InstrumentError."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._decoder = Decoder()
        self._sequence = 0
        self._heard = link.clock()
        self._replies: deque[dict[str, int]] = deque()
        self._frames: deque[Frame] = deque()
        self._assembler = _Assembler()
        self.identity = self._identify()

    @property
    def errors(self) -> LinkErrors:
        """What the link has got wrong so far."""
        return self._decoder.errors

    @property
    def frames_lost(self) -> int:
        """Frames of which something did not arrive."""
        return self._assembler.lost

    def read(self, name: str) -> int:
        """Value of a register."""
        return self._request(Kind.READ, name, 0)

    def write(self, name: str, value: int) -> None:
        """Set a register."""
        self._request(Kind.WRITE, name, value & 0xFFFFFFFF)

    def start(self, settings: Settings) -> int:
        """End the train in progress, if any, and start another. Returns the number its frames carry."""
        self._end_train()
        self._acknowledge_trips()
        for name, value in settings.registers().items():
            self.write(name, value)
        self.write("watchdog", round(SILENCE * protocol.CLOCK_HZ))
        self.write("enable", 1)
        train = self.read("train") + 1
        self.write("run", 1)
        return train

    def stop(self) -> None:
        """End the train; its last frame is still to come."""
        self.write("run", 0)

    def frames(self, timeout: float) -> list[Frame]:
        """Frames that have arrived whole, waiting up to `timeout` seconds for the link."""
        if self.link.clock() - self._heard > SILENCE / 5:
            self.read("status")  # or the instrument would think the host gone, and switch off
        if not self._frames:
            self._receive(timeout)
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def close(self) -> None:
        """Switch the output off if the link still works, and let go of it."""
        try:
            self.write("run", 0)
            self.write("enable", 0)
        except (LinkError, InstrumentError):
            pass
        self.link.close()

    def trips(self) -> list[str]:
        """Why the output has been switched off, in words; empty if it has not."""
        cause = Trip(self.read("trip_cause"))
        return [TRIP_WORDS[trip] for trip in cause]

    def _end_train(self) -> None:
        """Stop, and wait until it has ended: settings must not change under it."""
        self.write("run", 0)
        for _ in range(END_POLLS):
            if Status.RUNNING not in Status(self.read("status")):
                return
            self._receive(END_POLL)
        raise InstrumentError(
            f"{self.link.name}: the train in progress does not end; reset the instrument"
        )

    def _acknowledge_trips(self) -> None:
        """Take notice of past trips; one whose cause is still there is an error."""
        cause = self.read("trip_cause")
        if cause:
            self.write("acknowledge", cause)
            if words := self.trips():
                raise InstrumentError(
                    f"{self.link.name}: the output is held off: {', '.join(words)}; remove the cause, then start again"
                )

    def _identify(self) -> Identity:
        magic = self.read("magic")
        if magic != protocol.MAGIC:
            raise InstrumentError(
                f"{self.link.name}: not a trelscope instrument (magic {magic:#010x})"
            )
        version = self.read("version")
        if version != protocol.VERSION:
            raise InstrumentError(
                f"{self.link.name}: speaks protocol version {version}, this program speaks {protocol.VERSION};"
                " update the older of the two"
            )
        board = self.read("board")
        return Identity(
            board=Board(board).name if board in set(Board) else f"board {board}",
            version=version,
            depth=self.read("depth"),
            features=Feature(self.read("features")),
            digest=self.read("digest"),
        )

    def _request(self, kind: Kind, name: str, value: int) -> int:
        register = REGISTERS[name]
        payload = protocol.REQUEST.pack(address=register.address, value=value)
        for _ in range(ATTEMPTS):
            sequence = self._sequence
            self._sequence = (sequence + 1) & 0xFFFF
            self.link.write(protocol.encode_frame(kind, sequence, payload))
            reply = self._reply(sequence)
            if reply is not None:
                self._heard = self.link.clock()
                break
        else:
            raise InstrumentError(
                f"{self.link.name}: no answer; is it connected, powered and programmed?"
            )
        if reply["outcome"] != Outcome.DONE:
            what = Outcome(reply["outcome"]).name.lower().replace("_", " ")
            raise InstrumentError(f"{self.link.name}: register {name!r} refused: {what}")
        result = reply["value"]
        if kind is Kind.READ and register.signed and result >> 31:
            result -= 1 << 32
        return result

    def _reply(self, sequence: int) -> dict[str, int] | None:
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if reply["sequence"] == sequence:
                    return reply
            if not self._receive(REPLY_TIMEOUT):
                return None

    def _receive(self, timeout: float) -> bool:
        """Take in what the link gives; False when it gives nothing in time."""
        data = self.link.read(timeout)
        for packet in self._decoder.feed(data):
            if packet.kind is Kind.REPLY:
                self._replies.append(protocol.REPLY.unpack(packet.payload))
            else:
                frame = self._assembler.add(packet)
                if frame is not None:
                    self._frames.append(frame)
        return bool(data)


class _Assembler:
    """Frames from their head and chunks. A frame with anything missing is dropped whole, and counted."""

    def __init__(self) -> None:
        self.lost = 0
        self._head: dict[str, int] | None = None
        self._sums = np.empty((0, 0), np.int64)
        self._missing: set[tuple[int, int]] = set()
        self._next: tuple[int, int] | None = None  # train and number of the frame that should come

    def add(self, packet: Packet) -> Frame | None:
        if packet.kind is Kind.TRACE_HEAD:
            self._begin(protocol.TRACE_HEAD.unpack(packet.payload))
        elif packet.kind is Kind.TRACE_DATA:
            return self._chunk(packet.payload)
        return None

    def _begin(self, head: dict[str, int]) -> None:
        if self._head is not None:
            self.lost += 1
        train, number = head["train"], head["frame"]
        if self._next is not None and self._next[0] == train:
            self.lost += number - self._next[1]
        self._next = train, number + 1
        self._head = head
        self._sums = np.zeros((len(CHANNELS), head["bins"]), np.int64)
        chunks = -(-head["bins"] // protocol.CHUNK_BINS)
        self._missing = {
            (channel, chunk) for channel in range(len(CHANNELS)) for chunk in range(chunks)
        }

    def _chunk(self, payload: bytes) -> Frame | None:
        head = self._head
        part = protocol.TRACE_DATA.unpack(payload)
        key = part["channel"], part["chunk"]
        if head is None or part["frame"] != head["frame"] or key not in self._missing:
            return None
        first = part["chunk"] * protocol.CHUNK_BINS
        sums = np.frombuffer(payload, "<u4", offset=protocol.TRACE_DATA.size)
        self._sums[part["channel"], first : first + sums.size] = sums
        self._missing.remove(key)
        if self._missing:
            return None
        self._head = None
        return Frame(
            sums=self._sums,
            number=head["frame"],
            train=head["train"],
            first_pulse=head["first_pulse"],
            pulses=head["pulses"],
            missed=head["missed"],
            clipped=(head["light_clipped"], head["drive_clipped"]),
            flags=TraceFlag(head["flags"]),
        )
