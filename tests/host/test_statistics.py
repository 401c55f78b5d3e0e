"""Running statistics against NumPy's, over blocks of which some give no value."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.host.test_measure import TYPICAL, WIDTH, trace_of
from trelscope.host.measure.measure import Measurements, Quantity, measure
from trelscope.host.measure.statistics import Statistics, Summary

NOTHING = measure(trace_of(np.zeros(TYPICAL.size)), WIDTH)


def block(rise: float) -> Measurements:
    return replace(NOTHING, rise=Quantity(rise, 1e-9, ()))


@given(st.lists(st.one_of(st.floats(1e-9, 1e-3), st.just(math.nan)), max_size=30))
def test_agrees_with_numpy(values: list[float]) -> None:
    statistics = Statistics()
    for value in values:
        statistics.add(block(value))
    found, known = statistics.of("rise"), np.array([v for v in values if np.isfinite(v)])
    assert (found.count, found.failed) == (known.size, len(values) - known.size)
    if known.size:
        assert (found.last, found.minimum, found.maximum) == (known[-1], known.min(), known.max())
        assert math.isclose(found.mean, known.mean(), rel_tol=1e-12)
    if known.size > 1:
        assert math.isclose(found.deviation, known.std(ddof=1), rel_tol=1e-6, abs_tol=1e-18)
        assert math.isclose(found.standard_error, found.deviation / math.sqrt(known.size))
    else:
        assert math.isnan(found.deviation)
        assert math.isnan(found.standard_error)


def test_every_quantity_has_its_own_and_all_can_be_forgotten() -> None:
    statistics = Statistics()
    statistics.add(block(2e-6))
    assert statistics.of("rise").count == 1
    assert statistics.of("fall") == Summary(failed=1)
    statistics.clear()
    assert statistics.of("rise").count == 0


def test_blocks_are_held_against_their_own_errors() -> None:
    rng, honest, shy = np.random.default_rng(1), Statistics(), Statistics()
    for value in 1e-6 + 1e-9 * rng.standard_normal(40):
        honest.add(block(value))
        shy.add(replace(NOTHING, rise=Quantity(value, 0.5e-9, ())))
    assert honest.of("rise").agrees is True
    assert shy.of("rise").agrees is False
    assert math.isclose(shy.of("rise").ratio, 2 * honest.of("rise").ratio)
    assert Statistics().of("rise").agrees is None


def test_a_block_without_an_error_spoils_nothing() -> None:
    statistics = Statistics()
    for value, se in ((1.0, 0.1), (2.0, math.nan), (3.0, 0.1)):
        statistics.add(replace(NOTHING, rise=Quantity(value, se, ())))
    assert statistics.of("rise").count == 3
    assert math.isclose(statistics.of("rise").expected, 0.1)
