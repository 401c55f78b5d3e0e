"""Timings against analytic truths: bias and calibration by Monte Carlo, and every edge case.

The estimator's constants (size of the test, reach before the hinge) were chosen on exponential,
stretched, sigmoid and squared-exponential rises; the gamma and hyperbolic ones came after and
changed nothing. The bounds follow from the number of repetitions, plus half a standard error of
residual bias.
"""

import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trelscope.host.bench.waveforms import (
    WIDTH,
    Array,
    Pulse,
    bin_means,
    delayed_exponential,
    gamma_rise,
    grid,
    hyperbolic,
    noisy,
    ringing,
    sigmoid,
    squared_exponential,
    stretched,
    two_exponentials,
)
from trelscope.host.measure.measure import Estimator, Flag, Measurements, MeasureOptions, measure
from trelscope.host.measure.trace import Trace

QUICK = delayed_exponential(20e-9, 60e-9)
MEDIUM = delayed_exponential(100e-9, 600e-9)
TAIL = two_exponentials(20e-9, 50e-9, 2e-6, 0.8)

PULSES = {
    "exponential": Pulse(delayed_exponential(300e-9, 1.5e-6), MEDIUM),
    "fast exponential": Pulse(delayed_exponential(100e-9, 300e-9), QUICK),
    "stretched": Pulse(stretched(200e-9, 1e-6, 0.7), TAIL),
    "compressed": Pulse(stretched(50e-9, 2e-6, 1.6), MEDIUM),
    "ringing": Pulse(ringing(100e-9, 3e-6, 0.35), MEDIUM),
    "sigmoid": Pulse(sigmoid(5e-6, 0.4e-6), TAIL),
    "two exponentials": Pulse(two_exponentials(100e-9, 0.3e-6, 4e-6, 0.7), MEDIUM),
    "slow": Pulse(squared_exponential(2e-6, 8e-6), TAIL),
    "gamma": Pulse(gamma_rise(150e-9, 0.5e-6, 3), gamma_rise(30e-9, 150e-9, 2)),
    "hyperbolic": Pulse(hyperbolic(0.4e-6, 2e-6, 3), hyperbolic(0.0, 200e-9, 2)),
    "inverted": Pulse(squared_exponential(300e-9, 1.2e-6), MEDIUM, amplitude=-0.04),
}
TYPICAL = grid(16384, 4e-9, -2e-6)
RUNS = 24


def step_of(t: Array, y: Array, sigma: float, seed: int = 1) -> Trace:
    return noisy(y, t, sigma, np.random.default_rng(seed))


def quantities(m: Measurements) -> dict[str, tuple[float, float]]:
    return {k: (q.value, q.se) for k in ("onset", "rise", "response", "settling", "fall")
            for q in [getattr(m, k)]}  # fmt: skip


# ------------------------------------------------------------------------------------ precision


@pytest.mark.parametrize("snr", [30, 300])
@pytest.mark.parametrize("name", PULSES)
def test_bias_and_standard_error(name: str, snr: float) -> None:
    """(value - truth) / se has a mean near 0 and a variance near 1."""
    pulse = PULSES[name]
    truth = pulse.truth()
    mean = bin_means(pulse, TYPICAL)
    rng = np.random.default_rng(seed_of(name) + int(snr))
    score: dict[str, list[float]] = {k: [] for k in truth}
    for _ in range(RUNS):
        m = measure(noisy(mean, TYPICAL, abs(pulse.amplitude) / snr, rng), WIDTH)
        for k, (value, se) in quantities(m).items():
            if np.isfinite(value):
                score[k].append((value - truth[k]) / se)
    for k, z in score.items():
        if k == "settling" and len(z) < RUNS:
            continue  # lost in the noise for some: that it says so is tested elsewhere
        assert len(z) == RUNS, k
        # 4 standard deviations of the mean of 24, and half a se of systematic bias
        assert abs(np.mean(z)) < 4 / np.sqrt(RUNS) + 0.5, (k, np.mean(z))
        # chi2(24)/24: 99.99 % within 0.25 … 2.7
        assert 0.25 < np.mean(np.square(z)) < 3.2, (k, np.mean(np.square(z)))


