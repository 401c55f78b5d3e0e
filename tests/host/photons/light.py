"""Photons whose statistics are known, as chunks of a stream."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.timing import Timing

TIMING = Timing(
    period=12_500, period_num=0, period_den=1, dither=8, launch_ns=528, rate=1e4, origin_ns=0
)
PERIOD = 100_000  # ns


def chunks(
    pulse: NDArray[np.int64],
    ns: NDArray[np.int64],
    pulses: int,
    pieces: int = 7,
    broken: NDArray[np.int64] | None = None,
) -> list[Chunk]:
    """The same photons, in several pieces. ns: from the launch; one per ns at most is kept."""
    order = np.lexsort((ns, pulse))
    both = np.unique(np.stack((pulse[order], ns[order])), axis=1)
    whole = Chunk(0, pulses, *both, broken=np.empty((0, 2), np.int64) if broken is None else broken)
    cuts = np.linspace(0, pulses, pieces + 1).astype(int)
    return [whole.between(int(a), int(b)) for a, b in pairwise(cuts)]


def poisson(seed: int, mean: float, pulses: int, decay: float = 5000.0) -> list[Chunk]:
    """Independent photons of a decay of so many ns."""
    rng = np.random.default_rng(seed)
    pulse = np.repeat(np.arange(pulses), rng.poisson(mean, pulses))
    ns = np.floor(rng.exponential(decay, pulse.size)).astype(np.int64)
    inside = ns < PERIOD - 600
    return chunks(pulse[inside], ns[inside], pulses)


def counted(
    seed: int,
    rate: float,
    pulses: int,
    dead_time: float,
    afterpulse: float = 0.0,
    afterpulse_time: float = 300.0,
    length: float = 20_000.0,
) -> list[Chunk]:
    """Photons at a steady rate (per ns) for `length` ns of every pulse, as a detector counts them."""
    rng = np.random.default_rng(seed)
    pulse, ns = [], []
    for k in range(pulses):
        waiting = sorted(rng.uniform(0, length, rng.poisson(rate * length)))
        blind = -1.0
        while waiting:
            t = waiting.pop(0)
            if t < blind:
                continue
            blind = t + dead_time
            pulse.append(k)
            ns.append(int(t))
            if rng.random() < afterpulse:
                waiting = sorted([*waiting, t + rng.exponential(afterpulse_time)])
    return chunks(np.array(pulse), np.array(ns), pulses)


def antibunched(seed: int, chance: float, pulses: int, decay: float = 5000.0) -> list[Chunk]:
    """A single emitter: at most one photon a pulse."""
    rng = np.random.default_rng(seed)
    pulse = np.flatnonzero(rng.random(pulses) < chance)
    ns = np.minimum(rng.exponential(decay, pulse.size), PERIOD - 600).astype(np.int64)
    return chunks(pulse, ns, pulses)


def blinking(seed: int, mean: float, pulses: int, switch: float) -> list[Chunk]:
    """An emitter that goes on or off between two pulses with the chance `switch`, half of the time on."""
    rng = np.random.default_rng(seed)
    on = (np.cumsum(rng.random(pulses) < switch) + rng.integers(2)) % 2
    pulse = np.repeat(np.arange(pulses), rng.poisson(2 * mean * on))
    ns = rng.integers(0, 50_000, pulse.size)
    return chunks(pulse, ns, pulses)
