"""Lifetimes against photons drawn one by one: no histogram here comes from the model that is fitted.

Seeds are fixed. A bound of the form k / sqrt(RUNS) follows from the number of repetitions.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from trelscope.host.decay import Decay, Value, fit_decay, live_pulses
from trelscope.host.decay.histogram import Histogram
from trelscope.host.decay.models import Exponentials
from trelscope.sim.physics.pulsed_light import PulsedLight
from trelscope.sim.presets.presets import load_plant

Array = NDArray[np.float64]

NS = 1e-9
EDGES = np.arange(-40, 401) * NS
RESPONSE = 0.3 * NS
PULSES = 1e6
RUNS = 60

MONO = ([1.0], [20 * NS])
BI = ([3.0, 1.0], [5 * NS, 40 * NS])
TRI = ([1.0, 0.6, 0.3], [2 * NS, 10 * NS, 60 * NS])
Shape = tuple[Sequence[float], Sequence[float]]  # amplitudes, lifetimes


def arrivals(rng: np.random.Generator, shape: Shape, n: int, response: float) -> Array:
    """(n,) s after the excitation."""
    amps, lives = map(np.array, shape)
    kind = rng.choice(lives.size, p=amps * lives / (amps @ lives), size=n)
    delay = rng.exponential(response, n) if response else 0.0
    return np.asarray(rng.exponential(lives[kind]) + delay)


def drawn(
    rng: np.random.Generator,
    shape: Shape,
    photons: float,
    t0: float = 0.37 * NS,
    response: float = RESPONSE,
    dark: float = 100.0,
    edges: Array = EDGES,
) -> Array:
    """Counts of a Poisson number of photons and, in the whole window, of `dark` background counts."""
    times = t0 + arrivals(rng, shape, rng.poisson(photons), response)
    background = rng.uniform(edges[0], edges[-1], rng.poisson(dark))
    counts, _ = np.histogram(np.concatenate((times, background)), edges)
    return counts.astype(np.float64)


def averages(shape: Shape) -> tuple[float, float]:
    """Amplitude-weighted and intensity-weighted lifetime, s."""
    a, t = map(np.array, shape)
    return float(a @ t / a.sum()), float(a @ t**2 / (a @ t))


def z(value: Value, truth: float) -> float:
    return (value.value - truth) / value.se


def deviations(
    fit: Decay, shape: Shape, photons: float, t0: float, dark: float, edges: Array
) -> dict[str, float]:
    """Every number of a fit against the truth, in standard errors."""
    assert fit.reason == ""
    amps, lives = map(np.array, shape)
    rate = amps / (amps @ lives) * photons / PULSES
    amplitude, intensity = averages(shape)
    found = {
        "t0": z(fit.t0, t0),
        "amplitude average": z(fit.amplitude_average, amplitude),
        "intensity average": z(fit.intensity_average, intensity),
    }
    if dark:  # at its lower end a background has no normal error
        found["background"] = z(fit.background, dark / (edges[-1] - edges[0]) / PULSES)
    for k, part in enumerate(fit.components):
        found[f"lifetime {k}"] = z(part.lifetime, lives[k])
        found[f"amplitude {k}"] = z(part.amplitude, rate[k])
    return found


@pytest.mark.parametrize(
    ("shape", "photons", "response", "dark", "width"),
    [
        pytest.param(MONO, 1e3, RESPONSE, 0, 1, id="one, sparse, no background"),
        pytest.param(MONO, 1e4, 0.0, 200, 1, id="one, sharp"),
        pytest.param(MONO, 1e4, RESPONSE, 200, 20, id="one, in a bin of its length"),
        pytest.param(([1.0], [6 * NS]), 1e4, 6 * NS, 200, 1, id="one, equal to the response"),
        pytest.param(BI, 2e4, RESPONSE, 100, 1, id="two"),
        pytest.param(([3.0, 1.0], [15 * NS, 80 * NS]), 5e4, 6 * NS, 1000, 1, id="two, response"),
        pytest.param(TRI, 3e5, RESPONSE, 500, 1, id="three"),
    ],
)
def test_errors_are_true(
    shape: Shape, photons: float, response: float, dark: float, width: int
) -> None:
    rng = np.random.default_rng(7)
    edges = EDGES[::width]
    rows, misfits = [], []
    for _ in range(RUNS):
        t0 = rng.uniform(-3, 3) * NS
        counts = drawn(rng, shape, photons, t0, response, dark, edges)
        fit = fit_decay(counts, edges, PULSES, response, order=len(shape[0]))
        rows.append(deviations(fit, shape, photons, t0, dark, edges))
        misfits.append(fit.misfit)
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        # half a standard error of bias: the estimates are not linear in the counts
        assert abs(values.mean()) < 3.3 / np.sqrt(RUNS) + 0.1, name
        assert 0.7 < values.std() < 1.35, name
        assert np.abs(values).max() < 5, name
    assert abs(np.mean(misfits)) < 0.6
    assert 0.7 < np.std(misfits) < 1.4


@pytest.mark.parametrize(("shape", "photons"), [(MONO, 1e4), (BI, 2e4), (TRI, 3e5)])
def test_bic_finds_the_number_of_exponentials(shape: Shape, photons: float) -> None:
    rng = np.random.default_rng(11)
    for _ in range(10):
        fit = fit_decay(drawn(rng, shape, photons), EDGES, PULSES, RESPONSE)
        assert len(fit.components) == len(shape[0])
        assert fit.bic[len(shape[0])] == 0.0
        assert all(fit.bic[n] > 5 for n in (1, 2, 3) if n != len(shape[0]))


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.9, 1 - 1e-6, 1.0, 1 + 2e-4, 1.1, 30.0])
def test_the_model_is_the_integral_over_each_bin(ratio: float) -> None:
    """Response over lifetime from nothing to much; bins as wide as the lifetime, t0 inside one."""
    life, t0 = 10 * NS, 3 * NS
    response = ratio * life
    edges = np.arange(-3, 8) * life
    data = Histogram(np.ones(10), edges, np.ones(10), response, edges[0], edges[-1])
    mean, _ = data.model(Exponentials(1), np.array([1.0, np.log(life), t0, 0.0]))

    def late(t: float) -> float:
        """Part that comes later than t after the excitation: the photon, or else the detector."""
        if t <= 0:
            return 1.0
        if response == 0:
            return float(np.exp(-t / life))

        def waits(u: float) -> float:
            return float(np.exp(-u / response - (t - u) / life) / response)

        return float(np.exp(-t / response)) + quad(waits, 0, t, points=[min(response, t)])[0]

    want = -np.diff([late(t - t0) for t in edges])
    assert mean == pytest.approx(want, abs=1e-4 * want.max())


def test_derivatives() -> None:
    data = Histogram(np.ones(440), EDGES, np.linspace(0.5, 1, 440), 2 * NS, EDGES[0], EDGES[-1])
    p = np.array([3e4, 1e4, np.log(5 * NS), np.log(40 * NS), 0.37 * NS, 1e9])
    _, jac = data.model(Exponentials(2), p)
    for k, step in enumerate((1.0, 1.0, 1e-6, 1e-6, 1e-15, 1e3)):
        up, down = p.copy(), p.copy()
        up[k] += step
        down[k] -= step
        slope = (data.model(Exponentials(2), up)[0] - data.model(Exponentials(2), down)[0]) / (
            2 * step
        )
        assert jac[:, k] == pytest.approx(slope, abs=1e-4 * np.abs(slope).max()), k


def test_a_response_left_out_is_noticed() -> None:
    rng = np.random.default_rng(3)
    counts = drawn(rng, ([1.0], [15 * NS]), 1e5, response=2 * NS)
    right = fit_decay(counts, EDGES, PULSES, 2 * NS, order=1)
    wrong = fit_decay(counts, EDGES, PULSES, 0.0, order=1)
    assert abs(z(right.components[0].lifetime, 15 * NS)) < 3
    assert abs(right.misfit) < 4
    assert abs(z(wrong.components[0].lifetime, 15 * NS)) > 5
    assert wrong.misfit > 20
    far = drawn(rng, ([1.0], [15 * NS]), 1e5, response=6 * NS)
    unmeasured(fit_decay(far, EDGES, PULSES, 0.0, order=1), "does not look like 1 exponential")


def test_bins_of_uneven_width() -> None:
    rng = np.random.default_rng(4)
    edges = np.concatenate((np.arange(-20, 40) * NS, np.geomspace(40, 400, 40) * NS))
    fit = fit_decay(drawn(rng, BI, 1e5, edges=edges), edges, PULSES, RESPONSE)
    found = deviations(fit, BI, 1e5, 0.37 * NS, 100, edges)
    assert max(map(abs, found.values())) < 3.5


def test_expected_is_the_curve_through_the_counts() -> None:
    counts = drawn(np.random.default_rng(5), BI, 1e5)
    fit = fit_decay(counts, EDGES, PULSES, RESPONSE)
    assert fit.photons == counts.sum()
    assert fit.expected.sum() == pytest.approx(counts.sum(), rel=1e-4)
    assert np.sum((counts - fit.expected) ** 2 / fit.expected) == pytest.approx(440, abs=120)


def test_deviance_of_a_sparse_histogram_is_not_one() -> None:
    """Mostly empty bins: the expectation follows, a rule of thumb would call the fit too good."""
    rng = np.random.default_rng(6)
    misfits = []
    for _ in range(RUNS):
        fit = fit_decay(drawn(rng, MONO, 200, dark=10), EDGES, PULSES, RESPONSE, order=1)
        assert fit.deviance_expected < 0.8
        misfits.append(fit.misfit)
    assert abs(np.mean(misfits)) < 3.3 / np.sqrt(RUNS) + 0.2
    assert 0.75 < np.std(misfits) < 1.3


# dead time


def counted(
    rng: np.random.Generator, pulses: int, per_pulse: float, dead: float, edges: Array
) -> Array:
    """Counts of BI with one stray photon in ten, by a detector blind for `dead` s after each."""
    photons, stray = rng.poisson(per_pulse, pulses), rng.poisson(per_pulse / 10, pulses)
    pulse = np.repeat(np.arange(pulses), photons)
    pulse = np.concatenate((pulse, np.repeat(np.arange(pulses), stray)))
    times = np.concatenate(
        (
            arrivals(rng, BI, photons.sum(), RESPONSE),
            rng.uniform(EDGES[0], EDGES[-1], stray.sum()),
        )
    )
    order = np.lexsort((times, pulse))
    seen, last, now = [], -np.inf, -1
    for p, t in zip(pulse[order].tolist(), times[order].tolist(), strict=True):
        if p != now:
            now, last = p, -np.inf
        if t >= last + dead:
            last = t
            seen.append(t)
    return np.histogram(seen, edges)[0].astype(np.float64)


@pytest.mark.parametrize(
    ("dead", "width"), [(45.3 * NS, 1), (7.5 * NS, 4), (1.5 * NS, 2), (2.2 * NS, 4)]
)
def test_dead_time(dead: float, width: int) -> None:
    edges, pulses = EDGES[::width], 40_000
    rng = np.random.default_rng(8)
    right, wrong, bins = [], [], []
    truth = averages(BI)[1]
    rate = drawn(rng, BI, 4e6, 0.0, RESPONSE, 4e5, edges) / 4e6
    for _ in range(8):
        counts = counted(rng, pulses, 1.0, dead, edges)
        live = live_pulses(counts, edges, pulses, dead)
        fit = fit_decay(counts, edges, live, RESPONSE, order=2)
        right.append(z(fit.intensity_average, truth))
        assert abs(z(fit.background, 0.1 / (EDGES[-1] - EDGES[0]))) < 4
        wrong.append(z(fit_decay(counts, edges, pulses, RESPONSE, 2).intensity_average, truth))
        bins.append(np.sum((counts - rate * live) / np.sqrt(rate * live)) / np.sqrt(counts.size))
    assert abs(np.mean(right)) < 3.5 / np.sqrt(8)
    assert abs(np.mean(bins)) < 3.5 / np.sqrt(8)
    assert abs(np.mean(wrong)) > 2 * abs(np.mean(right))
    assert abs(np.mean(wrong)) > 1.5


@pytest.mark.parametrize("width", [1, 4])
def test_a_lane_holds_one_photon(width: int) -> None:
    """The gateware's discriminator has a bit a nanosecond: without dead time, too, photons merge."""
    pulses, lanes = 100_000, 40 * width
    mean = np.repeat(np.exp(-np.arange(40) / 10.0), width)
    hits = (
        np.random.default_rng(13).poisson(mean, (pulses // 10, 10, lanes)).clip(max=1).sum((0, 1))
    )
    counts = hits.reshape(40, width).sum(axis=1).astype(float)
    edges = np.arange(41) * width * NS
    live = live_pulses(counts, edges, pulses, 0.0, lane=NS)
    assert counts / live == pytest.approx(mean[::width] * width, abs=0, rel=0.06)
    error = (counts / live / (mean[::width] * width) - 1) * np.sqrt(counts)
    assert abs(error.mean()) < 0.6
    assert np.all(live[:10] < 0.9 * pulses)


def test_without_dead_time_every_pulse_is_live() -> None:
    counts = drawn(np.random.default_rng(9), BI, 1e5)
    assert live_pulses(counts, EDGES, PULSES, 0.0) == pytest.approx(np.full(440, PULSES))


def test_live_pulses_by_hand() -> None:
    """The formula of the notes, where a dead time ends with a bin: spread over both ends by half."""
    counts = np.array([0.0, 100.0, 0.0, 40.0, 0.0, 0.0, 0.0])
    live = live_pulses(counts, np.arange(8.0), 1000.0, 2.0)
    want = [1000, 100 / -np.log(0.9), 900, 40 / -np.log(1 - 40 / 950), 960, 980, 1000]
    assert live == pytest.approx(np.array(want))


def test_a_detector_endlessly_dead_is_coates() -> None:
    """Single-stop counting: -ln(1 - n / (pulses without a photon so far))."""
    counts = np.random.default_rng(10).poisson(30, 50).astype(float)
    live = live_pulses(counts, np.arange(51.0), 3000.0, 1e6)
    before = np.cumsum(counts) - counts
    assert counts / live == pytest.approx(-np.log1p(-counts / (3000.0 - before)))


# the paper


@pytest.mark.parametrize(("name", "published"), [("trpl-control", 14.26), ("trpl-bmim3", 29.84)])
def test_the_papers_average_lifetimes(name: str, published: float) -> None:
    """The presets match the published number as intensity-weighted average, says presets.toml."""
    sample = load_plant(name).device
    assert isinstance(sample, PulsedLight)
    decay = sample.decay
    shape = (decay.amps.tolist(), (1 / decay.rates).tolist())
    edges = np.arange(-40, 600) * NS
    for seed in range(3):
        counts = drawn(np.random.default_rng(seed), shape, 1e6, dark=600, edges=edges)
        fit = fit_decay(counts, edges, PULSES, RESPONSE)
        assert len(fit.components) == 3
        assert abs(z(fit.intensity_average, published * NS)) < 3
        assert fit.intensity_average.value == pytest.approx(published * NS, rel=0.02)
        assert abs(z(fit.amplitude_average, sample.amplitude_average)) < 3
        assert fit.amplitude_average.value < 0.6 * fit.intensity_average.value


# what cannot be measured


def unmeasured(fit: Decay, words: str) -> None:
    assert words in fit.reason
    assert fit.components == ()
    numbers = [fit.background, fit.t0, fit.amplitude_average, fit.intensity_average]
    assert np.isnan([x for n in numbers for x in (n.value, n.se)]).all()
    assert np.isnan(fit.misfit)


def flat(rate: float) -> Array:
    return np.random.default_rng(1).poisson(rate, 440).astype(float)


def step() -> Array:
    """Light that goes on and stays."""
    return flat(1.0) + np.where(EDGES[:-1] > 0, flat(50.0), 0)


def rectangle() -> Array:
    return flat(1.0) + np.where((EDGES[:-1] > 0) & (EDGES[:-1] < 200 * NS), flat(500.0), 0)


def falling() -> Array:
    """A decay that was under way when the window began."""
    mean = 500 * np.exp(-np.arange(440) / 30)
    return np.random.default_rng(2).poisson(mean).astype(float)


def long_decay() -> Array:
    return drawn(np.random.default_rng(3), ([1.0], [2000 * NS]), 1e5)


def spoilt(value: float) -> Array:
    counts = drawn(np.random.default_rng(4), MONO, 1e4)
    counts[60] = value
    return counts


@pytest.mark.parametrize("order", [None, 1, 2, 3])
@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (np.zeros(440), "0 photons are too few"),
        (drawn(np.random.default_rng(0), MONO, 20, dark=5), "photons are too few"),
        (flat(2.0), "no light stands out"),
        (flat(1e6), "no light stands out"),
        (step(), "does not decay within the window"),
        (flat(1.0) + np.arange(440), "does not decay within the window"),
        (long_decay(), "does not decay within the window"),
        (falling(), "does not start within the window"),
        (spoilt(np.nan), "1 of 440 bins hold no count"),
        (spoilt(np.inf), "1 of 440 bins hold no count"),
        (spoilt(-3.0), "1 of 440 bins hold no count"),
        (np.ones(5), "5 bins need 6 edges, not 441"),
    ],
)
def test_says_why_not(counts: Array, words: str, order: int | None) -> None:
    unmeasured(fit_decay(counts, EDGES, PULSES, RESPONSE, order), words)


