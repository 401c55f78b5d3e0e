"""Lifetimes of the light after the drive's falling edge: the detector's output, integrated step by step, and noise."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import gamma

from trelscope.host.decay import Decay, Value, fit_fall
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]

NS = 1e-9
WIDTH = 2e-6
T = np.arange(-200, 6000) * NS
POLE = 3.2 * NS
RUNS = 40

Curve = Callable[[Array], Array]


def single(x: Array) -> Array:
    return np.asarray(np.exp(-x / 300e-9))


def double(x: Array) -> Array:
    return np.asarray(0.7 * np.exp(-x / 100e-9) + 0.3 * np.exp(-x / 700e-9))


def triple(x: Array) -> Array:
    return np.asarray(
        0.5 * np.exp(-x / 30e-9) + 0.3 * np.exp(-x / 150e-9) + 0.2 * np.exp(-x / 800e-9)
    )


def slow(x: Array) -> Array:
    return np.asarray(np.exp(-((x / 200e-9) ** 0.7)))


def seen(curve: Curve, late: float = 0.0, pole: float = POLE) -> Array:
    """(bins,) of a light of 1 V that falls `late` s after the edge, behind a pole; 20 steps a bin."""
    fine = (np.arange(T.size * 20) - 19) * NS / 20 + T[0]
    after = fine - WIDTH - late
    light = np.where(after > 0, curve(np.maximum(after, 0.0)), 1.0) * (fine > 0)
    keep = np.exp(-NS / 20 / pole)
    mean = (light + np.append(light[0], light[:-1])) / 2
    return np.asarray(lfilter([1 - keep], [1, -keep], mean)[19::20])


def noisy(rng: np.random.Generator, clean: Array, noise: float) -> Trace:
    se = noise * (0.5 + clean)
    return Trace(T, 0.01 + clean + se * rng.standard_normal(T.size), se, 1000)


def z(value: Value, truth: float) -> float:
    return (value.value - truth) / value.se


@pytest.mark.parametrize(
    ("curve", "order", "noise", "amplitude", "intensity"),
    [
        (single, 1, 0.05, 300e-9, 300e-9),
        (double, 2, 0.01, 280e-9, 154 / 280e6),
        (triple, 3, 0.001, 220e-9, 135.2 / 220e6),
        (
            slow,
            "stretched",
            0.01,
            200e-9 / 0.7 * gamma(1 / 0.7),
            200e-9 * gamma(2 / 0.7) / gamma(1 / 0.7),
        ),
    ],
)
def test_errors_are_true(
    curve: Curve, order: int, noise: float, amplitude: float, intensity: float
) -> None:
    rng = np.random.default_rng(31)
    clean = seen(curve, 4.3 * NS)
    rows = []
    for _ in range(RUNS // 2 if order == 3 else RUNS):
        fit = fit_fall(noisy(rng, clean, noise), WIDTH, POLE, order)
        assert fit.reason == ""
        rows.append(
            [
                z(fit.amplitude_average, amplitude),
                z(fit.intensity_average, intensity),
                z(fit.background, 0.01),
                z(fit.t0, WIDTH + 4.3 * NS),
                fit.misfit,
            ]
        )
    errors, runs = np.array(rows), len(rows)
    assert np.abs(errors.mean(axis=0)).max() < 3.3 / np.sqrt(runs) + 0.1
    assert errors.std(axis=0).min() > 1 - 2.5 / np.sqrt(2 * runs)
    assert errors.std(axis=0).max() < 1 + 3.5 / np.sqrt(2 * runs)


@pytest.mark.parametrize(
    ("curve", "model"), [(single, 1), (double, 2), (triple, 3), (slow, "stretched")]
)
def test_bic_finds_the_model(curve: Curve, model: int) -> None:
    fit = fit_fall(noisy(np.random.default_rng(32), seen(curve), 0.002), WIDTH, POLE)
    assert fit.bic[model] == 0.0
    assert all(other > 5 for name, other in fit.bic.items() if name != model)


def test_inverted_light_is_fitted_as_it_is_upright() -> None:
    upright = noisy(np.random.default_rng(36), seen(double), 0.002)
    over = Trace(upright.t, 0.3 - upright.y, upright.se, upright.pulses)
    fit, turned = fit_fall(upright, WIDTH, POLE, 2), fit_fall(over, WIDTH, POLE, 2)
    for a, b in zip(fit.components, turned.components, strict=True):
        assert b.lifetime.value == pytest.approx(a.lifetime.value, rel=1e-4)
        assert b.lifetime.se == pytest.approx(a.lifetime.se, rel=1e-3)
        assert b.amplitude.value == pytest.approx(-a.amplitude.value, rel=1e-4)
    assert turned.background.value == pytest.approx(0.3 - fit.background.value, abs=1e-5)


def test_a_shape_of_another_kind() -> None:
    """A ramp down is no decay, however precisely it is seen."""
    clean = seen(lambda x: np.maximum(1 - x / 800e-9, 0.0))
    rng = np.random.default_rng(33)
    for order in (1, 2, "stretched"):
        fit = fit_fall(noisy(rng, clean, 0.001), WIDTH, POLE, order)
        assert fit.reason or fit.misfit > 6


def spoilt(**changes: object) -> Trace:
    clean = noisy(np.random.default_rng(34), seen(single), 0.01)
    values = {"t": clean.t, "y": clean.y, "se": clean.se, "pulses": 1000, **changes}
    return Trace(**values)


ROUGH = 0.01 * np.random.default_rng(35).standard_normal(T.size)


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        (spoilt(y=np.full(T.size, np.nan)), "hold no number"),
        (spoilt(se=np.full(T.size, np.nan)), "no standard error"),
        (spoilt(se=np.zeros(T.size)), "no standard error"),
        (Trace(np.empty(0), np.empty(0), np.empty(0), 0), "empty"),
        (spoilt(y=ROUGH), "does not fall"),
        (spoilt(y=(T > 0) * (2 - seen(single)) + ROUGH), "does not fall"),
        (spoilt(t=T + 3e-6), "does not hold the drive's falling edge"),
        (spoilt(t=T - 4e-6), "does not hold the drive's falling edge"),
    ],
)
def test_says_why_not(trace: Trace, words: str) -> None:
    fit: Decay = fit_fall(trace, WIDTH, POLE)
    assert words in fit.reason
    assert fit.components == ()
    assert np.isnan([fit.amplitude_average.value, fit.intensity_average.se, fit.t0.value]).all()


def test_light_longer_than_the_window() -> None:
    fit = fit_fall(noisy(np.random.default_rng(36), seen(lambda x: np.exp(-x / 9e-6)), 0.01), WIDTH)
    assert "does not decay within the window" in fit.reason