@pytest.mark.parametrize("name", PULSES)
def test_errors_are_true_at_low_signal_unless_flagged(name: str) -> None:
    """A third of the amplitude is noise: what carries no LOW_SNR has an error to be trusted all the same."""
    pulse = PULSES[name]
    truth, mean = pulse.truth(), bin_means(pulse, TYPICAL)
    rng = np.random.default_rng(seed_of(name) + 3)
    score: dict[str, list[float]] = {k: [] for k in truth}
    for _ in range(2 * RUNS):
        m = measure(noisy(mean, TYPICAL, abs(pulse.amplitude) / 3, rng), WIDTH)
        for k, (value, se) in quantities(m).items():
            if np.isfinite(value) and Flag.LOW_SNR not in getattr(m, k).flags:
                score[k].append((value - truth[k]) / se)
    assert max(len(z) for z in score.values()) >= RUNS
    for k, z in score.items():
        if len(z) >= RUNS:
            assert abs(np.mean(z)) < 4 / np.sqrt(len(z)) + 0.1, (k, np.mean(z))
            assert np.mean(np.square(z)) < 1.2 + 4 * np.sqrt(2 / len(z)), (k, np.mean(np.square(z)))


def seed_of(name: str) -> int:
    """A seed that does not change between runs (str hashes do)."""
    return zlib.crc32(name.encode())


@pytest.mark.parametrize("snr", [10, 100, 1000])
def test_figure_against_cramer_rao(snr: float, capsys: pytest.CaptureFixture[str]) -> None:
    """rmse of response over the bound of someone who knows that it is a delayed exponential.

    No unbiased estimator beats the bound. 1.5 is the goal, twice is what this one reaches.
    """
    delay, tau = 300e-9, 1.5e-6
    pulse = Pulse(delayed_exponential(delay, tau), MEDIUM)
    on = TYPICAL < WIDTH
    p = np.array([delay, tau])

    def mean(p: Array) -> Array:
        return bin_means(delayed_exponential(p[0], p[1]), TYPICAL[on])

    steps = np.array([1e-11, 1e-11])
    j = [(mean(p + d) - mean(p - d)) / (2 * d.sum()) for d in np.diag(steps)]
    j += [mean(p), np.ones(int(on.sum()))]  # amplitude, baseline
    fisher = np.array(j) @ np.array(j).T * snr**2
    gradient = np.array([1.0, np.log(10), 0, 0])  # t90 = delay + tau ln 10
    bound = float(np.sqrt(gradient @ np.linalg.solve(fisher, gradient)))
    rng = np.random.default_rng(5)
    clean = bin_means(pulse, TYPICAL)
    truth = pulse.truth()["response"]
    error = [
        measure(noisy(clean, TYPICAL, 1 / snr, rng), WIDTH).response.value - truth
        for _ in range(RUNS)
    ]
    rmse = float(np.sqrt(np.mean(np.square(error))))
    with capsys.disabled():
        print(f"\nresponse, SNR {snr}: rmse {rmse * 1e9:.3g} ns, bound {bound * 1e9:.3g} ns")
    assert 0.6 * bound < rmse < 2.9 * bound  # 24 runs: rmse is known to 15 %