def test_says_why_not_of_the_settings() -> None:
    counts = drawn(np.random.default_rng(4), MONO, 1e4)
    unmeasured(fit_decay(counts, EDGES[::-1], PULSES), "do not ascend")
    unmeasured(fit_decay(counts, EDGES, 0), "not positive")
    unmeasured(fit_decay(counts, EDGES, np.ones(3)), "as many numbers of pulses")
    unmeasured(fit_decay(counts, EDGES, PULSES, -1.0), "not a time")
    unmeasured(fit_decay(counts, EDGES, PULSES, order=4), "1 to 3")
    unmeasured(fit_decay(counts, EDGES, PULSES, 0.0, 1, (10 * NS, 30 * NS)), "not look like 1")
    unmeasured(fit_decay(counts, EDGES, PULSES, start=(1.0, 2.0)), "not in the window")
    unmeasured(fit_decay(np.empty(0), np.zeros(1), PULSES), "too few")
    saturated = live_pulses(np.full(440, 600.0), EDGES, 1000, 45 * NS)
    unmeasured(fit_decay(np.full(440, 600.0), EDGES, saturated), "saturated")


@pytest.mark.parametrize("order", [None, 1, 2, 3])
def test_a_pulse_that_is_no_decay(order: int | None) -> None:
    fit = fit_decay(rectangle(), EDGES, PULSES, RESPONSE, order)
    unmeasured(fit, fit.reason)
    assert fit.reason


