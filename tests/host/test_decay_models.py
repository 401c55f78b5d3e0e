"""Stretched exponentials and measured responses, against photons drawn one by one.

Seeds are fixed. Nothing drawn here comes from the model that is fitted.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import gamma

from trelscope.host.decay import Decay, MeasuredResponse, Value, fit_decay, measured
from trelscope.host.decay.histogram import Histogram
from trelscope.host.decay.models import Exponentials, Law, Stretched
from trelscope.host.decay.response import Response

Array = NDArray[np.float64]

NS = 1e-9
EDGES = np.arange(-40, 401) * NS
PULSES = 1e6
RUNS = 30


def z(value: Value, truth: float) -> float:
    return (value.value - truth) / value.se


def stretched_arrivals(rng: np.random.Generator, life: float, stretch: float, n: int) -> Array:
    """(n,) s: u = (t / life)^stretch of a photon is gamma distributed with exponent 1 / stretch."""
    return np.asarray(life * rng.gamma(1 / stretch, size=n) ** (1 / stretch))


def gaussian(rng: np.random.Generator, n: int) -> Array:
    """(n,) s of a symmetric response, 1.2 ns standard deviation."""
    return rng.normal(0.0, 1.2 * NS, n)


def skewed(rng: np.random.Generator, n: int) -> Array:
    """(n,) s of a response with a steep front, a diffusion tail, and an afterglow."""
    kind = rng.choice(3, p=[0.7, 0.25, 0.05], size=n)
    return np.asarray(
        rng.normal(0, 0.5 * NS, n)
        + np.choose(kind, (0.0, rng.exponential(3 * NS, n), rng.uniform(4 * NS, 9 * NS, n)))
    )


def histogram(rng: np.random.Generator, times: Array, dark: float, edges: Array = EDGES) -> Array:
    background = rng.uniform(edges[0], edges[-1], rng.poisson(dark))
    return np.histogram(np.concatenate((times, background)), edges)[0].astype(float)


def response_of(
    rng: np.random.Generator, spread: object, edges: Array, n: int = 10_000_000
) -> MeasuredResponse:
    assert callable(spread)
    found = measured(histogram(rng, spread(rng, n), 3000, edges), edges)
    assert isinstance(found, MeasuredResponse)
    return found


def normal(rows: Array, bias: float = 0.1) -> None:
    """Mean 0 and variance 1 of normalised errors (runs, quantities)."""
    runs = len(rows)
    assert np.abs(rows.mean(axis=0)).max() < 3.3 / np.sqrt(runs) + bias
    assert rows.std(axis=0).min() > 1 - 2.5 / np.sqrt(2 * runs)
    assert rows.std(axis=0).max() < 1 + 3.5 / np.sqrt(2 * runs)


def stretched_errors(fit: Decay, life: float, stretch: float, t0: float) -> list[float]:
    assert fit.reason == ""
    (part,) = fit.components
    return [
        z(part.lifetime, life),
        z(part.stretch, stretch),
        z(fit.amplitude_average, life / stretch * gamma(1 / stretch)),
        z(fit.intensity_average, life * gamma(2 / stretch) / gamma(1 / stretch)),
        z(fit.t0, t0),
    ]


@pytest.mark.parametrize(
    ("stretch", "photons", "response"),
    [(0.6, 1e4, 0.3 * NS), (0.6, 1e6, 0.3 * NS), (0.8, 3e3, 0.0), (1.3, 1e5, 4 * NS)],
)
def test_errors_of_a_stretched_exponential(stretch: float, photons: float, response: float) -> None:
    rng = np.random.default_rng(21)
    rows = []
    for _ in range(RUNS):
        t0 = rng.uniform(-3, 3) * NS
        n = rng.poisson(photons)
        times = t0 + stretched_arrivals(rng, 15 * NS, stretch, n)
        times += rng.exponential(response, n) if response else 0.0
        fit = fit_decay(histogram(rng, times, 200), EDGES, PULSES, response, "stretched")
        rows.append(stretched_errors(fit, 15 * NS, stretch, t0))
    normal(np.array(rows), 0.2)


@pytest.mark.parametrize("spread", [gaussian, skewed])
@pytest.mark.parametrize("photons", [1e4, 1e5])
def test_errors_with_a_measured_response(spread: object, photons: float) -> None:
    """The response is measured a fraction of a bin away, on bins of its own."""
    rng = np.random.default_rng(22)
    assert callable(spread)
    finer = np.arange(-120, 200) * 0.125 * NS
    response = response_of(rng, spread, finer)
    rows = []
    for _ in range(RUNS):
        shift = rng.uniform(-3, 3) * NS
        n = rng.poisson(photons)
        times = shift + rng.exponential(8 * NS, n) + spread(rng, n)
        fit = fit_decay(histogram(rng, times, 200), EDGES, PULSES, response, 1)
        assert fit.reason == ""
        rows.append([z(fit.components[0].lifetime, 8 * NS), z(fit.t0, shift)])
    normal(np.array(rows))


def test_two_and_stretched_through_a_measured_response() -> None:
    rng = np.random.default_rng(23)
    response = response_of(rng, skewed, np.arange(-120, 200) * 0.125 * NS)
    two, one = [], []
    for _ in range(RUNS // 2):
        n = rng.poisson(3e4)
        life = np.where(rng.random(n) < 0.4, 6 * NS, 40 * NS)
        times = rng.exponential(life) + skewed(rng, n)
        fit = fit_decay(histogram(rng, times, 200), EDGES, PULSES, response, 2)
        amplitude = 1 / (0.4 / 6 + 0.6 / 40) * NS
        two.append([z(fit.amplitude_average, amplitude), z(fit.intensity_average, 26.4 * NS)])
        times = stretched_arrivals(rng, 15 * NS, 0.7, n) + skewed(rng, n)
        fit = fit_decay(histogram(rng, times, 200), EDGES, PULSES, response, "stretched")
        one.append(stretched_errors(fit, 15 * NS, 0.7, 0.0))
    normal(np.array(two), 0.2)
    normal(np.array(one), 0.2)


def test_bic_tells_a_stretched_exponential_from_sums() -> None:
    rng = np.random.default_rng(24)
    for _ in range(3):
        times = stretched_arrivals(rng, 15 * NS, 0.6, 100_000)
        fit = fit_decay(histogram(rng, times, 200), EDGES, PULSES)
        assert fit.bic["stretched"] == 0.0
        assert min(fit.bic[n] for n in (1, 2, 3)) > 5
        life = np.where(rng.random(100_000) < 0.4, 5 * NS, 40 * NS)
        fit = fit_decay(histogram(rng, rng.exponential(life), 200), EDGES, PULSES)
        assert fit.bic[2] == 0.0
        assert fit.bic["stretched"] > 20


@pytest.mark.parametrize("stretch", [0.3, 0.7, 1.0, 1.6])
@pytest.mark.parametrize("response", [0.01, 0.3, 5.0])
@pytest.mark.parametrize("steady", [False, True])
def test_a_stretched_exponential_after_a_pole(
    stretch: float, response: float, steady: bool
) -> None:
    """Against integration as the definitions are written."""
    t = np.array([-1.0, 0.02, 0.5, 2.0, 9.0, 40.0])
    area = gamma(1 / stretch) / stretch

    def curve(x: float) -> float:
        return float(np.exp(-(x**stretch)))

    def sharp(x: float) -> float:
        return curve(x) if steady else 1 - quad(curve, 0, x, epsabs=1e-12)[0] / area

    def late(t: float) -> float:
        if t <= 0:
            return 1.0
        delayed = quad(
            lambda u: np.exp(-u / response) / response * sharp(t - u),
            max(0.0, t - min(t, 60 * response)) and 0.0,
            min(t, 60 * response),
            epsabs=1e-9,
            limit=200,
        )[0]
        return float(delayed + np.exp(-t / response))

    value, _, _ = Stretched().seen(t, np.log((1.0, stretch)), response, steady)
    assert value[0] == pytest.approx([late(x) for x in t], abs=2e-4)


@pytest.mark.parametrize("law", [Exponentials(2), Stretched()])
@pytest.mark.parametrize("kind", ["sharp", "pole", "same bins", "other bins"])
def test_derivatives(law: Law, kind: str) -> None:
    rng = np.random.default_rng(25)
    response: Response = {"sharp": 0.0, "pole": 3 * NS}.get(kind, 0.0)
    if kind.endswith("bins"):
        step = NS if kind == "same bins" else 0.7 * NS
        response = response_of(rng, skewed, np.arange(-20, 40) * step, 30_000)
    data = Histogram(np.ones(440), EDGES, np.linspace(0.5, 1, 440), response, EDGES[0], EDGES[-1])
    shape = law.begin(np.array([5, 40]) * NS)
    p = np.concatenate((1e4 * np.arange(1, law.parts + 1), shape, (0.37 * NS, 1e9)))
    _, jac = data.model(law, p)
    for k, step in enumerate([1.0] * law.parts + [1e-5] * shape.size + [1e-14, 1e3]):
        up, down = p.copy(), p.copy()
        up[k] += step
        down[k] -= step
        slope = (data.model(law, up)[0] - data.model(law, down)[0]) / (2 * step)
        assert jac[:, k] == pytest.approx(slope, abs=2e-4 * np.abs(slope).max()), k


def test_a_measured_pole_is_the_pole() -> None:
    """Exact parts of a pole in fine bins give the closed form; on other bins as on the same."""
    edges = np.arange(0, 4001) * 0.01 * NS
    left = np.exp(-edges / (2 * NS))
    pole = MeasuredResponse(edges, -np.diff(left) / (left[0] - left[-1]), 1e6)
    data = [Histogram(np.ones(440), EDGES, np.ones(440), r, EDGES[0], 0) for r in (pole, 2 * NS)]
    for law in (Exponentials(1), Stretched()):
        p = np.array([1.0, *law.begin(np.array([10 * NS])), 0.3 * NS, 0.0])
        mean = [d.model(law, p)[0] for d in data]
        assert mean[0] == pytest.approx(mean[1], abs=2e-4 * mean[1].max())


def test_the_centroid_of_a_response() -> None:
    rng = np.random.default_rng(26)
    edges = np.concatenate((np.arange(-60, 0), np.arange(0, 121, 0.5))) * NS
    found = response_of(rng, lambda r, n: 5.3 * NS + skewed(r, n), edges, 100_000)
    assert found.weight.sum() == pytest.approx(1.0)
    assert found.mean == pytest.approx((5.3 + 0.25 * 3 + 0.05 * 6.5) * NS, abs=0.1 * NS)
    assert found.counts == pytest.approx(1e5, rel=0.02)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (np.zeros(40), "0 counts are too few"),
        (np.full(40, np.nan), "40 of the response's 40 bins hold no count"),
        (np.full(40, -1.0), "below zero: turn it over"),
        (np.empty(0), "need 1 edges"),
        (np.full(40, 1000.0), "fills its window"),
        (np.full(40, 3.0), "no response stands out|fills its window"),
    ],
)
def test_what_is_no_response(counts: Array, words: str) -> None:
    found = measured(counts, np.arange(41) * NS)
    assert isinstance(found, str)
    assert any(w in found for w in words.split("|"))


def test_a_wrong_response_is_noticed() -> None:
    rng = np.random.default_rng(27)
    response = response_of(rng, gaussian, np.arange(-20, 40) * NS)
    times = rng.exponential(8 * NS, 100_000) + skewed(rng, 100_000)
    fit = fit_decay(histogram(rng, times, 200), EDGES, PULSES, response, 1)
    assert fit.reason or fit.misfit > 6


@pytest.mark.parametrize("order", [None, "stretched"])
def test_no_light_is_no_stretched_exponential(order: None) -> None:
    flat = np.random.default_rng(28).poisson(3.0, 440).astype(float)
    assert "no light" in fit_decay(flat, EDGES, PULSES, 0.0, order).reason
    box = flat + np.where((EDGES[:-1] > 0) & (EDGES[:-1] < 200 * NS), 500.0, 0.0)
    fit = fit_decay(box, EDGES, PULSES, 0.0, order)
    assert fit.reason
    assert np.isnan(fit.amplitude_average.value)