@pytest.mark.parametrize("dt", [1e-9, 8e-9, 32e-9, 128e-9])
@pytest.mark.parametrize("scale", [20e-9, 1e-6, 20e-6])
def test_any_bin_and_any_speed(dt: float, scale: float) -> None:
    """Within 5 standard errors whatever the bin, and said to be limited where it is."""
    width = max(25 * scale, 60 * dt)
    pulse = Pulse(
        squared_exponential(0.3 * scale, scale), delayed_exponential(0.2 * scale, scale), width
    )
    bins = int((width + 15 * scale) / dt) + 1
    if bins > 65536:
        pytest.skip("does not fit in the accumulator's memory")
    before = max(5 * scale, 20 * dt)
    t = grid(bins + int(before / dt) + 40, dt, -np.floor(before / dt) * dt)
    truth = pulse.truth()
    m = measure(step_of(t, bin_means(pulse, t), 3e-3), width)
    for k in ("onset", "rise", "response", "fall"):
        q = getattr(m, k)
        if np.isfinite(q.value):
            assert abs(q.value - truth[k]) < 5 * q.se + 0.02 * dt, (k, q)
        else:
            assert q.reason
    if truth["rise"] < 3 * dt:
        assert Flag.BANDWIDTH_LIMITED in m.rise.flags
    if truth["rise"] > 20 * dt:
        assert not m.rise.flags


# ------------------------------------------------------------------------------------ reference


def drive_of(t: Array, delay: float, pole: float, width: float, sigma: float, seed: int) -> Trace:
    """5 V with a one-pole edge; exact bin means."""
    dt = t[1] - t[0]

    def area(u: Array) -> Array:
        s = np.maximum(u, 0)
        return s + pole * np.expm1(-s / pole)

    edges = np.append(t - dt / 2, t[-1] + dt / 2) - delay
    y = 5 * np.diff(area(edges) - area(edges - width)) / dt
    return step_of(t, y, sigma, seed)


@pytest.mark.parametrize("dt", [1e-9, 2e-9, 4e-9, 8e-9, 16e-9, 32e-9, 128e-9])
def test_drive_edge_is_placed_within_its_error(dt: float) -> None:
    rng = np.random.default_rng(21)
    score = []
    for k in range(12):
        delay = float(rng.uniform(-10e-9, 60e-9))
        t = grid(int(14e-6 / dt), dt, -4e-6)
        drive = drive_of(t, delay, 5e-9, 6e-6, 2e-3, k)
        light = step_of(t, bin_means(Pulse(MEDIUM, MEDIUM, 6e-6), t - delay), 1e-2, k)
        m = measure(light, 6e-6, drive)
        assert m.reference.startswith("drive monitor 50 % edge")
        if dt >= 128e-9 and "area" not in m.reference:
            continue  # the edge happened to lie across two bins
        error = m.t0 - (delay + 5e-9 * np.log(2))
        assert abs(error) < (0.05e-9 if dt <= 16e-9 else 2e-9)
        score.append(error)
    if dt <= 16e-9:
        assert abs(np.mean(score)) < 15e-12
    if dt == 128e-9:
        assert score  # and says that it went by the area


def test_drive_defines_time_zero_and_pulse_end() -> None:
    pulse = PULSES["exponential"]
    shift = 37e-9
    light = step_of(TYPICAL, bin_means(pulse, TYPICAL - shift), 1e-2)
    with_drive = measure(light, WIDTH, drive_of(TYPICAL, shift, 5e-9, WIDTH, 1e-3, 2))
    without = measure(light, WIDTH)
    assert without.reference == "commanded edge"
    assert without.t0 == 0
    assert with_drive.t0 == pytest.approx(shift + 5e-9 * np.log(2), abs=0.02e-9)
    moved = without.response.value - with_drive.response.value
    assert moved == pytest.approx(with_drive.t0, abs=2e-9)
    assert with_drive.fall.value == pytest.approx(pulse.truth()["fall"], abs=5 * with_drive.fall.se)
    assert with_drive.pulses == 100


def test_drive_without_an_edge_falls_back_in_words() -> None:
    light = step_of(TYPICAL, bin_means(PULSES["exponential"], TYPICAL), 1e-2)
    m = measure(light, WIDTH, step_of(TYPICAL, np.zeros(TYPICAL.size), 1e-3))
    assert m.reference.startswith("commanded edge (")
    assert m.t0 == 0


