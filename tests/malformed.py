"""Frames that pass every check of the link and yet are none that the train that runs can have sent."""

from collections.abc import Mapping

from trelscope.gateware import protocol
from trelscope.gateware.protocol import Kind, TraceFlag
from trelscope.host.link import Link
from trelscope.host.settings import Settings

SIZES = (0, 1, 5, 6, 7, 12, protocol.TRACE_HEAD.size, 100, protocol.MAX_PAYLOAD)


def misfits(settings: Settings) -> Mapping[str, bytes]:
    """A frame of each sort, by what is wrong with it. settings: of the train that it comes into."""
    frames = {
        f"{kind.name} of {size} bytes {fill:#x}": _frame(kind, bytes([fill]) * size)
        for kind in Kind
        for size in SIZES
        for fill in (0x00, 0xFF)
    }
    registers = settings.registers(10_000)
    head = {
        "frame": 1 << 30,
        "train": 1 << 30,
        "first_pulse": 1 << 40,
        "pulses": 8,
        "missed": 0,
        "light_clipped": 0,
        "drive_clipped": 0,
        "window_start": registers["window_start"] & 0xFFFFFFFF,
        "bins": registers["window_bins"],
        "bin_shift": registers["bin_shift"],
        "dither": registers["dither"],
        "flags": 0,
    }
    for field, value in (
        ("bins", 0),
        ("bins", head["bins"] - 1),
        ("bins", 0xFFFF),
        ("bin_shift", head["bin_shift"] + 1),
        ("bin_shift", 255),
        ("dither", head["dither"] ^ 1),
        ("window_start", head["window_start"] ^ 1),
        ("flags", int(TraceFlag.COUNTING)),
        ("flags", 0xFF),
    ):
        frames[f"head of {field} {value}"] = _frame(
            Kind.TRACE_HEAD, protocol.TRACE_HEAD.pack(**(head | {field: value}))
        )
    for channel, chunk in ((0, 0), (2, 0), (0, 16), (255, 255)):
        begin = protocol.TRACE_DATA.pack(frame=0, channel=channel, chunk=chunk)
        frames[f"lone chunk {channel}, {chunk}"] = _frame(Kind.TRACE_DATA, begin + bytes(400))
    reply = protocol.REPLY.pack(sequence=0, address=0, outcome=77, value=1)
    return frames | {"a reply that nobody waits for": _frame(Kind.REPLY, reply)}


class InjectingLink:
    """`link`, with `frames` coming one after the other whenever something else has come."""

    def __init__(self, link: Link) -> None:
        self.frames: list[bytes] = []
        self.name, self.front_end = link.name, link.front_end
        self._link = link

    @property
    def realtime_factor(self) -> float | None:
        """The link's."""
        return self._link.realtime_factor

    def restart_clock(self) -> None:
        """The link's."""
        self._link.restart_clock()

    def write(self, data: bytes) -> None:
        """To the link."""
        self._link.write(data)

    def read(self, timeout: float) -> bytes:
        """From the link, and one of the frames after it."""
        data = self._link.read(timeout)
        return data + self.frames.pop() if data and self.frames else data

    def clock(self) -> float:
        """The link's."""
        return self._link.clock()

    def close(self) -> None:
        """The link."""
        self._link.close()


def _frame(kind: Kind, payload: bytes) -> bytes:
    return protocol.encode_frame(kind, 0, payload)
