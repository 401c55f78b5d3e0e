"""Numbers with SI prefixes, in and out."""

import math

from trelscope.sim.si_numbers import PREFIXES
from trelscope.sim.si_numbers import parse_si as parse_si


def format_si(value: float, unit: str, digits: int = 4) -> str:
    """`value` with the prefix that leaves one to three digits before the point: "3.361 us"."""
    if not math.isfinite(value):
        return "–"
    exponent, prefix = prefix_for(float(f"{value:.{digits}g}"))
    return f"{value / 10.0**exponent:.{digits}g} {prefix}{unit}"


def format_with_error(value: float, error: float, unit: str) -> str:
    """`value ± error` in the larger one's prefix, to two digits of the error: "3.3614 ± 0.0012 us"; else in percent."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return format_si(value, unit) if unit else f"{100 * value:.3g} %"
    # Of the larger one: a value that is nothing against its error, or 0, has no size of its own.
    exponent, prefix = prefix_for(max(abs(value), error)) if unit else (-2, "%")
    scaled = error / 10.0**exponent
    places = max(0, 1 - math.floor(math.log10(scaled)))
    shown = round(value / 10.0**exponent, places) + 0.0  # which makes 0 of -0
    return f"{shown:.{places}f} ± {scaled:.{places}f} {prefix}{unit}"


def format_concise(value: float, error: float, unit: str) -> str:
    """`value` with its error in brackets, in units of the last digit: "3.3549(3) us".

    Of an error that begins with 1 there are two digits.
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return format_si(value, unit) if unit else f"{100 * value:.3g} %"
    exponent, prefix = prefix_for(max(abs(value), error)) if unit else (-2, "%")
    return f"{concise(value / 10.0**exponent, error / 10.0**exponent)} {prefix}{unit}"


def concise(value: float, error: float) -> str:
    """A bare number in the form of `format_concise`: "49.0(1)". error: > 0."""
    leading, power = f"{error:.0e}".split("e")
    places = max(0, -int(power) + (leading == "1"))
    shown = round(value, places) + 0.0
    return f"{shown:.{places}f}({error * 10**places:.0f})".replace("-", "\N{MINUS SIGN}")


def prefix_for(value: float) -> tuple[int, str]:
    """Power of ten and its prefix that leave one to three digits before the point: (-6, "µ")."""
    exponent = 0 if value == 0 else math.floor(math.log10(abs(value)) / 3) * 3
    exponent = min(max(exponent, min(PREFIXES.values())), max(PREFIXES.values()))
    return exponent, next(prefix for prefix, power in PREFIXES.items() if power == exponent)