def test_one_exponential_where_there_are_three() -> None:
    counts = drawn(np.random.default_rng(4), TRI, 3e5)
    unmeasured(fit_decay(counts, EDGES, PULSES, RESPONSE, 1), "does not look like 1 exponential")


def test_a_shape_a_little_off_is_told_by_the_misfit_alone() -> None:
    """Two exponentials serve for three well enough to be read, and the deviance says what they are."""
    counts = drawn(np.random.default_rng(4), TRI, 3e5)
    fit = fit_decay(counts, EDGES, PULSES, RESPONSE, 2)
    assert fit.reason == ""
    assert fit.misfit > 20


def test_three_lifetimes_that_the_photons_do_not_hold() -> None:
    unmeasured(
        fit_decay(drawn(np.random.default_rng(4), MONO, 1e3), EDGES, PULSES, RESPONSE, 3),
        "fit fewer",
    )


def test_where_to_look_for_the_start() -> None:
    """Two decays in one window: the second is fitted if the start is looked for there."""
    rng = np.random.default_rng(12)
    counts = drawn(rng, ([1.0], [5 * NS]), 1e5, -20 * NS) + drawn(rng, MONO, 2e4, 100.3 * NS)
    fit = fit_decay(counts[100:], EDGES[100:], PULSES, RESPONSE, 1, (90 * NS, 110 * NS))
    assert abs(z(fit.t0, 100.3 * NS)) < 3.5
    assert abs(z(fit.components[0].lifetime, 20 * NS)) < 3.5