def test_detector_delay_moves_what_is_held_against_the_drive() -> None:
    light = step_of(TYPICAL, bin_means(PULSES["exponential"], TYPICAL), 1e-2)
    plain = measure(light, WIDTH)
    moved = measure(light, WIDTH, detector_delay=3.2e-9)
    for k in ("onset", "response", "settling"):
        assert getattr(plain, k).value - getattr(moved, k).value == pytest.approx(3.2e-9)
    for k in ("rise", "fall"):
        before, after = getattr(plain, k), getattr(moved, k)
        assert replace(after, bound=before.bound) == before  # no shape, no bound: nan is not nan
        assert after.bound == pytest.approx(before.bound, nan_ok=True)


def test_faster_than_the_detector() -> None:
    """The rise of 130 ns is no longer the light's alone behind a pole of 20 ns; the slow fall still is."""
    pulse = Pulse(delayed_exponential(50e-9, 60e-9), MEDIUM)
    light = step_of(TYPICAL, bin_means(pulse, TYPICAL), 1e-3)
    m = measure(light, WIDTH, detector_delay=20e-9)
    for q in (m.onset, m.rise, m.response, m.settling):
        assert Flag.BANDWIDTH_LIMITED in q.flags
    assert Flag.BANDWIDTH_LIMITED not in m.fall.flags
    assert "delay of 20 ns subtracted" in m.levels()
    slow = measure(light, WIDTH, detector_delay=2e-9)
    assert Flag.BANDWIDTH_LIMITED not in slow.rise.flags


@pytest.mark.parametrize("estimator", Estimator)
@pytest.mark.parametrize("delay", [0.0, 20e-9, 60e-9])
def test_a_transition_under_a_bin(estimator: Estimator, delay: float) -> None:
    """Whatever is said of it is flagged and has the error of half a bin at each end."""
    dt = 64e-9
    t = grid(1000, dt, -5e-6)
    quick = delayed_exponential(delay, 2e-9)
    light = step_of(t, bin_means(Pulse(quick, quick), t), 1e-3)
    m = measure(light, WIDTH, options=MeasureOptions(estimator=estimator))
    for name, q in m.quantities().items():
        assert Flag.BANDWIDTH_LIMITED in q.flags, name
        assert np.isfinite(q.value) or q.reason
    for q in (m.onset, m.response, m.decay):
        assert abs(q.value - delay) < 3 * q.se < 2 * dt
    for q in (m.rise, m.fall):
        assert abs(q.value) < 3 * q.se < 3 * dt


def test_other_levels() -> None:
    tau = 1.5e-6
    light = step_of(
        TYPICAL, bin_means(Pulse(delayed_exponential(0.3e-6, tau), MEDIUM), TYPICAL), 1e-3
    )
    m = measure(light, WIDTH, options=MeasureOptions(low=0.2, high=0.8))
    assert m.rise.value == pytest.approx(tau * np.log(4), abs=5 * m.rise.se)


def test_unknown_errors_are_taken_from_the_scatter() -> None:
    pulse = PULSES["exponential"]
    known = step_of(TYPICAL, bin_means(pulse, TYPICAL), 1e-2)
    unknown = Trace(known.t, known.y, np.full(known.y.size, np.nan), known.pulses)
    a, b = measure(known, WIDTH), measure(unknown, WIDTH)
    assert b.rise.se == pytest.approx(a.rise.se, rel=0.3)
    assert b.amplitude_se == pytest.approx(a.amplitude_se, rel=0.1)


