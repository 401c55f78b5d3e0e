"""What the gateware does while engines are compared: a train without end, and a frame for every eight pulses.

One tenth of the default rate's period, with a window as large a part of it as 20 us are of 100 us: an engine of a few
thousand cycles a second gets through it too.
"""

import hashlib

from trelscope.gateware import protocol
from trelscope.gateware.protocol import REGISTERS, REQUEST, Kind
from trelscope.host.calibration.level import NOMINAL
from trelscope.host.planning import CaptureRequest

DEPTH = 16384
"""Bins of the instrument, as of the emulated board."""
PERIOD = 1250
"""Cycles between pulses."""
FRAME_PULSES = 8
FRAME = PERIOD * FRAME_PULSES
"""Cycles after which everything repeats."""
STEADY = 2 * FRAME
"""Cycles from power-up until the memory has been swept and the train is on its way."""


def commands() -> bytes:
    """The register writes that begin it, as they arrive over the link."""
    settings = CaptureRequest(
        width=0.8e-6, pulses=0, window=(-64e-9, 2e-6), bin=8e-9, frame_pulses=FRAME_PULSES
    ).plan(DEPTH)
    values = {
        **settings.registers(NOMINAL.code(settings.volts)),
        "period": PERIOD,
        "enable": 1,
        "run": 1,
    }
    frames = []
    for sequence, (name, value) in enumerate(values.items()):
        payload = REQUEST.pack(address=REGISTERS[name].address, value=value & 0xFFFFFFFF)
        frames.append(protocol.encode_frame(Kind.WRITE, sequence, payload))
    return b"".join(frames)


# One cycle's outputs as a word, as sim/harness/harness.cc packs them.
PINS = {"gate": 2, "phase": 3, "level": 14, "enable": 1, "sampling": 1}
"""Outputs and their bits, the first one lowest. Above them: a byte was taken, one was given, and that one."""
TAKEN = sum(PINS.values())
GIVEN = TAKEN + 1
WORD = GIVEN + 1 + 8


def fingerprint(data: bytes) -> str:
    """Short digest."""
    return hashlib.sha256(data).hexdigest()[:12]
