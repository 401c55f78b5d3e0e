"""Numbers as people type and read them."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trelscope.host.units import format_concise, format_si, format_with_error, parse_si
from trelscope.sim.si_numbers import NumberError, parse_plain

UNITS = st.sampled_from(["", "s", "V", "Hz"])


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("10k", "", 10e3),
        ("4K", "", 4000.0),
        ("50u", "s", 50e-6),
        ("50 \N{MICRO SIGN}s", "s", 50e-6),
        ("8\N{GREEK SMALL LETTER MU}s", "s", 8e-6),
        ("\N{MINUS SIGN}2u", "s", -2e-6),
        ("1e\N{MINUS SIGN}6", "s", 1e-6),
        ("3.4us", "s", 3.4e-6),
        (" 5 V ", "V", 5.0),
        ("5\N{NO-BREAK SPACE}V", "V", 5.0),
        ("12 kHz", "Hz", 12e3),
        ("-2u", "s", -2e-6),
        ("+1e-6", "s", 1e-6),
        (".5M", "", 0.5e6),
        ("1T", "", 1e12),
        ("1.001k", "", 1001.0),
        ("300K", "K", 300.0),
        ("0.00", "s", 0.0),
    ],
)
def test_parses_exactly(text: str, unit: str, value: float) -> None:
    assert parse_si(text, unit) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k",
        "ten",
        "1..2",
        "10kk5",
        "0x10",
        "1 2",
        "2 dozens",
        "1_0",
        "1P",
        "5Hz",
        "50u s",
        "5 s",
        "1e",
        "5kV s",
        "nan",
        "inf",
        "1e400",
        "1e-400",
        "1e300T",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "\N{SUPERSCRIPT TWO}",
        "--1",
        "1" * 65,
        "5\n6",
        "1e" + "9" * 60,
    ],
)
@pytest.mark.parametrize("unit", ["", "V"])
def test_refuses_in_one_line(text: str, unit: str) -> None:
    with pytest.raises(NumberError, match=r"^not a number[^\n]*$"):
        parse_si(text, unit)


def test_another_unit_is_named() -> None:
    with pytest.raises(NumberError, match="not a number in V: '5Hz'"):
        parse_si("5Hz", "V")


@pytest.mark.parametrize(
    ("text", "unit", "says"), [("6,5", "V", "6.5"), ("-2,5 us", "s", "-2.5 us")]
)
def test_a_decimal_comma_is_refused_in_words(text: str, unit: str, says: str) -> None:
    with pytest.raises(NumberError, match=f"write a decimal point: {says}"):
        parse_si(text, unit)


def test_a_plain_number_has_its_unit_or_none() -> None:
    assert parse_plain("2.5", "mm2") == parse_plain("2.5 mm2", "mm2") == 2.5
    for text in ("2.5m", "2.5 mm", "2k", "1_0"):
        with pytest.raises(NumberError):
            parse_plain(text, "mm2")


@given(st.floats(1e-15, 1e15), UNITS, st.booleans())
def test_what_is_formatted_reads_back(value: float, unit: str, negative: bool) -> None:
    value = -value if negative else value
    assert parse_si(format_si(value, unit), unit) == pytest.approx(value, rel=5.1e-4)
    assert parse_si(format_si(value, unit, 17), unit) == pytest.approx(value, rel=1e-15)


@given(
    st.decimals("-1e9", "1e9", allow_nan=False, places=3),
    st.sampled_from(
        [
            "p",
            "n",
            "u",
            "\N{MICRO SIGN}",
            "\N{GREEK SMALL LETTER MU}",
            "m",
            "",
            "k",
            "K",
            "M",
            "G",
            "T",
        ]
    ),
    UNITS,
    st.sampled_from(["", " "]),
)
def test_reads_the_nearest_float(number: Decimal, prefix: str, unit: str, space: str) -> None:
    powers = {"p": -12, "n": -9, "m": -3, "": 0, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12}
    wanted = float(number.scaleb(powers.get(prefix, -6)))
    assert parse_si(f"{number:f}{space}{prefix}{unit}", unit) == wanted
    assert parse_si(f"{number:f}{prefix}".replace("-", "\N{MINUS SIGN}"), unit) == wanted


@given(
    st.text("0123456789.,eE+-_ kKmuVHzs\u2212\u03bc\u00b5", max_size=12) | st.text(max_size=8),
    UNITS,
)
def test_no_text_is_silently_misread(text: str, unit: str) -> None:
    """What is read is what Decimal, which is strict in other ways, reads of the digits in it."""
    try:
        value = parse_si(text, unit)
    except NumberError:
        return
    plain = text.strip().replace("\u2212", "-").removesuffix(unit).strip()
    powers = {
        "p": -12,
        "n": -9,
        "u": -6,
        "\u00b5": -6,
        "\u03bc": -6,
        "m": -3,
        "k": 3,
        "K": 3,
        "M": 6,
        "G": 9,
        "T": 12,
    }
    power = powers.get(plain[-1], 0)
    digits = plain[:-1] if power else plain
    assert "_" not in text
    assert value == float(Decimal(digits.strip()).scaleb(power))


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


@pytest.mark.parametrize(
    ("value", "error", "unit", "text"),
    [
        (3.3549e-6, 0.3e-9, "s", "3.3549(3) µs"),
        (3.3549e-6, 1.2e-9, "s", "3.3549(12) µs"),
        (3.3549e-6, 0.96e-9, "s", "3.3549(10) µs"),
        (214e-9, 18e-9, "s", "214(18) ns"),
        (214e-9, 28e-9, "s", "214(28) ns"),
        (-2e-9, 0.5e-9, "s", "−2.0(5) ns"),
        (0.0742, 0.0012, "", "7.42(12) %"),
        (2e-9, math.nan, "s", "2 ns"),
        (math.nan, math.nan, "s", "–"),
    ],
)
def test_the_error_in_brackets(value: float, error: float, unit: str, text: str) -> None:
    assert format_concise(value, error, unit) == text
