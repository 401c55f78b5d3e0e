"""Afterpulses, drawn one by one, against what is known of them in advance."""

import numpy as np
import pytest

from trelscope.host.decay import after_pulses, fit_decay

NS = 1e-9
EDGES = np.arange(-40, 401) * NS
CHANCE, LATE = 0.05, 60 * NS
RUNS = 25


def drawn(rng: np.random.Generator, photons: int) -> np.ndarray:
    """Counts of two exponentials and a background; each pulse may have an afterpulse, and that, too."""
    n = rng.poisson(photons)
    life = np.where(rng.random(n) < 0.4, 6 * NS, 30 * NS)
    new = np.concatenate((rng.exponential(life), rng.uniform(EDGES[0], EDGES[-1], 500)))
    times = [new]
    while new.size:
        new = new[rng.random(new.size) < CHANCE]
        new = new + rng.exponential(LATE, new.size)
        times.append(new)
    return np.histogram(np.concatenate(times), EDGES)[0].astype(float)


def test_averages_without_and_with_the_correction() -> None:
    rng = np.random.default_rng(41)
    truth = (0.4 * 6 + 0.6 * 30) * NS
    right, wrong = [], []
    for _ in range(RUNS):
        counts = drawn(rng, 50_000)
        known = after_pulses(counts, EDGES, CHANCE, LATE)
        fit = fit_decay(counts, EDGES, 1e6, 0.0, 2, known=known)
        right.append((fit.intensity_average.value - truth) / fit.intensity_average.se)
        fit = fit_decay(counts, EDGES, 1e6, 0.0, 2)
        wrong.append((fit.intensity_average.value - truth) / fit.intensity_average.se)
    assert abs(np.mean(right)) < 3.3 / np.sqrt(RUNS) + 0.1
    assert 0.65 < np.std(right) < 1.5
    assert np.mean(wrong) > 3


def test_their_number_and_mean_delay() -> None:
    """One bin of 1000 counts: all that follow it, half a bin and the mean time later."""
    edges = np.arange(0, 4001) * NS
    counts = np.zeros(4000)
    counts[10] = 1000.0
    known = after_pulses(counts, edges, CHANCE, LATE)
    assert known.sum() == pytest.approx(50.0)
    delay = known @ ((edges[1:] + edges[:-1]) / 2) / known.sum() - 10.5 * NS
    assert delay == pytest.approx(LATE, rel=1e-3)
    assert not known[:10].any()
