"""What is measured on a stream, against light whose statistics are known."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np
import pytest

from tests.cocotb import reference
from tests.cocotb.photons import histograms
from trelscope.host.photons.along import PulseMap, RateTrace
from trelscope.host.photons.chunk import Chunk, joined
from trelscope.host.photons.correlation import DelayCorrelation, LagCorrelation
from trelscope.host.photons.counter import estimate
from trelscope.host.photons.histogram import Bins, Histogram
from trelscope.host.photons.intervals import Intervals
from trelscope.host.photons.per_pulse import PhotonsPerPulse
from trelscope.host.photons.rows import Rows
from trelscope.host.photons.timing import LATENCY, Timing

from . import light
from .light import TIMING


class Measurement(Protocol):
    def add(self, chunk: Chunk) -> None: ...


M = TypeVar("M", bound=Measurement)


def measured(measurement: M, chunks: Iterable[Chunk]) -> M:
    for chunk in chunks:
        measurement.add(chunk)
    return measurement


@pytest.mark.parametrize(
    ("start", "shift", "dither", "num"),
    [(0, 0, 8, 0), (-200, 3, 8, 1), (-2000, 5, 1, 0), (-80, 0, 8, 1)],
)
def test_the_histogram_is_the_instruments(start: int, shift: int, dither: int, num: int) -> None:
    settings = reference.Settings(
        period=300,
        width=100,
        level=10_000,
        count=40,
        window_bins=128,
        window_start=start,
        bin_shift=shift,
        dither=dither,
        delay=10,
        period_num=num,
        period_den=3,
    )
    timing = Timing(300, num, 3, dither, 8 * (10 + LATENCY), 1.0, 0)
    rng = np.random.default_rng(1)
    times = np.flatnonzero(rng.random(8 * settings.period_start(40)) < 0.05)
    starts = np.array([8 * settings.period_start(k) for k in range(40)])
    assert starts.tolist() == timing.start(np.arange(40)).tolist()
    pulse = np.searchsorted(starts, times, side="right") - 1
    ns = times - starts[pulse] - timing.launch(pulse)
    chunk = Chunk(0, 40, pulse, ns)
    found = Histogram(timing, Bins(start, 1 << shift, 128))
    found.add(chunk)
    wanted = histograms(settings, times)
    assert found.counts.tolist() == wanted.sum(axis=0).tolist()
    assert found.counts.sum() > 0
    assert found.pulses == 40
    part = measured(Histogram(timing, found.bins), [chunk.between(5, 9), chunk.between(9, 20)])
    assert part.counts.tolist() == wanted[5:20].sum(axis=0).tolist()
    assert part.pulses == 15


def test_pulses_that_are_not_whole_count_for_nothing() -> None:
    chunk = Chunk(0, 10, np.arange(10), np.full(10, 50), broken=np.array([[2, 3], [9, 9]]))
    found = measured(Histogram(TIMING, Bins(0, 100, 1)), [chunk])
    assert (found.counts[0], found.pulses) == (7, 7)
    per_pulse = measured(PhotonsPerPulse(), [chunk]).result()
    assert per_pulse.pulses.tolist() == [0, 7]
    rows = Rows(1, 4)
    rows.cover(chunk)
    assert rows.pulses == 4
    assert rows.whole.tolist() == [2, 4, 1]
    intervals = measured(Intervals(TIMING, 100_000, 4), chunk_by_chunk(chunk))
    assert intervals.counts.sum() == 1 + 4
    lags = LagCorrelation(3)
    measured(lags, chunk_by_chunk(chunk))
    pulses = {0, 1, 4, 5, 6, 7, 8}
    wanted = [sum(k + lag in pulses for k in pulses) for lag in range(4)]
    assert lags._pulse_pairs.tolist() == wanted
    assert lags.result().found.tolist() == [0, *wanted[1:]]


def chunk_by_chunk(chunk: Chunk) -> list[Chunk]:
    return [chunk.between(k, k + 1) for k in range(chunk.first, chunk.end)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Histogram(TIMING, Bins(-100, 3, 900)),
        lambda: RateTrace(TIMING, 16),
        lambda: PulseMap(TIMING, Bins(0, 1000, 20), 16),
        PhotonsPerPulse,
        lambda: Intervals(TIMING, 7, 50),
        lambda: DelayCorrelation(20, 30),
        lambda: LagCorrelation(6),
    ],
)
def test_how_the_stream_is_cut_makes_no_difference(make) -> None:  # type: ignore[no-untyped-def]
    chunks = light.poisson(1, 1.5, 300)
    one, many = measured(make(), [joined(chunks)]), measured(make(), chunk_by_chunk(joined(chunks)))
    for name in ("counts", "longer", "pulses"):
        if hasattr(one, name):
            np.testing.assert_array_equal(getattr(one, name), getattr(many, name))
    if hasattr(one, "result"):
        both = one.result(), many.result()
        if not isinstance(both[0], (tuple, np.ndarray)):
            both = tuple(tuple(vars(each).values()) for each in both)  # type: ignore[assignment]
        for a, b in zip(*both, strict=True):
            np.testing.assert_array_equal(a, b)


def z(value: float, truth: float, se: float) -> float:
    assert se > 0
    return abs(value - truth) / se


def test_independent_photons_have_a_fano_factor_of_one() -> None:
    scores = []
    for seed in range(40):
        found = measured(PhotonsPerPulse(), light.poisson(seed, 0.8, 2000, 100.0)).result()
        scores += [z(found.fano, 1.0, found.fano_se), z(found.mean, 0.8, found.se)]
        np.testing.assert_allclose(found.poisson().sum(), 2000, rtol=0.02)
    assert np.sqrt(np.mean(np.square(scores))) == pytest.approx(1.0, abs=0.25)


def test_blinking_light_has_a_larger_one_and_a_single_emitter_a_smaller_one() -> None:
    bunched = measured(PhotonsPerPulse(), light.blinking(1, 1.0, 5000, 0.1)).result()
    assert z(bunched.fano, 2.0, bunched.fano_se) < 4  # variance of 2 · mean · on, over the mean
    alone = measured(PhotonsPerPulse(), light.antibunched(1, 0.3, 5000)).result()
    assert alone.fano == pytest.approx(0.7, abs=4 * alone.fano_se)
    assert alone.pulses.size == 2


def test_nothing_is_known_of_no_pulse() -> None:
    assert np.isnan(PhotonsPerPulse().result().fano)
    assert np.isnan(DelayCorrelation(1, 10).result().g2).all()
    assert np.isnan(LagCorrelation(2).result().g2).all()
    dark = measured(PhotonsPerPulse(), [Chunk(0, 9, *np.empty((2, 0), np.int64))]).result()
    assert dark.mean == 0
    assert np.isnan(dark.fano)


def test_g2_of_independent_photons_is_one_whatever_the_shape() -> None:
    by_delay, by_lag = [], []
    for seed in range(12):
        chunks = light.poisson(seed, 2.0, 2000)
        delay = measured(DelayCorrelation(1000, 10), chunks).result()
        by_delay.append((delay.g2 - 1) / delay.se)
        lag = measured(LagCorrelation(5), chunks).result()
        by_lag.append((lag.g2 - 1) / lag.se)
    for scores in (np.array(by_delay), np.array(by_lag)):
        assert np.sqrt(np.mean(scores**2)) == pytest.approx(1.0, abs=0.25)
        assert abs(np.mean(scores)) < 0.4


def test_g2_of_a_single_emitter_is_zero_within_a_pulse() -> None:
    chunks = light.antibunched(1, 0.3, 5000)
    delay = measured(DelayCorrelation(1000, 5), chunks).result()
    assert not delay.found.any()
    assert (delay.g2 == 0).all()
    assert (delay.se > 0).all()
    lag = measured(LagCorrelation(3), chunks).result()
    assert lag.g2[0] == 0
    assert (abs(lag.g2[1:] - 1) < 4 * lag.se[1:]).all()


def test_g2_of_blinking_light_decays_as_it_switches() -> None:
    switch = 0.05
    lag = measured(LagCorrelation(30), light.blinking(3, 1.0, 40_000, switch)).result()
    wanted = 1 + (1 - 2 * switch) ** np.arange(31)
    assert (abs(lag.g2 - wanted) < 4.5 * lag.se).all()
    assert lag.se.max() < 0.1


def test_dead_time_and_afterpulses_are_found() -> None:
    scores = []
    for seed, dead in enumerate((20.0, 37.5, 80.0)):
        chunks = light.counted(seed, 3e-4, 6000, dead, 0.02)
        correlation = measured(DelayCorrelation(1, 2000), chunks)
        found = estimate(correlation.result(), correlation.photons)
        assert found.dead_time * 1e9 == pytest.approx(dead, abs=4 * found.dead_time_se * 1e9)
        assert found.dead_time_se < 3e-9
        chance = 0.02 * np.exp(-dead / 300)  # of one that comes after the dead time
        scores.append(z(found.afterpulse, chance, found.afterpulse_se))
    assert max(scores) < 4


def test_a_detector_without_a_dead_time_has_none() -> None:
    correlation = measured(DelayCorrelation(1, 500), light.counted(9, 3e-4, 3000, 0.0))
    found = estimate(correlation.result(), correlation.photons)
    assert np.isnan(found.dead_time)
    assert z(found.afterpulse, 0.0, found.afterpulse_se) < 4
    nothing = DelayCorrelation(1, 500)
    assert np.isnan(estimate(nothing.result(), 0).afterpulse)


def test_intervals_of_a_steady_rate_fall_exponentially() -> None:
    chunks = light.counted(4, 1e-3, 600, 50.0, length=90_000.0)
    found = measured(Intervals(TIMING, 1, 5000), chunks)
    assert not found.counts[:50].any()
    inside = found.counts[50:3000]
    mean = inside @ np.arange(50, 3000) / inside.sum()
    cut = 2950 * np.exp(-2.95) / (1 - np.exp(-2.95))  # by the last bin
    assert mean == pytest.approx(50 + 1000 - cut, rel=0.02)
    total = sum(chunk.pulse.size for chunk in chunks)
    assert found.counts.sum() + found.longer == total - 1


def test_the_rate_and_the_map_follow_what_the_light_does() -> None:
    rng = np.random.default_rng(5)
    pulses = 5000
    pulse = np.repeat(np.arange(pulses), rng.poisson(np.linspace(2.0, 4.0, pulses)))
    ns = rng.integers(0, 10_000, pulse.size)
    chunks = light.chunks(pulse, ns, pulses)
    trace = measured(RateTrace(TIMING, 64), chunks)
    t, rate, se = trace.result()
    wanted = 1e4 * (2 + 2 * t / (pulses / 1e4))
    assert 32 <= t.size <= 64
    assert np.sqrt(np.mean(((rate - wanted) / se) ** 2)) == pytest.approx(1.0, abs=0.35)
    found = measured(PulseMap(TIMING, Bins(-5000, 5000, 3), 64), chunks).result()
    assert found.shape == (t.size, 3)
    np.testing.assert_allclose(found.sum(axis=1) * 1e4, rate)
    assert found[:, 0].max() == 0
