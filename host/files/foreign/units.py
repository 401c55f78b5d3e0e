"""Units as instruments write them, and names that have one with them."""

import re

PREFIXES = {
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "µ": -6,
    "μ": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
}
_LONG = {
    "femto": "f",
    "pico": "p",
    "nano": "n",
    "micro": "u",
    "milli": "m",
    "kilo": "k",
    "mega": "M",
}
_BASES = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "V": ("v", "volt", "volts"),
    "A": ("a", "amp", "amps", "ampere", "amperes"),
    "W": ("w", "watt", "watts"),
    "Hz": ("hz", "hertz"),
    "Ohm": ("ohm", "ohms", "ω"),
    "counts": ("counts", "count", "cts", "cnt", "cnts", "events", "photons"),
    "counts/s": ("cps", "hz(counts)"),
    "a.u.": ("a.u.", "au", "arb", "arb. units", "arbitrary units"),
}
_SPELLED = {spelling: base for base, spellings in _BASES.items() for spelling in spellings}
_PLAIN = ("counts", "counts/s", "a.u.")  # which take no prefix

_WITH_NAME = (
    re.compile(r"(?P<name>.*?)\s*[(\[{](?P<unit>[^()\[\]{}]+)[)\]}]\s*"),  # CH1 (mV)
    re.compile(r"(?P<name>.+?)\s*/\s*(?P<unit>[^\s/]+)"),  # U/mV
    re.compile(r"(?P<name>.*?)\s*\bin\s+(?P<unit>\S+)"),  # CH1 in V
    re.compile(r"(?P<name>.+?)[\s_,:]+(?P<unit>\S+)"),  # t_ns
    re.compile(r"(?P<name>CH(?:AN)?\d+)(?P<unit>[VAW])", re.IGNORECASE),  # CH1V
)


def parse_unit(text: str) -> tuple[float, str] | None:
    """Factor and unit without a prefix: (1e-3, "V") of "mV", "(mV)", "millivolt"; None of what is no unit."""
    text = text.strip().strip("()[]{}\"'").strip()
    short = _SPELLED.get(text.lower())
    if short and (len(text) > 1 or text in ("s", "V", "A", "W", "v")):
        return 1.0, short
    for word, prefix in _LONG.items():
        if text.lower().startswith(word):
            base = _SPELLED.get(text.lower().removeprefix(word))
            if base and base not in _PLAIN:
                return float(f"1e{PREFIXES[prefix]}"), base
    if text[:1] in PREFIXES:
        base = _SPELLED.get(text[1:].lower())
        if base and base not in _PLAIN and (len(text) > 2 or text[1:] in "sVAW"):
            return float(f"1e{PREFIXES[text[:1]]}"), base
    return None


def split_name(text: str) -> tuple[str, str]:
    """A heading as its name and its unit, as written, "" where it has none."""
    text = text.strip().strip("\"'").strip()
    for pattern in _WITH_NAME:
        found = pattern.fullmatch(text)
        if found and parse_unit(found["unit"]):
            return found["name"].strip(), found["unit"].strip()
    return text, ""


_QUANTITY = re.compile(r"(?:[A-Za-z ]+:)?\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([^\d\s].*)?")


def parse_quantity(text: str) -> tuple[float, str] | None:
    """A number and the unit after it, as written: (2.0, "ns") of "2 ns", (2e-9, "") of "Analog:2e-9"."""
    found = _QUANTITY.fullmatch(text.strip())
    if not found:
        return None
    try:
        return float(found[1]), (found[2] or "").strip()
    except ValueError:
        return None
