"""Time tags to stamps: all words of many packets at once, and beside that a plain loop over them."""

import time
from collections.abc import Callable

import numpy as np

from trelscope.gateware.tags.wire import BODY_BITS, NS_BITS, TAG_HEAD, WORD_BYTES, WORDS_PER_PACKET
from trelscope.host.bench.effort import Effort
from trelscope.host.bench.rows import BenchError, Report, Row, compared, measured
from trelscope.host.photons.stream import TagStream
from trelscope.host.photons.timing import Timing

UNIT = "photons/s"
PACKETS = 4000
PLAIN_PACKETS = 40
AT_ONCE = 400
TIMING = Timing(12_500, 0, 1, 8, 528, 1e4, 112)


def rows(effort: Effort, report: Report) -> list[Row]:
    """Photons decoded per second of a core. Raises BenchError if the two ways do not agree."""
    report("photons: words decoded")
    packets = _packets(PACKETS)
    few = packets[:PLAIN_PACKETS]
    pulse, ns = _plain(few)
    chunks = TagStream(1, TIMING).add(few)
    kept = sum(chunk.pulse.size for chunk in chunks)
    if [*chunks[0].pulse] != pulse[:kept] or [*chunks[0].ns] != ns[:kept]:
        raise BenchError("photons: the plain loop reads other stamps; one of the two is wrong")
    fast, plain = [], []
    for _ in range(effort.samples):  # in turn
        fast.append(_speed(lambda: _decode(packets), PACKETS, effort.seconds))
        plain.append(_speed(lambda: _plain(few), PLAIN_PACKETS, effort.seconds / 5))
    return [
        measured("photons.decoded", "photons decoded", fast, UNIT),
        measured("photons.plain", "photons decoded, word by word in Python", plain, UNIT),
        compared("photons.decoded.ratio", "  all at once over word by word", fast, plain),
    ]


def _packets(number: int) -> list[bytes]:
    """Full ones of light that gives a photon or two a pulse."""
    rng = np.random.default_rng(1)
    shape = number, WORDS_PER_PACKET
    step = rng.integers(0, 2, shape)
    words = (step << NS_BITS | rng.integers(1000, 100_000, shape)).astype(f"<u{WORD_BYTES}")
    pulses = np.cumsum(step.sum(axis=1)) - step.sum(axis=1)
    return [
        TAG_HEAD.pack(train=1, pulse=int(pulses[n]), photons=n * WORDS_PER_PACKET, late=0)
        + words[n].tobytes()
        for n in range(number)
    ]


def _decode(packets: list[bytes]) -> None:
    """All of them, some at a time, as they are read from a file; stamps are dropped as soon as they are made."""
    stream = TagStream(1, TIMING)
    for n in range(0, len(packets), AT_ONCE):
        stream.add(packets[n : n + AT_ONCE])


def _plain(packets: list[bytes]) -> tuple[list[int], list[int]]:
    """Pulse and ns of every photon."""
    pulses, ns = [], []
    for packet in packets:
        pulse = TAG_HEAD.unpack(packet)["pulse"]
        for at in range(TAG_HEAD.size, len(packet), WORD_BYTES):
            word = int.from_bytes(packet[at : at + WORD_BYTES], "little")
            if not word >> BODY_BITS:
                pulse += word >> NS_BITS
                pulses.append(pulse)
                launch = TIMING.origin_ns + TIMING.launch_ns + pulse % TIMING.dither
                ns.append((word & (1 << NS_BITS) - 1) - launch)
    return pulses, ns


def _speed(work: Callable[[], object], packets: int, seconds: float) -> float:
    """Photons a second of the processor's time."""
    work()
    begin, times = time.process_time(), 0
    while times == 0 or time.process_time() - begin < seconds:
        work()
        times += 1
    return times * packets * WORDS_PER_PACKET / max(time.process_time() - begin, 1e-9)
