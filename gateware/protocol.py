"""Protocol between host and instrument: registers, messages, units and limits.

Gateware, emulator, host and docs/protocol.md are all derived from these tables. This module does not import Amaranth,
so that the host can use it. All multi-byte values are little-endian.
"""

import binascii
import enum
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAGIC = 0x4C455254  # "TREL" as it appears on the wire
VERSION = 2

# --- time and level grids ------------------------------------------------------------------------
CLOCK_HZ = 125_000_000
CYCLE_NS = 8  # one clock cycle; also the number of 1 ns lanes
HALF_CYCLE_NS = 4  # step of the gate's width: two DDR half cycles per clock cycle
SAMPLE_BITS = 14  # ADC code width
LEVEL_BITS = 14  # level DAC code width
LEVEL_LSB_V = 0.5e-3
LEVEL_MIN = 6_000  # 3 V: the guard passes on the code 0 and codes from LEVEL_MIN to LEVEL_MAX only
LEVEL_MAX = 14_000  # 7 V
SUM_BITS = 32
ADC_DELAY_BITS = 7
ADC_TAP_PS = 25  # step of the delay between the ADC's pins and their registers
MAX_FRAME_PULSES = 1 << 18  # a 32-bit sum holds at most 2**18 full-scale samples of 14 bits
MAX_BIN_SHIFT = 10  # bins are 2**shift ns wide: 1, 2, 4 … 1024 ns
MIN_PERIOD = 64  # cycles; leaves time for the accumulator's pipeline between pulses
MAX_PERIOD = CLOCK_HZ  # cycles, 1 s: a train can be stopped only at the end of a period
LAUNCH_TAIL = 4  # cycles from a launch to the end of its period, at least; the gate is cut off in the last two
MAX_WINDOW_START_NS = (
    1_000_000_000  # with the longest period, times from the window's start fit 32 bits
)
WIDTH_LIMIT_NS = 1_900_000  # the guard trips on a longer gate
DUTY_LIMIT_16THS = 15  # the guard trips on a duty cycle above 15/16
CHANNELS = ("light", "drive")


# --- registers -----------------------------------------------------------------------------------
class Access(enum.Enum):
    """How the host may use a register."""

    READ = "read"
    SETTING = "setting"  # staged: all settings take effect together when a train starts
    CONTROL = "control"  # takes effect at once


