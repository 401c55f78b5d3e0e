"""Photons, and what the instrument must make of them: from the settings alone, no gateware, no simulator.

Times are whole nanoseconds since the train's first period began. Lane j of cycle c shows the photon at 8 c + j.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.protocol import TagKind

from .reference import CYCLE, Settings


def lanes(seed: int, cycles: int, rate: float, bursts: float) -> NDArray[np.uint8]:
    """Discriminator lanes (cycle) of a Poisson process.

    rate: photons a ns. bursts: share of cycles at which all lanes fire, for up to 40 cycles on end.
    """
    rng = np.random.default_rng(seed)
    length = cycles * CYCLE
    times = np.cumsum(rng.exponential(1 / rate, int(1.2 * length * rate) + 100))
    seen = np.zeros(length, dtype=np.uint8)
    seen[times[times < length].astype(np.int64)] = 1
    for start in np.flatnonzero(rng.random(cycles) < bursts / 20):
        seen[CYCLE * start : CYCLE * (start + rng.integers(2, 41))] = 1
    return np.packbits(seen.reshape(cycles, CYCLE), axis=1, bitorder="little")[:, 0]


def arrivals(lanes_since_start: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Time of each photon."""
    return np.flatnonzero(np.unpackbits(lanes_since_start, bitorder="little"))


def histograms(settings: Settings, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of photons, of shape (pulse, bin). The first cycle of a period is not counted; see `Instrument`."""
    counts = np.zeros((settings.count, settings.window_bins), dtype=np.int64)
    for k in range(settings.count):
        begin = CYCLE * (settings.period_start(k) + 1)
        end = CYCLE * settings.period_start(k + 1)
        own = times[(times >= begin) & (times < end)]
        bins = (own - settings.edge(k) - settings.window_start) >> settings.bin_shift
        inside = (bins >= 0) & (bins < settings.window_bins)
        np.add.at(counts[k], bins[inside], 1)
    return counts


@dataclass(frozen=True)
class Tag:
    """Photons of one cycle."""

    pulse: int
    t_ns: int
    lanes: int


def tags(settings: Settings, lanes_since_start: NDArray[np.uint8]) -> list[Tag]:
    """Time tags to expect from the start of the train to its end."""
    out = []
    for k in range(settings.count):
        for cycle in range(settings.period_start(k), settings.period_start(k + 1)):
            if lanes_since_start[cycle]:
                t_ns = CYCLE * cycle - settings.edge(k)
                out.append(Tag(k, t_ns, int(lanes_since_start[cycle])))
    return out


def check_tags(received: list[dict[str, int]], expected: list[Tag]) -> int:
    """Check that every record is correct, and that every photon has a record or is counted as missed.

    Returns the number of photons missed.
    """
    position = lost = 0
    overflowing = False
    for number, record in enumerate(received):
        t_ns = (record["t_ns"] ^ 1 << 31) - (1 << 31)
        kind = TagKind(record["kind"])
        if kind is TagKind.OVERFLOW_END:
            assert overflowing
            overflowing = False
            missed = record["t_ns"]
            lost += missed
            while missed > 0:
                missed -= expected[position].lanes.bit_count()
                position += 1
            assert missed == 0, (number, record)
            continue
        assert not overflowing
        assert position < len(expected), (number, record, "after the train")
        wanted = expected[position]
        assert (record["pulse"], t_ns) == (wanted.pulse, wanted.t_ns), (number, record, wanted)
        if kind is TagKind.OVERFLOW_BEGIN:
            overflowing = True
        else:
            assert record["lanes"] == wanted.lanes, (number, record, wanted)
            position += 1
    assert not overflowing
    assert position == len(expected), (position, len(expected), "photons without a trace")
    return lost