def test_bins_that_never_scattered_do_not_outweigh_the_rest() -> None:
    """As of a dark baseline in which no photon was counted."""
    pulse, rng = PULSES["exponential"], np.random.default_rng(3)
    rate = 40 * bin_means(pulse, TYPICAL)
    counts = rng.poisson(rate).astype(float)
    light = Trace(TYPICAL, counts, np.sqrt(rate), 100)
    truth = pulse.truth()["response"]
    for estimator in Estimator:
        q = measure(light, WIDTH, options=MeasureOptions(estimator=estimator)).response
        assert abs(q.value - truth) < 4 * q.se
        assert q.se < 0.1 * truth


@pytest.mark.parametrize("known", [True, False])
def test_the_first_photons(known: bool) -> None:
    """Hardly any bin has one, and none before the pulse: a reason or a true error, and no warning from NumPy."""
    pulse, rng = PULSES["exponential"], np.random.default_rng(4)
    truth = pulse.truth()["response"]
    for rate in np.geomspace(0.02, 2, 20):
        counts = rng.poisson(rate * np.maximum(bin_means(pulse, TYPICAL), 0)).astype(float)
        se = np.sqrt(counts) if known else np.full(counts.size, np.nan)
        for estimator in Estimator:
            q = measure(
                Trace(TYPICAL, counts, se, 1), WIDTH, options=MeasureOptions(estimator=estimator)
            ).response
            assert q.reason or abs(q.value - truth) < 5 * q.se


# ---------------------------------------------------------------------------------------- flags


def clean() -> Trace:
    return step_of(TYPICAL, bin_means(PULSES["exponential"], TYPICAL), 1e-3)


def test_a_good_trace_carries_no_flag() -> None:
    m = measure(clean(), WIDTH)
    for q in (m.onset, m.rise, m.response, m.settling, m.fall):
        assert q.flags == ()
        assert q.reason == ""
        assert q.se > 0
    assert m.top == pytest.approx(1, abs=1e-3)
    assert m.baseline == pytest.approx(0, abs=1e-3)
    assert m.t_low == pytest.approx(m.t0 + m.onset.value)
    assert m.t_high == pytest.approx(m.t0 + m.response.value)


def test_clipped_and_dropped() -> None:
    m = measure(clean(), WIDTH, clipped=1, dropped=2)
    assert {Flag.CLIPPED, Flag.DROPPED} <= set(m.fall.flags)


def test_inverted_equals_upright() -> None:
    light = clean()
    up = measure(light, WIDTH)
    down = measure(Trace(light.t, -light.y, light.se, light.pulses), WIDTH)
    assert Flag.INVERTED in down.rise.flags
    assert Flag.INVERTED not in up.rise.flags
    for k, (value, se) in quantities(up).items():
        assert quantities(down)[k] == pytest.approx((value, se))


def test_unsettled() -> None:
    ramp = np.clip(TYPICAL / WIDTH, 0, 1)
    m = measure(step_of(TYPICAL, ramp, 1e-3), WIDTH)
    assert Flag.UNSETTLED in m.response.flags
    assert np.isnan(m.settling.value)
    assert m.settling.reason
    # 3.3 time constants: rise reads low and must say so
    short = Pulse(delayed_exponential(0.0, WIDTH / 3.3), MEDIUM)
    assert (
        Flag.UNSETTLED
        in measure(step_of(TYPICAL, bin_means(short, TYPICAL), 1e-3), WIDTH).rise.flags
    )


def test_drift() -> None:
    light = clean()
    tilted = Trace(light.t, light.y - 0.05 * light.t / 2e-6 * (light.t < 0), light.se, 1)
    assert Flag.DRIFT in measure(tilted, WIDTH).onset.flags


# ------------------------------------------------------------------------------------ edge cases


def assert_nothing(m: Measurements, word: str) -> None:
    for q in (m.onset, m.rise, m.response, m.settling, m.fall):
        assert np.isnan(q.value)
        assert np.isnan(q.se)
        assert word in q.reason
    assert m.as_dict()["rise"]["value"] is None
    json.dumps(m.as_dict(), allow_nan=False)