@dataclass(frozen=True)
class Register:
    """One 32-bit register, of which `bits` bits are implemented; the others read as 0.

    A value below `lowest` or above `highest` is not written. Without `highest`, all values fit that `bits` bits hold.
    """

    name: str
    address: int
    access: Access
    bits: int
    doc: str
    signed: bool = False
    init: int = 0
    lowest: int = 0
    highest: int | None = None

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest value on an instrument with all features and any depth; see also `limits_on`."""
        return self.lowest, (1 << self.bits) - 1 if self.highest is None else self.highest


def _table() -> Iterator[Register]:
    r, s, c = Access.READ, Access.SETTING, Access.CONTROL
    yield Register("magic", 0x00, r, 32, 'the bytes "TREL"')
    yield Register("version", 0x01, r, 16, "protocol version")
    yield Register("board", 0x02, r, 8, "board that the instrument runs on: see Board")
    yield Register("depth", 0x03, r, 32, "bins of trace memory per channel and buffer")
    yield Register("features", 0x04, r, 8, "see Feature")
    yield Register("digest", 0x05, r, 32, "first 32 bits of the gateware's build digest")
    yield Register("status", 0x06, r, 8, "see Status")
    yield Register("trip_cause", 0x07, r, 8, "see Trip; latched until acknowledged")
    yield Register("pulses", 0x08, r, 32, "pulses launched since the train started")
    yield Register("missed", 0x09, r, 32, "pulses launched while no frame had room for them")
    yield Register("bad_headers", 0x0A, r, 16, "received headers whose CRC-16 failed")
    yield Register("bad_payloads", 0x0B, r, 16, "received payloads whose CRC-32 failed")
    yield Register("unknown", 0x0C, r, 16, "received frames of unknown kind or length")
    yield Register(
        "sequence_gaps", 0x0D, r, 16, "received frames whose sequence number was not the next"
    )
    yield Register("overruns", 0x0F, r, 16, "bytes dropped by the link's receiver")
    yield Register("train", 0x0E, r, 32, "number of trains started since reset")

    yield Register(
        "photons", 0x17, r, 32, "photons seen since the train started, if they get time tags"
    )

    yield Register("enable", 0x10, c, 1, "1 lets the guard drive the output")
    yield Register(
        "run", 0x11, c, 1, "1 starts or restarts a train with the staged settings; 0 stops it"
    )
    yield Register("acknowledge", 0x12, c, 8, "bits of `trip_cause` to clear")
    yield Register(
        "watchdog", 0x13, c, 32, "cycles without a request until the output trips; 0: never", init=0
    )
    yield Register(
        "settle", 0x14, c, 24, "cycles from a new level to the start of its train: V_H settles"
    )
    yield Register(
        "adc_delay",
        0x15,
        c,
        ADC_DELAY_BITS,
        f"delay of the ADC's data in taps of {ADC_TAP_PS} ps; without effect in the emulator's gateware",
        init=50,
    )

    yield Register(
        "period",
        0x20,
        s,
        32,
        "period in cycles, whole part",
        init=12_500,
        lowest=MIN_PERIOD,
        highest=MAX_PERIOD,
    )
    yield Register("period_num", 0x21, s, 32, "period in cycles, numerator of the fraction")
    yield Register(
        "period_den", 0x22, s, 32, "period in cycles, denominator of the fraction", init=1, lowest=1
    )
    yield Register(
        "delay",
        0x23,
        s,
        32,
        "cycles from the start of a period to the launch",
        highest=MAX_PERIOD,
    )
    yield Register("width", 0x24, s, 32, "width of the gate in half cycles of 4 ns", init=12_500)
    yield Register("level", 0x25, s, LEVEL_BITS, "code of the level DAC, 0.5 mV per step; 0 is off")
    yield Register("count", 0x26, s, 32, "pulses in a train; 0: until stopped")
    yield Register(
        "dither",
        0x27,
        s,
        7,
        "pulse k is launched (k mod dither) ns late; 1: no dither",
        init=8,
        lowest=1,
    )
    yield Register(
        "window_start",
        0x28,
        s,
        32,
        "ns from the launch to the first bin",
        signed=True,
        lowest=-MAX_WINDOW_START_NS,
        highest=MAX_WINDOW_START_NS,
    )
    yield Register("window_bins", 0x29, s, 16, "bins in a trace; at most `depth`")
    yield Register(
        "bin_shift", 0x2A, s, 4, "base-2 logarithm of the bin width in ns", highest=MAX_BIN_SHIFT
    )
    yield Register("frame_pulses", 0x2B, s, 19, "pulses from which on a frame may be sent", init=8)
    yield Register("mode", 0x2C, s, 2, "see Mode; 0 without the feature COUNTING")


REGISTERS: dict[str, Register] = {r.name: r for r in _table()}


class Board(enum.IntEnum):
    """Value of the `board` register."""

    EMULATOR = 0
    ULX3S_85F = 1
    ULX3S_25F = 2
    ICEPI_ZERO = 3
    ECPIX5_85F = 4


class Feature(enum.IntFlag):
    """Bits of the `features` register."""

    DRIVE_MONITOR = 1
    COUNTING = 2
    TIME_TAGS = 4


class Mode(enum.IntFlag):
    """Bits of the `mode` register."""

    COUNTING = 1  # the light channel's memory counts photons instead of summing samples
    TIME_TAGS = 2  # time tags of all photons are sent


class Status(enum.IntFlag):
    """Bits of the `status` register."""

    RUNNING = 1
    DRIVING = 2  # the guard passes gate and level on
    TRIPPED = 4
    CLAMPED = 8  # the requested level is outside 3-7 V and has been limited


class Trip(enum.IntFlag):
    """Bits of `trip_cause` and `acknowledge`."""

    EXTERNAL = 1  # the trip input
    WATCHDOG = 2  # the host has sent nothing for too long
    WIDTH = 4  # the gate stayed high longer than WIDTH_LIMIT_NS
    DUTY = 8  # the duty cycle of the gate exceeded DUTY_LIMIT_16THS / 16
    PHASE = 16  # the launch phase had not settled when a launch fell due


# --- limits --------------------------------------------------------------------------------------
def limits_on(name: str, depth: int, features: Feature) -> tuple[int, int]:
    """Lowest and highest value of a register on an instrument with `depth` bins of trace memory and these features."""
    lowest, highest = REGISTERS[name].limits
    if name == "window_bins":
        highest = depth
    if name == "mode" and Feature.COUNTING not in features:
        highest = 0
    return lowest, highest


def startable(settings: Mapping[str, int]) -> bool:
    """Whether a train can have these settings, each of them within its limits.

    The fraction of the period is below 1, and the latest launch of a round comes early enough for its pulse.
    """
    latest = settings["delay"] + (settings["dither"] - 1) // CYCLE_NS
    return (
        settings["period_num"] < settings["period_den"]
        and latest + LAUNCH_TAIL <= settings["period"]
    )


# --- frames --------------------------------------------------------------------------------------
class Fields:
    """Layout of a message: unsigned fields, in order.

    Parameters
    ----------
    **sizes : int
        Size of each field in bytes: 1, 2, 4 or 8.
    """

    def __init__(self, **sizes: int) -> None:
        self.sizes = sizes
        self._struct = struct.Struct(
            "<" + "".join({1: "B", 2: "H", 4: "I", 8: "Q"}[n] for n in sizes.values())
        )
        self.size = self._struct.size

    def pack(self, **values: int) -> bytes:
        """The bytes of a message. Every field must be given; raises struct.error if a value does not fit."""
        return self._struct.pack(*(values[name] for name in self.sizes))

    def unpack(self, data: bytes | bytearray | memoryview) -> dict[str, int]:
        """The fields of the message at the start of `data`. Raises struct.error if it is too short."""
        return dict(zip(self.sizes, self._struct.unpack_from(data), strict=True))


class Kind(enum.IntEnum):
    """Kind of a frame. The host sends the requests WRITE and READ, the instrument sends the others."""

    WRITE = 0x01
    READ = 0x02
    REPLY = 0x81
    TRACE_HEAD = 0x82
    TRACE_DATA = 0x83
    TIME_TAGS = 0x84


class Outcome(enum.IntEnum):
    """Result of a request."""

    DONE = 0
    NO_REGISTER = 1
    READ_ONLY = 2
    OUT_OF_RANGE = 3  # nothing has been written


class TraceFlag(enum.IntFlag):
    """Bits of a trace head's `flags`."""

    SATURATED_LIGHT = 1
    SATURATED_DRIVE = 2
    END = 4  # the train has ended; no further frame of this train follows
    COUNTING = 8
    # The guard has switched the output off during this train; the last pulses of the frame may be incomplete.
    TRIPPED = 16


