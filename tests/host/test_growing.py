"""An average that grows: an error narrows as the data allow, and one that widens says so."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.bench.precision import PAPER_PRESETS
from trelscope.host.bench.waveforms import WIDTH, Array, bin_means, grid
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.measure.measure import (
    DEFINITIONS,
    Estimator,
    Flag,
    Measurements,
    MeasureOptions,
    Quantity,
    ShapeCache,
    measure,
)
from trelscope.host.measure.shape_fit import Cells, levenberg_marquardt
from trelscope.host.measure.shapes import Cascade, exponentials, squared_fall
from trelscope.host.measure.trace import Trace
from trelscope.host.measure.wider import MOST, WiderErrors
from trelscope.sim.physics.plant import Plant
from trelscope.sim.presets.presets import load_plant

BEST = MeasureOptions(estimator=Estimator.BEST)
BINS = grid(16384, 4e-9, -2e-6)
PERIOD = 100e-6  # s
LOOKS = np.geomspace(300, 20_000, 8).astype(int)  # pulses
CASES = [("hr-1mm2", 3.5, 7), ("bmim3-1mm2", 3.0, 1), ("control-4mm2", 3.0, 2)]


def light(plant: Plant, volts: float) -> Array:
    """(bins,) V; a pulse of a steady train, without noise."""
    state = plant.rest()
    for _ in range(6):
        before = state
        pulse = plant.segment(before, volts)
        dark = plant.segment(pulse.state_after(WIDTH), 0.0)
        state = dark.state_after(PERIOD - WIDTH)

    def at(t: Array) -> Array:
        off = np.maximum(t - WIDTH, 0.0), np.maximum(t + PERIOD - WIDTH, 0.0)
        lit = Plant.light_at(pulse, np.clip(t, 0.0, WIDTH))
        after, earlier = (Plant.light_at(dark, each) for each in off)
        return np.where(t < 0, earlier, np.where(t < WIDTH, lit, after))

    return bin_means(at, BINS)


def widened(looks: Iterator[Measurements]) -> list[str]:
    """Quantities whose error grew by more than 1.5 from one look to the next, and no flag says so."""
    return [
        f"{after.pulses} {name}: {was.value} ± {was.se} -> {now.value} ± {now.se}, {now.method}"
        for before, after in itertools.pairwise(looks)
        for name in DEFINITIONS
        if (now := after.quantities()[name]).se > MOST * (was := before.quantities()[name]).se
        and Flag.WIDER not in now.flags
    ]


@pytest.mark.parametrize(("preset", "volts", "seed"), CASES)
def test_no_error_widens_without_a_flag(preset: str, volts: float, seed: int) -> None:
    """Nor does the flag hide what is only rounding: at most one shape, of rise or fall, ceases to hold."""
    clean, rng, shapes = light(load_plant(preset), volts), np.random.default_rng(seed), ShapeCache()
    one = 0.1e-3 + 0.2 * np.sqrt(np.maximum(clean - clean.min(), 0.0) * 1e-3)  # V, of one pulse
    total, pulses, found = np.zeros(BINS.size), 0, []
    for n in LOOKS:
        total += (n - pulses) * clean + np.sqrt(n - pulses) * one * rng.standard_normal(BINS.size)
        pulses = int(n)
        trace = Trace(BINS, total / n, one / np.sqrt(n), pulses)
        found.append(measure(trace, WIDTH, options=BEST, shapes=shapes))
    assert not widened(iter(found))
    for name in ("onset", "response", "fall", "decay"):
        errors = np.array([m.quantities()[name].se for m in found])
        assert np.all(errors[1:] < 4 * errors[:-1]), (name, errors)


def test_two_time_constants_that_are_nearly_equal_do_not_make_an_error() -> None:
    """Their difference is not known, and what is predicted does not depend on it. Parameters of a fall of hr-1mm2."""
    shape, errors = squared_fall(4, 0.796), []
    for distance in (1e-3, 3e-4, 1.1e-4, 3e-5, 0.0):
        p = np.array([501.0, 3.44, 2.84, 1.19 - distance, 1.19, 0.44, 0.28])
        y = 1e-3 * np.random.default_rng(3).standard_normal(4000)
        y += np.diff(shape.area(np.arange(4001.0) - 0.5, p))
        cells = Cells.of(y, np.full(y.size, 1e-6), [slice(500, y.size)], 500.5, 502.0, 524.0)
        fit = levenberg_marquardt(cells, shape, p, 22.0, 0)
        assert fit is not None
        slopes = fit.gradient(520.0)
        errors.append(float(np.sqrt(slopes @ fit.covariance @ slopes)))
    assert max(errors) < 1.5 * min(errors)


def test_a_fit_that_begins_before_the_trace_has_no_error_of_rounding() -> None:
    """A cascade of less than one pole rises at once: parameters of a fall of control-4mm2 at 3 V."""
    shape, errors, t = Cascade(), [], np.arange(12_499.0, 16_384.0)
    for shift in np.linspace(0.0, 1.0, 9):
        p = np.array([11_389.0 + shift, 6.887, -0.299])
        y = np.diff(shape.area(np.append(t, t[-1] + 1) - 0.5, p))
        cells = Cells.of(y, np.full(y.size, 1e-4), [slice(0, y.size)], 0.0, 100.0, 2800.0)
        moved = np.append(p[0] - t[0], p[1:])
        fit = levenberg_marquardt(cells, shape, moved, 2700.0, 0)
        assert fit is not None
        slopes = fit.gradient(1203.0)
        errors.append(float(np.sqrt(slopes @ fit.covariance @ slopes)))
    assert max(errors) < 1.1 * min(errors)


def test_a_time_constant_far_longer_than_the_trace_makes_no_error() -> None:
    """Its light is a constant: parameters of a fall of bmim3-1mm2 at 3 V."""
    p = np.array([1.4, 32.65, 25.0, 2.147, 4.356, 0.104, -0.0026, 0.0863])
    shape, at = exponentials(4), 166.4
    exact = np.exp(-(at - p[0]) / np.exp(p[3:5])) * (at - p[0]) / np.exp(p[3:5])
    amplitudes = np.array([p[7], 1 - p[5:].sum()])
    assert shape.gradient(at, p)[3:5] == pytest.approx(-amplitudes * exact, rel=1e-4)
    assert np.abs(shape.gradient(at, p)[1:3]).max() < 1e-6


def quantity(se: float) -> Quantity:
    return Quantity(1.0, se, (), "", "")


def test_a_flag_stays_until_the_error_is_back() -> None:
    errors = WiderErrors()
    flagged = [
        Flag.WIDER in errors.flagged({"rise": quantity(se)}, BEST)["rise"].flags
        for se in (0.9, 1.0, 1.3, 1.4, np.nan, 1.36, 1.3, 0.5, 0.8)
    ]
    assert flagged == [False, False, False, True, False, True, False, False, True]


def test_other_options_measure_something_else() -> None:
    errors = WiderErrors()
    errors.flagged({"rise": quantity(1.0)}, BEST)
    other = errors.flagged({"rise": quantity(9.0)}, replace(BEST, low=0.2))
    assert not other["rise"].flags


@pytest.mark.soak
@pytest.mark.parametrize("volts", [3.0, 3.5, 4.0, 5.0, 6.0, 7.0])
@pytest.mark.parametrize("preset", PAPER_PRESETS)
def test_no_error_widens_without_a_flag_on_any_device(preset: str, volts: float) -> None:
    link = EmulatorLink(preset, seed=5, paced=False)
    instrument = Instrument(link)
    settings = RequestedSettings(volts=volts).settings(instrument, f"emulator:{preset}")
    acquisition, shapes, found = Acquisition(instrument, settings), ShapeCache(), []
    for n in np.geomspace(300, 100_000, 60):
        while acquisition.accounting.pulses_averaged < n:
            acquisition.poll(0.05)
        found.append(
            measure(
                acquisition.traces()[0],
                settings.width,
                acquisition.traces()[1],
                BEST,
                link.front_end.detector_delay,
                shapes=shapes,
                spacing=settings.spacing,
            )
        )
    instrument.close()
    assert not widened(iter(found))
