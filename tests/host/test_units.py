"""Numbers as people type and read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trelscope.host.units import format_si, format_with_error, parse_si


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10k", 10e3),
        ("50u", 50e-6),
        ("50 µs", 50e-6),
        ("3.4us", 3.4e-6),
        ("5 V", 5.0),
        ("-2u", -2e-6),
        ("1e-6", 1e-6),
        (".5M", 0.5e6),
        ("2.25 cd/m²", 2.25),
    ],
)
def test_parses_exactly(text: str, value: float) -> None:
    assert parse_si(text) == value


@pytest.mark.parametrize("text", ["", "k", "ten", "1..2", "10kk5", "0x10", "1 2"])
def test_refuses_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a number: [^\n]*$"):
        parse_si(text)


@given(st.floats(1e-11, 1e9))
def test_what_is_formatted_reads_back(value: float) -> None:
    assert parse_si(format_si(value, "s")) == pytest.approx(value, rel=5.1e-4)


def test_formats_like_a_person() -> None:
    assert format_si(0.9999996, "s") == "1 s"
    assert format_si(999.99e-9, "s") == "1 µs"
    assert format_si(math.nan, "s") == "–"
    assert format_with_error(3.3614e-6, 1.2e-9, "s") == "3.3614 ± 0.0012 µs"
    assert format_with_error(3.3e-6, math.nan, "s") == "3.3 µs"


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.0, 0.72e-6, "0 ± 720 ns"),
        (0.0, 65e-12, "0 ± 65 ps"),
        (-3e-12, 1.2e-9, "0.0 ± 1.2 ns"),
        (-40e-12, 1.2e-9, "0.0 ± 1.2 ns"),
        (-2.5e-9, 1.2e-9, "-2.5 ± 1.2 ns"),
        (0.0, 12e-6, "0 ± 12 µs"),
    ],
)
def test_a_value_below_its_error_takes_the_errors_prefix(
    value: float, error: float, text: str
) -> None:
    assert format_with_error(value, error, "s") == text


def test_a_part_is_formatted_in_percent() -> None:
    assert format_with_error(8.24e-3, 0.16e-3, "") == "0.824 ± 0.016 %"
    assert format_with_error(0.05, math.nan, "") == "5 %"
