"""Numbers with units, as people write them. The only parser of them: for presets, URLs, command line and window."""

import math
import re
from collections.abc import Mapping

PREFIXES = {
    "p": -12,
    "n": -9,
    "µ": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
}
"""Powers of ten of the SI prefixes, by the sign that they are written with here."""

_ALSO_WRITTEN = {"u": "µ", "\N{GREEK SMALL LETTER MU}": "µ", "K": "k"}
_NUMBER = re.compile(r"([-+\u2212]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([-+\u2212]?[0-9]+))?\s*(.*)")
_COMMA = re.compile(r"[-+\u2212]?[0-9]+,[0-9]+\D*")
_LONGEST = 64  # characters: a text that is longer is no number that anybody has typed


class NumberError(ValueError):
    """A text is not the number that is wanted; the message says why in one line."""


def parse_si(text: str, unit: str = "") -> float:
    """The number that `text` says, in `unit`: "10k", "50u", "3.3", and with unit "s" also "50 us". Raises NumberError.

    The unit may be left out, but no other may be there. K means kilo, both signs of micro and the minus sign are known.
    The decimal sign is a point.
    """
    powers = PREFIXES | {written: PREFIXES[sign] for written, sign in _ALSO_WRITTEN.items()}
    with_unit = {sign + unit: power for sign, power in powers.items()}
    return _parse(text, powers | with_unit, unit)  # a unit that is itself a prefix is the unit


def parse_plain(text: str, unit: str = "") -> float:
    """The number that `text` says, in `unit`, which may be left out; no prefix. Raises NumberError."""
    return _parse(text, {"": 0, unit: 0}, unit)


def _parse(text: str, tails: Mapping[str, int], unit: str) -> float:
    """tails: what may follow the digits, and the power of ten that it means."""
    match = _NUMBER.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise NumberError(f"not a number: {_shown(text)} ({_advice(text)})")
    sign, digits, exponent, tail = match.groups()
    if tail not in tails:
        if unit:
            raise NumberError(f"not a number in {unit}: {_shown(text)} ({_advice(text)})")
        raise NumberError(f"not a number: {_shown(text)} ({_advice(text)})")
    # Through the decimal exponent: "3.4u" is the float nearest to 3.4e-6.
    power = int((exponent or "0").replace("\u2212", "-")) + tails[tail]
    value = float(f"{digits}e{power}")
    if not math.isfinite(value) or (value == 0 and digits.strip("0.")):
        raise NumberError(f"not a number that can be computed with: {_shown(text)}")
    return value if sign in ("", "+") else -value


def _advice(text: str) -> str:
    if _COMMA.fullmatch(text.strip()):
        return f"write a decimal point: {text.strip().replace(',', '.')}"
    return "write e.g. 10k, 50u, 3.3"


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}…"
