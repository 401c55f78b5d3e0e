"""ExponentialAverage: weights that fade, and standard errors that are true."""

import numpy as np
import pytest

from trelscope.host.acquisition.average import Block, RunningAverage
from trelscope.host.acquisition.exponential import ExponentialAverage

BINS, PULSES, MEMORY = 400, 16, 100.0
SIGMA = 20.0  # codes, of one sample


def noise(rng: np.random.Generator, level: float) -> Block:
    """A block of one channel around `level` codes."""
    sums = rng.normal(level * PULSES, SIGMA * np.sqrt(PULSES), (1, BINS))
    return Block(sums.round().astype(np.int64), np.full(BINS, PULSES), PULSES)


def fading(memory: float = MEMORY) -> ExponentialAverage:
    return ExponentialAverage(np.arange(float(BINS)), [1.0], [-0.5], memory)


def test_the_past_fades_with_the_memory() -> None:
    average = fading()
    for level in (1000.0, 2000.0):
        for _ in range(50):
            average.add(noise(np.random.default_rng(1), level))
    left = np.exp(-50 * PULSES / MEMORY)
    assert average.trace(0).y.mean() == pytest.approx(2000 - 1000 * left, abs=2.0)
    assert average.pulses == 100 * PULSES


@pytest.mark.parametrize("blocks", [3, 8, 60])
def test_the_standard_error_is_the_scatter_of_the_average(blocks: int) -> None:
    rng = np.random.default_rng(2)
    average = fading()
    for _ in range(blocks):
        average.add(noise(rng, 500.0))
    trace = average.trace(0)
    pulls = (trace.y - 500.0) / trace.se
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.12)
    # and it is that of as many pulses as it says it is worth
    assert trace.se.mean() == pytest.approx(SIGMA / np.sqrt(average.effective), rel=0.1)


def test_an_endless_memory_is_the_plain_average() -> None:
    rng = np.random.default_rng(3)
    ours, plain = fading(1e12), RunningAverage(np.arange(float(BINS)), [1.0], [-0.5])
    for _ in range(20):
        block = noise(rng, 700.0)
        ours.add(block)
        plain.add(block)
    assert ours.trace(0).y == pytest.approx(plain.trace(0).y, abs=1e-6)
    assert ours.trace(0).se == pytest.approx(plain.trace(0).se, rel=1e-6)
    assert ours.effective == pytest.approx(plain.effective)


def test_unknown_is_nan() -> None:
    average = ExponentialAverage(np.zeros(2), [1.0], [0.0], MEMORY)
    average.add(Block(np.array([[5, 0]]), np.array([1, 0]), 1))
    trace = average.trace(0)
    assert trace.y[0] == 5.5
    assert np.isnan(trace.y[1])
    assert np.isnan(trace.se).all()
