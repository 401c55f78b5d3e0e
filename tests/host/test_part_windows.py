"""Windows that show one edge, levels that are given, and true reasons for what a trace does not show."""

from dataclasses import replace

import numpy as np
import pytest

from tests.exact import Train
from trelscope.host.bench.waveforms import (
    WIDTH,
    Array,
    Pulse,
    bin_means,
    delayed_exponential,
    grid,
    noisy,
)
from trelscope.host.measure.measure import (
    Estimator,
    Flag,
    Measurements,
    MeasureOptions,
    Quantity,
    measure,
)
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import CaptureRequest

T = grid(16384, 4e-9, -2e-6)
PULSE = Pulse(delayed_exponential(300e-9, 1.5e-6), delayed_exponential(100e-9, 600e-9))


def capture(
    window: tuple[float, float] | None, options: MeasureOptions, seed: int = 8
) -> Measurements:
    """Of a device at 10 kHz: pulses of 50 µs."""
    train = Train.of("bmim3-1mm2", CaptureRequest(window=window))
    light, drive = train.traces(4096, np.random.default_rng(seed))
    delay, spacing = train.front_end.detector_delay, train.settings.spacing
    return measure(light, WIDTH, drive, options, delay, spacing=spacing)


def agree(a: Quantity, b: Quantity) -> bool:
    return bool(abs(a.value - b.value) < 4 * np.hypot(a.se, b.se))


@pytest.mark.parametrize("estimator", Estimator)
def test_a_window_on_the_falling_edge_measures_it(estimator: Estimator) -> None:
    options = MeasureOptions(estimator=estimator)
    whole, part = capture(None, options), capture((48e-6, 8e-6), options)
    assert part.reference.startswith("drive monitor 50 % edge at the pulse's end")
    for name in ("fall", "decay"):
        q = getattr(part, name)
        assert agree(q, getattr(whole, name)), (name, q, getattr(whole, name))
        assert Flag.WINDOW_LEVEL in q.flags
        assert Flag.COMMANDED_EDGE not in q.flags
        assert q.se < 5e-9
    for name in ("onset", "rise", "response", "settling", "delay"):
        q = getattr(part, name)
        assert np.isnan(q.value)
        assert "window begins after the drive edge" in q.reason or "no rise" in q.reason
    assert "the mean at its end instead" in part.levels()


@pytest.mark.parametrize("estimator", Estimator)
def test_a_window_on_the_rising_edge_measures_it(estimator: Estimator) -> None:
    options = MeasureOptions(estimator=estimator)
    whole = capture(None, options)
    top = (whole.top, whole.amplitude_se)
    given = capture((-2e-6, 16e-6), replace(options, top=top))
    for name in ("onset", "rise", "response"):
        assert agree(getattr(given, name), getattr(whole, name)), name
        assert Flag.WINDOW_LEVEL not in getattr(given, name).flags
    part = capture((-2e-6, 16e-6), options)
    for name in ("onset", "rise", "response"):
        q = getattr(part, name)
        assert Flag.WINDOW_LEVEL in q.flags
        assert q.value == pytest.approx(getattr(whole, name).value, rel=0.05)
    assert np.isnan(part.fall.value)
    assert "window" in part.fall.reason


def test_a_level_that_is_given_is_taken() -> None:
    light = noisy(bin_means(PULSE, T) + 0.3, T, 1e-3, np.random.default_rng(9))
    own = measure(light, WIDTH)
    begun = Trace(light.t[500:], light.y[500:], light.se[500:], 100)  # at the drive edge
    for estimator in Estimator:
        options = MeasureOptions(baseline=(0.3, 0.0), estimator=estimator)
        m = measure(begun, WIDTH, options=options)
        assert m.baseline == 0.3
        assert agree(m.response, own.response)
        assert agree(m.fall, own.fall)
        assert Flag.WINDOW_LEVEL not in m.rise.flags
    assert "baseline: as given" in m.levels()
    lower = measure(light, WIDTH, options=MeasureOptions(baseline=(0.0, 0.0), top=(1.3, 0.0)))
    assert lower.onset.reason == "light passes 10 % before the drive edge"
    assert lower.response.value < own.response.value


def reasons(y: Array) -> Measurements:
    return measure(noisy(y, T, 5e-3, np.random.default_rng(10)), WIDTH)


def test_light_before_the_drive_edge_is_named() -> None:
    early = Pulse(delayed_exponential(0.0, 4e-6), PULSE.fall)
    m = reasons(bin_means(early, T + 1e-6))
    assert m.onset.reason == "light passes 10 % before the drive edge"
    assert m.rise.reason == m.onset.reason
    assert np.isfinite(m.response.value)
    late = reasons(bin_means(early, T - 50e-9))
    assert np.isfinite(late.onset.value)


def test_two_pulses_in_a_window_are_named() -> None:
    two = bin_means(PULSE, T) + bin_means(replace(PULSE, width=4e-6), T - 55e-6)
    m = reasons(two)
    assert m.fall.reason == "the light comes back after the pulse: the window shows more than one"
    assert np.isfinite(m.response.value)
    broken = bin_means(replace(PULSE, width=20e-6), T) + bin_means(
        replace(PULSE, width=20e-6), T - 30e-6
    )
    m = reasons(broken)
    assert m.rise.reason == "the light goes out again within the pulse: is it more than one?"
    assert np.isfinite(m.fall.value)


def test_a_dark_cell_is_named() -> None:
    m = reasons(np.zeros(T.size))
    assert m.response.reason == "no pulse: top and baseline differ by no more than noise"
    assert m.fall.reason == m.response.reason
