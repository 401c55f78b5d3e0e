"""The instrument as the host sees it: identical on every link."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from trelscope.gateware import protocol
from trelscope.gateware.protocol import (
    REGISTERS,
    Board,
    Feature,
    Kind,
    Mode,
    Outcome,
    Register,
    Status,
    Trip,
)
from trelscope.host.acquisition.assembler import Assembler, Frame, Misfit
from trelscope.host.errors import UserError
from trelscope.host.link import Link, LinkError
from trelscope.host.link.codec import Decoder, LinkErrors
from trelscope.host.settings import Settings

REPLY_TIMEOUT = 0.5  # s without a byte
REPLY_PATIENCE = 2.0  # s, while others come: a slow link has them queue before the reply
ATTEMPTS = 3  # at a request whose reply does not come
SILENCE = 5.0  # s without a request after which the instrument switches its output off
SETTLING = 20e-3  # s that a board's level is given to settle before a train; that of the emulated board follows at once
END_POLLS, END_POLL = 500, 0.01  # how often, and s apart, to ask whether a train has ended


TRIP_WORDS = {
    Trip.EXTERNAL: "the external interlock is open",
    Trip.WATCHDOG: "the host has sent nothing for too long (watchdog)",
    Trip.WIDTH: "the pulse was too long",
    Trip.DUTY: "the duty cycle was too high",
    Trip.PHASE: "the launch phase did not settle in time",
}


class InstrumentError(UserError):
    """The instrument does not do as it should; the message says what in one line."""


class SilenceError(InstrumentError):
    """The instrument does not answer."""


@dataclass(frozen=True)
class Identity:
    """What the identification registers say."""

    board: str
    version: int
    depth: int
    features: Feature
    digest: int


class Instrument:
    """Registers, trains and frames over a `Link`. Raises LinkError and InstrumentError."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._decoder = Decoder()
        self._sequence = 0
        self._heard = link.clock()
        self._replies: deque[dict[str, int]] = deque()
        self._unanswered: dict[int, int] = {}  # address by the sequence number of a request
        self._frames: deque[Frame] = deque()
        self._tags: list[bytes] = []
        self._tagging = False
        self._assembler = Assembler()
        self._still_since: float | None = None  # a train has ended; when something of it last came
        self.identity = self._identify()

    @property
    def errors(self) -> LinkErrors:
        """What the link has got wrong so far."""
        return self._decoder.errors

    @property
    def exhausted(self) -> bool:
        """Whether the train has ended and nothing of it has come for a while: what has not arrived is lost."""
        since = self._still_since
        return since is not None and self.link.clock() - since > REPLY_PATIENCE

    def read(self, name: str) -> int:
        """Value of a register."""
        return self._request(Kind.READ, name, 0)

    def write(self, name: str, value: int) -> None:
        """Set a register."""
        self._request(Kind.WRITE, name, value & 0xFFFFFFFF)

    def start(self, settings: Settings) -> int:
        """End the train in progress, if any, and start another. Returns the number its frames carry."""
        if settings.time_tags and Feature.TIME_TAGS not in self.identity.features:
            raise InstrumentError(
                f"{self.link.name}: gives photons no times; take a detector that counts (emulated: ?detector=pmt), and"
                " a bitstream that has time tags"
            )
        if settings.counting and Feature.COUNTING not in self.identity.features:
            raise InstrumentError(
                f"{self.link.name}: counts no photons; measure in analog mode, or take a detector that counts"
                " (emulated: ?detector=pmt)"
            )
        registers = settings.registers(self._level_code(settings.volts))
        if not protocol.startable(registers):
            raise InstrumentError(
                f"{self.link.name}: the launch, {registers['delay']} cycles into a period of {registers['period']},"
                " comes too late in it; take a lower rate, or a window that begins nearer to the pulse"
            )
        self._end_train()
        self._acknowledge_trips()
        for name, value in registers.items():
            self.write(name, value)
        if self.identity.board != Board.EMULATOR.name:
            self.write("settle", round(SETTLING * protocol.CLOCK_HZ))
        if (delay := self.link.front_end.adc_delay) is not None:
            self.write("adc_delay", round(delay * 1e12 / protocol.ADC_TAP_PS))
        self.write("watchdog", round(SILENCE * protocol.CLOCK_HZ))
        self.write("enable", 1)
        return self._launch(registers)

    def stop(self) -> None:
        """End the train; its last frame is still to come."""
        self.write("run", 0)

    def frames(self, timeout: float) -> list[Frame]:
        """Frames that have arrived whole, waiting up to `timeout` seconds for the link."""
        if self.link.clock() - self._heard > SILENCE / 5:
            # Or the instrument would think the host gone, and switch off.
            running = Status.RUNNING in Status(self.read("status"))
            if not running and self._still_since is None:
                self._still_since = self.link.clock()
        if not self._frames:
            self._receive(timeout)
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def tags(self) -> list[bytes]:
        """Payloads of the packets of time tags that have come while frames were waited for."""
        tags, self._tags = self._tags, []
        return tags

    def close(self) -> bool:
        """Switch the output off if the link works, and let go of it; returns whether the output is known to be off."""
        try:
            self.write("run", 0)
            self.write("enable", 0)
        except (LinkError, InstrumentError):
            return False
        finally:
            self.link.close()
        return True

    def trips(self) -> list[str]:
        """Why the output has been switched off, in words; empty if it has not."""
        cause = Trip(self.read("trip_cause"))
        return [TRIP_WORDS[trip] for trip in cause]

    def _level_code(self, volts: float) -> int:
        level = self.link.front_end.level
        code = level.code(volts)
        if not protocol.LEVEL_MIN <= code <= protocol.LEVEL_MAX:
            low, high = level.reachable()
            raise InstrumentError(
                f"{self.link.name}: as calibrated its output reaches {low:.4g} V to {high:.4g} V, not {volts:.4g} V;"
                " take a level within, or calibrate again"
            )
        return code

    def _launch(self, registers: Mapping[str, int]) -> int:
        """Write 1 to `run`, but never twice, which would start the train anew. Returns the train's number."""
        before = self.read("train")
        self._assembler.expect(registers, before)
        self._tags, self._tagging = [], bool(registers["mode"] & Mode.TIME_TAGS)
        self._still_since = None
        for _ in range(ATTEMPTS):
            self._send(Kind.WRITE, "run", 1)
            train = self.read("train")  # goes in after it, and may be repeated
            if train != before:
                return train
        raise InstrumentError(f"{self.link.name}: the train does not start; reset the instrument")

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
        """Acknowledge past trips. Raises InstrumentError if a cause persists."""
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

    def _send(self, kind: Kind, name: str, value: int) -> int:
        """Send a request; returns its sequence number."""
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        self._unanswered[sequence] = REGISTERS[name].address
        payload = protocol.REQUEST.pack(address=REGISTERS[name].address, value=value)
        self.link.write(protocol.encode_frame(kind, sequence, payload))
        return sequence

    def _request(self, kind: Kind, name: str, value: int) -> int:
        """Send a request until it is answered: twice does no harm, but to `run`. Returns the reply's value."""
        register = REGISTERS[name]
        sent = set()
        for _ in range(ATTEMPTS):
            sent.add(self._send(kind, name, value))
            reply = self._reply(register.address, sent)
            if reply is not None:
                self._heard = self.link.clock()
                break
        else:
            raise SilenceError(
                f"{self.link.name}: no answer; is it connected, powered and programmed?"
            )
        if reply["outcome"] != Outcome.DONE:
            why = self._why_refused(name, _signed(register, value), reply["outcome"])
            raise InstrumentError(f"{self.link.name}: register {name!r} refused: {why}")
        return _signed(register, reply["value"]) if kind is Kind.READ else reply["value"]

    def _why_refused(self, name: str, value: int, outcome: int) -> str:
        if outcome == Outcome.OUT_OF_RANGE and name == "run" and value == 1:
            return (
                "the settings do not go together: launch and period, or the fraction of the period"
            )
        if outcome == Outcome.OUT_OF_RANGE:
            low, high = protocol.limits_on(name, self.identity.depth, self.identity.features)
            return f"{value} is out of range: {low} to {high}"
        if outcome == Outcome.NO_REGISTER:
            return "it has none of that name; build its bitstream anew and flash it"
        known = outcome in set(Outcome)
        return Outcome(outcome).name.lower().replace("_", " ") if known else f"outcome {outcome}"

    def _reply(self, address: int, sent: set[int]) -> dict[str, int] | None:
        """The reply to one of the requests `sent`; None when it does not come in time."""
        until = self.link.clock() + REPLY_PATIENCE
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if reply["sequence"] in sent and reply["address"] == address:
                    return reply
            if not self._receive(REPLY_TIMEOUT) or self.link.clock() > until:
                return None

    def _take_reply(self, payload: bytes) -> None:
        """Keep a reply if it is the first one to a request of ours."""
        reply = protocol.REPLY.unpack(payload) if len(payload) == protocol.REPLY.size else {}
        sequence = reply.get("sequence", -1)
        if sequence in self._unanswered and self._unanswered[sequence] == reply["address"]:
            del self._unanswered[sequence]
            self._replies.append(reply)
        else:
            self.errors.refused += 1

    def _receive(self, timeout: float) -> bool:
        """Take in what the link gives; False when it gives nothing in time."""
        data = self.link.read(timeout)
        for packet in self._decoder.feed(data):
            if packet.kind is Kind.REPLY:
                self._take_reply(packet.payload)
                continue
            if self._still_since is not None:
                self._still_since = self.link.clock()
            if packet.kind is Kind.TIME_TAGS and self._tagging:
                self._tags.append(packet.payload)
                continue
            try:
                frame = self._assembler.add(packet)
            except Misfit:
                self.errors.refused += 1
                continue
            if frame is not None:
                self._frames.append(frame)
        return bool(data)


def _signed(register: Register, value: int) -> int:
    """What 32 bits stand for in a register."""
    return value - (1 << 32) if register.signed and value >> 31 else value
