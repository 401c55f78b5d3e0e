"""Families of pulse shapes: areas and derivatives against numerical ones, and that fits find them again."""

import numpy as np
import pytest

from trelscope.host.measure.shape_fit import Cells, fit_families, levenberg_marquardt
from trelscope.host.measure.shapes import (
    Cascade,
    Logistic,
    SecondOrder,
    Shape,
    Stretched,
    exponentials,
    squared_fall,
    squared_rise,
)

T = np.linspace(-2, 25, 2701) + 1e-4  # no hinge on the grid
MEMBERS: list[tuple[Shape, list[float]]] = [
    (exponentials(1), [0.3, 0.2]),
    (exponentials(3), [0.3, -1, 0.5, 1.5, 0.3, 0.5]),
    (exponentials(2, 0.2), [0.3, -1, 0.5, 0.3]),
    (squared_rise(1), [0.3, 0.2]),
    (squared_rise(2), [0.3, 1.5, 0.3]),
    (squared_rise(4, 0.5), [0.3, 1.5, 0.7, 0.5, -0.5, 0.3, 0.2]),
    (squared_fall(1, 0.1), [0.3, 0.1]),
    (squared_fall(3), [0.3, 0.9, 0.5, 0.1, 0.3]),
    (Stretched(), [0.3, 0.2, -0.4]),
    (Cascade(), [0.3, 0.9, 0.8]),
    (SecondOrder(), [0.3, 0.7, -0.5]),
    (Logistic(), [5, -0.3]),
]
IDS = [f"{shape.name}-{len(p)}" for shape, p in MEMBERS]


@pytest.mark.parametrize(("shape", "values"), MEMBERS, ids=IDS)
def test_area_is_the_integral_and_slopes_are_its_derivatives(
    shape: Shape, values: list[float]
) -> None:
    p, h = np.array(values, float), 1e-5
    t = T[np.abs(T - p[0]) > 0.02]  # a stretched exponential begins with any slope
    slope = (shape.area(t + h, p) - shape.area(t - h, p)) / (2 * h)
    assert slope == pytest.approx(shape.value(t, p), abs=1e-7)
    assert shape.area(T[:1] - 50, p) == pytest.approx(0, abs=1e-12)
    for k, row in enumerate(shape.slopes(t, p)):
        step = np.zeros(p.size)
        step[k] = h
        numeric = (shape.area(t, p + step) - shape.area(t, p - step)) / (2 * h)
        assert row == pytest.approx(numeric, abs=2e-6)


@pytest.mark.parametrize(("shape", "values"), MEMBERS, ids=IDS)
def test_from_zero_to_one(shape: Shape, values: list[float]) -> None:
    p = np.array(values, float)
    assert shape.value(np.array([-60.0, 500.0]), p) == pytest.approx([0, 1], abs=1e-6)


@pytest.mark.parametrize("pole", [0.0, 1.0])
def test_equal_time_constants_are_no_division_by_zero(pole: float) -> None:
    same, near = np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.001])
    shape = squared_rise(2, pole)
    assert shape.value(T, same) == pytest.approx(shape.value(T, near), abs=1e-3)
    assert exponentials(1, 1.0).value(T, np.zeros(2)) == pytest.approx(
        np.where(T > 0, 1 - (1 + T) * np.exp(-T), 0), abs=1e-3
    )


def cells_of(shape: Shape, p: np.ndarray, sigma: float, seed: int = 1) -> Cells:
    """2000 bins of unit width, the drive edge at 100."""
    edges = np.arange(2001) - 0.5
    y = 3 + 2 * np.diff(shape.area(edges - 99.5, p))
    y += sigma * np.random.default_rng(seed).standard_normal(2000)
    parts = [slice(0, 100), slice(100, 2000)]
    return Cells.of(y, np.full(2000, sigma**2), parts, 99.5, 130, 400)


def test_cells_lose_nothing_and_are_fine_where_it_matters() -> None:
    cells = cells_of(exponentials(1), np.array([20, np.log(150)]), 0.1)
    width = cells.edges[cells.last] - cells.edges[cells.first]
    assert width.sum() == 2000
    assert cells.weight == pytest.approx(np.sqrt(width) / 0.1)
    middle = (cells.edges[cells.last] + cells.edges[cells.first]) / 2
    assert width[(middle > 125) & (middle < 135)].max() < 8
    assert width[middle > 1000].max() > 20
    assert cells.y.size < 250


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_finds_what_was_there(seed: int) -> None:
    p = np.array([20, np.log(150), np.log(20), 0.8])
    cells = cells_of(exponentials(2), p, 0.01, seed)
    shape = exponentials(2)
    start = np.array([110, np.log(300), np.log(50), 0.5])
    best = levenberg_marquardt(cells, shape, start, 270)
    assert best is not None
    assert best.holds
    for u in (110.0, 125.0, 160.0, 300.0, 900.0):  # parameters may be swapped, the curve not
        truth = 3 + 2 * shape.value(np.array([u - 100]) + 0.5, p)[0]
        se = np.sqrt(best.gradient(u) @ best.covariance @ best.gradient(u))
        assert abs(best.value(np.array([u]))[0] - truth) < 5 * se
        assert se < 0.01


def test_the_family_that_was_there_holds_and_others_do_not() -> None:
    p = np.array([20, np.log(120), -0.6])
    found = fit_families(cells_of(Stretched(), p, 0.003), 125, 560, rising=True)
    assert found[0].shape.name == "stretched exponential"
    assert found[0].holds
    names = {fit.shape.name for fit in found if fit.holds}
    assert "exponential" not in names
    assert "logistic" not in names
