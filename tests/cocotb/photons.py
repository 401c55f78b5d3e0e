"""Photons, and what the instrument must make of them: from the settings alone, no gateware, no simulator.

Times are whole nanoseconds since the train's first period began. Lane j of cycle c shows the photon at 8 c + j.
"""

import numpy as np
from numpy.typing import NDArray

from tests.tags import Missed, OverflowBegins, Photon, Said

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


def tags(settings: Settings, times: NDArray[np.int64]) -> list[Photon]:
    """Time tags to expect from the start of the train to its end, of photons at these times.

    On the wire, time runs from 16 cycles before the launch of a pulse without delay and dither.
    """
    out = []
    for k in range(settings.count):
        begin, end = (CYCLE * settings.period_start(n) for n in (k, k + 1))
        zero = settings.edge(k) - k % settings.dither - CYCLE * (settings.delay + 16)
        out += [Photon(k, int(t) - zero) for t in times[(times >= begin) & (times < end)]]
    return out


def check_tags(received: list[Said], expected: list[Photon]) -> int:
    """Check that every word is correct, and that every photon has a word or is counted as missed.

    Returns the number of photons missed.
    """
    position = lost = 0
    overflow = False
    for number, said in enumerate(received):
        assert position < len(expected), (number, said, "after the train")
        match said:
            case OverflowBegins():
                assert not overflow
                assert said.pulse == expected[position].pulse
            case Missed():
                assert overflow
                position += said.photons
                lost += said.photons
                assert said.pulse == expected[position - 1].pulse
            case Photon():
                assert not overflow
                assert said == expected[position], (number, expected[position])
                position += 1
        overflow = isinstance(said, OverflowBegins)
    assert not overflow
    assert position == len(expected), (position, len(expected), "photons without a trace")
    return lost