def trace_of(y: Array, se: float = 1e-3) -> Trace:
    return Trace(TYPICAL[: y.size], y, np.full(y.size, se), 1)


def test_empty() -> None:
    assert_nothing(measure(trace_of(np.zeros(0)), WIDTH), "empty")


def test_not_a_number() -> None:
    light = clean()
    y = light.y.copy()
    y[77] = np.nan
    assert_nothing(measure(trace_of(y), WIDTH), "1 of 16384")


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_flat(level: float) -> None:
    assert_nothing(measure(trace_of(np.full(16384, level)), WIDTH), "no pulse")


def test_noise_only() -> None:
    for seed in range(20):
        m = measure(step_of(TYPICAL, np.zeros(16384), 1.0, seed), WIDTH)
        assert_nothing(m, "noise")
        assert Flag.LOW_SNR in m.rise.flags


def test_uneven_bins() -> None:
    light = clean()
    t = light.t.copy()
    t[5000:] += 1e-9
    assert_nothing(measure(Trace(t, light.y, light.se, 1), WIDTH), "evenly")


def test_no_baseline_and_no_top() -> None:
    light = clean()
    within = Trace(light.t[600:5000], light.y[600:5000], light.se[600:5000], 1)
    assert_nothing(measure(within, WIDTH), "no baseline")
    early = Trace(light.t[:500], light.y[:500], light.se[:500], 1)
    assert_nothing(measure(early, WIDTH), "no top")


@pytest.mark.parametrize("end", [0, 2, 10, 40])
def test_window_without_the_whole_fall(end: int) -> None:
    light = clean()
    n = 500 + 12500 + end
    m = measure(Trace(light.t[:n], light.y[:n], light.se[:n], 1), WIDTH)
    assert np.isfinite(m.rise.value)
    assert np.isnan(m.fall.value)
    assert "window" in m.fall.reason


def test_turn_off_spike_does_not_shorten_the_fall() -> None:
    """Light flares up by a quarter for 100 ns after the drive ends, then falls."""
    pulse = PULSES["exponential"]
    after = TYPICAL - WIDTH
    spike = 0.25 * np.exp(-np.maximum(after, 0) / 30e-9) * (after > 0) * (after < 100e-9)
    y = bin_means(pulse, TYPICAL) + spike
    m = measure(step_of(TYPICAL, y, 1e-3), WIDTH)
    assert m.fall.value == pytest.approx(pulse.truth()["fall"], abs=20e-9)


def test_too_noisy_is_said_not_guessed() -> None:
    """Amplitude visible, edges not: nan or flagged, never a bare number."""
    pulse = Pulse(delayed_exponential(100e-9, 150e-9), QUICK)
    mean = bin_means(pulse, TYPICAL)
    for seed in range(10):
        m = measure(step_of(TYPICAL, mean, 1.0, seed), WIDTH)
        for q in (m.onset, m.rise, m.settling, m.fall):
            assert Flag.LOW_SNR in q.flags


@example([0.0, -1.0, *[0.0] * 12, 8.0, 0.0], 6.9e-8, 0.0)  # hardly a step: a fit may try any pole
@example([*[0.0] * 15, 1.0], 5.96e-8, 0.0)  # no level that could be crossed
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3, width=16), min_size=0, max_size=80),
    st.floats(0, 100e-9),
    st.sampled_from([0.0, 1e-3, np.nan, np.inf]),
)
def test_never_an_exception(values: list[float], width: float, se: float) -> None:
    y = np.array(values, dtype=float)
    t = grid(y.size, 4e-9, -40e-9)
    trace = Trace(t, y, np.full(y.size, se), 1)
    m = measure(trace, width, trace)
    for q in (m.onset, m.rise, m.response, m.settling, m.fall):
        assert np.isfinite(q.value) or q.reason
        assert not np.isfinite(q.value) or np.isfinite(q.se)
