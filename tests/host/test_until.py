"""Pulses until a quantity is as precise as it is wanted."""

import json
import math
from types import SimpleNamespace
from typing import Any

import pytest

from trelscope.host.acquisition.precision import Precision
from trelscope.host.acquisition.until import Until
from trelscope.host.cli import main
from trelscope.host.measure.quantities import Quantity


@pytest.mark.parametrize(
    ("text", "error", "relative", "words"),
    [("0.1%", 1e-3, True, "0.1 %"), ("1n", 1e-9, False, "1 ns"), ("2 ns", 2e-9, False, "2 ns")],
)
def test_what_can_be_asked(text: str, error: float, relative: bool, words: str) -> None:
    precision = Precision.parse(text)
    assert precision == Precision(pytest.approx(error), relative)
    assert str(precision) == words


@pytest.mark.parametrize("text", ["", "0", "-1n", "0%", "much", "1%n", "nan"])
def test_what_cannot(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|neither"):
        Precision.parse(text)


def test_pulses_grow_as_the_square() -> None:
    quantity = Quantity(1e-6, 10e-9, ())
    assert Precision(5e-9, False).growth(quantity) == pytest.approx(4)
    assert Precision(0.02, True).growth(quantity) == pytest.approx(0.25)
    assert math.isnan(Precision(1e-9, False).growth(Quantity(math.nan, math.nan, ())))


@pytest.mark.parametrize(("se", "enough"), [(0.9e-9, True), (1.1e-9, False), (math.nan, False)])
def test_the_last_pulses_may_be_what_was_missing(se: float, enough: bool) -> None:
    quantities = {"response": Quantity(1e-6, se, ())}
    result: Any = SimpleNamespace(measurements=SimpleNamespace(quantities=lambda: quantities))
    assert Until(Precision(1e-9, False), "response").satisfied(result) is enough


def run(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict, str]:
    code = main(["capture", "emulator:hr-1mm2", "--flat-out", "--json", *options])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


def test_a_capture_ends_when_it_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    code, loose, _ = run(capsys, "--until", "0.2%")
    assert code == 0
    assert loose["incomplete"] is None
    response = loose["measurements"]["response"]
    assert response["se"] <= 0.0021 * response["value"]
    code, tight, _ = run(capsys, "--until", "0.3n", "--quantity", "onset")
    assert code == 0
    assert tight["measurements"]["onset"]["se"] <= 0.31e-9
    assert tight["accounting"]["pulses_lost"] == 0


def test_the_most_pulses_may_not_be_enough(capsys: pytest.CaptureFixture[str]) -> None:
    code, about, err = run(capsys, "--until", "1p", "--pulses", "512")
    assert code == 1
    assert about["accounting"]["pulses_averaged"] == 512
    assert "response is not known to 1 ps after 512 pulses" in err


def test_a_quantity_that_is_no_time_knows_only_parts(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--until", "1n", "--quantity", "overshoot")
    assert code == 2
    assert (
        err == "trelscope: overshoot is no time: give --until a part of it, such as 1%, not 1 ns\n"
    )
