"""Numbers with SI prefixes, in and out."""

import math
import re

_PREFIXES = {"p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
_NUMBER = re.compile(
    r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([pnuµmkMG]?)\s*[A-Za-z²/]*\s*"
)


def parse_si(text: str) -> float:
    """The number that `text` says: "10k", "50u", "3.3", "50 us", "1e-6". Raises ValueError in one line."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a number: {text!r} (write e.g. 10k, 50u, 3.3)")
    # Through the decimal exponent: "3.4u" is the float nearest to 3.4e-6.
    mantissa, prefix = match.groups()
    number = float(mantissa)
    exponent = _PREFIXES[prefix]
    return number / 10.0**-exponent if exponent < 0 else number * 10.0**exponent


def format_si(value: float, unit: str, digits: int = 4) -> str:
    """`value` with the prefix that leaves one to three digits before the point: "3.361 us"."""
    if not math.isfinite(value):
        return "–"
    exponent, prefix = prefix_for(float(f"{value:.{digits}g}"))
    return f"{value / 10.0**exponent:.{digits}g} {prefix}{unit}"


def format_with_error(value: float, error: float, unit: str) -> str:
    """`value ± error` in the larger one's prefix, to two digits of the error: "3.3614 ± 0.0012 us".

    Without unit in percent.
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return format_si(value, unit) if unit else f"{100 * value:.3g} %"
    # Of the larger one: a value that is nothing against its error, or 0, has no size of its own.
    exponent, prefix = prefix_for(max(abs(value), error)) if unit else (-2, "%")
    scaled = error / 10.0**exponent
    places = max(0, 1 - math.floor(math.log10(scaled)))
    shown = round(value / 10.0**exponent, places) + 0.0  # which makes 0 of -0
    return f"{shown:.{places}f} ± {scaled:.{places}f} {prefix}{unit}"


def prefix_for(value: float) -> tuple[int, str]:
    """Power of ten and its prefix that leave one to three digits before the point: (-6, "µ")."""
    exponent = 0 if value == 0 else math.floor(math.log10(abs(value)) / 3) * 3
    exponent = min(max(exponent, -12), 9)
    return exponent, next(p for p, e in _PREFIXES.items() if e == exponent and p != "u")
