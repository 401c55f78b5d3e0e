"""ExpSum against direct evaluation and numerical integration."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trelscope.sim.physics.expsum import RESONANCE, ExpSum

TAU = 0.5
TIMES = np.array([0.0, 1e-3, 0.03, 0.2, 0.7, 2.0, 6.0])

values = st.floats(-5.0, 5.0, allow_subnormal=False)
ordinary_rates = st.floats(0.05, 80.0)
resonant_rates = st.sampled_from([1.0, 1 + 1e-15, 1 - 1e-12, 1 + 1e-9, 1 - 1e-7, 1 + 1e-5]).map(
    lambda factor: factor / TAU
)


@st.composite
def signals(draw: st.DrawFn, rates: st.SearchStrategy[float] = ordinary_rates) -> ExpSum:
    terms = draw(st.lists(st.tuples(values, rates), max_size=5))
    amps = np.array([amp for amp, _ in terms], dtype=float)
    return ExpSum(draw(values), amps, np.array([rate for _, rate in terms], dtype=float))


def direct(s: ExpSum, t: float) -> float:
    terms = zip(s.amps, s.rates, strict=True)
    return s.const + math.fsum(amp * math.exp(-rate * t) for amp, rate in terms)


@given(signals(), st.floats(0.0, 10.0))
def test_values_at_one_time_and_many(s: ExpSum, t: float) -> None:
    assert s.at(t) == pytest.approx(direct(s, t), abs=1e-12)
    assert s(np.full((2, 3), t)) == pytest.approx(np.full((2, 3), direct(s, t)), abs=1e-12)


@given(signals(), signals(), st.floats(-3.0, 3.0))
def test_sum_scale_and_product(a: ExpSum, b: ExpSum, factor: float) -> None:
    assert (a + b)(TIMES) == pytest.approx(a(TIMES) + b(TIMES), abs=1e-11)
    assert a.scale(factor)(TIMES) == pytest.approx(factor * a(TIMES), abs=1e-11)
    assert (a * b)(TIMES) == pytest.approx(a(TIMES) * b(TIMES), abs=1e-10)


@given(signals(), st.floats(0.0, 3.0))
def test_shifted_moves_the_origin(s: ExpSum, dt: float) -> None:
    assert s.shifted(dt)(TIMES) == pytest.approx(s(TIMES + dt), abs=1e-11)


@settings(max_examples=60)
@given(signals(ordinary_rates | resonant_rates), values, st.floats(0.0, 4.0))
def test_low_pass_is_the_convolution_integral(s: ExpSum, y0: float, t: float) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(16)
    panel = t / 64  # at most five time constants of the fastest rate: 16 nodes are exact to 1e-12
    middles = (np.arange(64) + 0.5) * panel
    u = np.add.outer(middles, 0.5 * panel * nodes)
    driven = 0.5 * panel * float(np.sum(s(u) * np.exp(-(t - u) / TAU) / TAU * weights))
    expected = y0 * math.exp(-t / TAU) + driven
    # A rate moved by RESONANCE costs up to that fraction of its amplitude: five terms of 5.
    assert s.low_pass(TAU, y0).at(t) == pytest.approx(expected, rel=0, abs=25 * RESONANCE)


def test_low_pass_at_resonance() -> None:
    output = ExpSum(0.0, np.array([1.0]), np.array([1.0 / TAU])).low_pass(TAU, 0.0)
    assert output(TIMES) == pytest.approx(TIMES / TAU * np.exp(-TIMES / TAU), abs=RESONANCE)


@given(signals(), values)
def test_low_pass_starts_where_it_is_told_and_settles_on_the_constant(s: ExpSum, y0: float) -> None:
    output = s.low_pass(TAU, y0)
    assert output.at(0.0) == pytest.approx(y0, abs=1e-6)
    assert output.at(math.inf) == s.const


def test_pruned_merges_equal_rates_and_drops_small_terms() -> None:
    rates = np.array([7.0, 2.0, 7.0, 3.0, 5.0, 5.0])
    s = ExpSum(1.0, np.array([0.25, 1.0, 0.5, 0.009, 4.0, -4.0]), rates).pruned(0.01)
    assert s.const == 1.0
    assert s.rates.tolist() == [2.0, 7.0]
    assert s.amps.tolist() == [1.0, 0.75]


@given(signals(), st.floats(0.0, 1.0))
def test_pruning_changes_less_than_the_tolerance_per_term(s: ExpSum, tolerance: float) -> None:
    bound = tolerance * s.amps.size + 1e-11
    assert np.max(np.abs(s.pruned(tolerance)(TIMES) - s(TIMES))) <= bound


def test_square_of_five_terms_prunes_to_twenty() -> None:
    s = ExpSum(1.0, np.ones(5), np.array([1.0, 2.1, 4.3, 8.7, 16.9]))
    assert (s * s).pruned(1e-10).rates.size == 5 + 15