SYNC = 0x5AA5
HEADER = Fields(sync=2, kind=1, flags=1, sequence=2, length=2, crc=2)
REQUEST = Fields(address=2, value=4)
REPLY = Fields(sequence=2, address=2, outcome=1, value=4)
TRACE_HEAD = Fields(
    frame=4,  # number of this frame within its train
    train=4,  # number of the train since reset
    first_pulse=8,  # index of the frame's first pulse within the train
    pulses=4,  # pulses accumulated
    missed=4,  # pulses of the train so far that were launched while no frame had room for them
    light_clipped=4,  # samples in the window that have the ADC's lowest or highest code
    drive_clipped=4,
    window_start=4,  # two's complement
    bins=2,
    bin_shift=1,
    dither=1,
    flags=1,
)
TRACE_DATA = Fields(frame=4, channel=1, chunk=1)  # followed by up to CHUNK_BINS sums
CHUNK_BINS = 1024
MAX_PAYLOAD = TRACE_DATA.size + CHUNK_BINS * SUM_BITS // 8
CRC_SIZE = 4


def header_crc(data: bytes | bytearray | memoryview) -> int:
    """CRC-16/XMODEM of a header's bytes between sync and CRC."""
    return binascii.crc_hqx(data, 0)


def payload_crc(data: bytes | bytearray | memoryview) -> int:
    """CRC-32/ISO-HDLC of a payload."""
    return zlib.crc32(data)


def encode_frame(kind: int, sequence: int, payload: bytes, flags: int = 0) -> bytes:
    """One whole frame: header, payload, CRC-32."""
    head = HEADER.pack(
        sync=SYNC, kind=kind, flags=flags, sequence=sequence, length=len(payload), crc=0
    )
    crc = header_crc(head[2:-2])
    return (
        head[:-2]
        + crc.to_bytes(2, "little")
        + payload
        + payload_crc(payload).to_bytes(CRC_SIZE, "little")
    )
