"""RunningAverage: exact means, honest standard errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trelscope.host.acquisition.average import Block, RunningAverage

LSB = 61e-6


def block_of(samples: np.ndarray) -> Block:
    """samples (pulses, bins) codes, every bin sampled once a pulse, one channel."""
    counts = np.full(samples.shape[1], samples.shape[0], np.int64)
    return Block(samples.sum(axis=0, dtype=np.int64)[None, :], counts, samples.shape[0])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 16383), min_size=3, max_size=3), min_size=1, max_size=30),
    st.data(),
)
def test_mean_does_not_depend_on_how_pulses_are_split(
    rows: list[list[int]], data: st.DataObject
) -> None:
    samples = np.array(rows)
    cut = data.draw(st.integers(0, len(rows)))
    whole = RunningAverage(np.arange(3.0), [LSB])
    whole.add(block_of(samples))
    split = RunningAverage(np.arange(3.0), [LSB])
    for part in (samples[cut:], samples[:cut]):
        split.add(block_of(part))
    assert np.array_equal(whole.trace(0).y, split.trace(0).y)
    assert whole.pulses == split.pulses == len(rows)
    assert whole.trace(0).y == pytest.approx((samples.mean(axis=0) + 0.5) * LSB, rel=1e-12)


def test_sums_beyond_double_precision_of_their_own_scatter_stay_exact() -> None:
    average = RunningAverage(np.zeros(1), [1.0], [-0.5])
    for k in range(1000):
        average.add(Block(np.array([[2**40 + k]]), np.array([2**27]), 2**27))
    total = 1000 * 2**40 + 999 * 500
    assert average.trace(0).y[0] == total / (1000 * 2**27)
    # the block means differ by k / 2^27 only
    expected = np.sqrt(np.var(np.arange(1000) / 2**27, ddof=1) / 1000)
    assert average.trace(0).se[0] == pytest.approx(expected, rel=1e-6)


def test_channels_have_their_own_scale_and_zero() -> None:
    average = RunningAverage(np.zeros(2), [1e-3, 2e-3], [0.0, -1e-3])
    average.add(Block(np.array([[30, 40], [10, 20]]), np.array([10, 10]), 10))
    assert average.trace(0).y == pytest.approx([3.5e-3, 4.5e-3])
    assert average.trace(1).y == pytest.approx([2e-3, 4e-3])


def test_unknown_is_nan() -> None:
    average = RunningAverage(np.zeros(2), [1.0])
    assert np.isnan(average.trace(0).y).all()
    average.add(Block(np.array([[5, 0]]), np.array([1, 0]), 1))
    assert average.trace(0).y[0] == 5.5
    assert np.isnan(average.trace(0).y[1])
    assert np.isnan(average.trace(0).se).all()
    average.add(Block(np.array([[7, 0]]), np.array([1, 0]), 1))
    assert average.trace(0).se[0] == pytest.approx(1.0)  # std of 5, 7 is sqrt 2, over sqrt 2
    assert np.isnan(average.trace(0).se[1])


def test_clear_forgets_everything() -> None:
    average = RunningAverage(np.zeros(1), [1.0])
    average.add(Block(np.array([[5]]), np.array([1]), 1))
    average.clear()
    assert (average.pulses, average.blocks) == (0, 0)
    average.add(Block(np.array([[9]]), np.array([1]), 1))
    assert average.trace(0).y[0] == 9.5


def test_a_block_of_another_shape_is_refused() -> None:
    average = RunningAverage(np.zeros(2), [1.0])
    with pytest.raises(ValueError, match="does not fit"):
        average.add(Block(np.zeros((1, 3), np.int64), np.zeros(3, np.int64), 1))


@pytest.mark.parametrize("pulses", [(10, 10, 10, 10), (1, 2, 40, 7, 3), (5, 400)])
def test_standard_error_is_honest(pulses: tuple[int, ...]) -> None:
    """(mean - truth) / se has unit variance, also for few and unequal blocks."""
    rng = np.random.default_rng(11)
    bins = 600
    truth = 4000 + 3000 * (1 - np.exp(-np.arange(bins) / 120))
    sigma = 20 + truth / 200  # noise that grows with the signal
    score = []
    for _ in range(60):
        average = RunningAverage(np.arange(float(bins)), [1.0], [-0.5])
        for n in pulses:
            average.add(block_of(np.rint(rng.normal(truth, sigma, (n, bins))).astype(np.int64)))
        trace = average.trace(0)
        score.append((trace.y - truth) / trace.se)
    spread = np.std(score)
    # 36 000 scores: statistics allow 0.4 %; pooling about 100 degrees of freedom adds 1.5 %
    assert spread == pytest.approx(1.0, abs=0.03)


def test_standard_error_follows_a_step_in_the_noise_within_the_window() -> None:
    rng = np.random.default_rng(12)
    bins = 1000
    sigma = np.where(np.arange(bins) < 500, 5.0, 50.0)
    average = RunningAverage(np.zeros(bins), [1.0])
    for _ in range(8):
        average.add(block_of(np.rint(rng.normal(5000, sigma, (100, bins))).astype(np.int64)))
    expected = sigma / np.sqrt(800)
    away = np.abs(np.arange(bins) - 500) > 20  # window: 100 / 7 = 15 bins
    ratio = average.trace(0).se / expected
    assert ratio[away] == pytest.approx(1.0, abs=0.4)
