"""What metadata say of the time axis and of units, by the names that instruments have for it."""

import re
from collections.abc import Mapping

from trelscope.host.files.foreign.units import parse_quantity, parse_unit, split_name


def _words(text: str) -> set[str]:
    return set(text.split())


_INCREMENT = _words(
    """
    binwidth channelwidth deltat dt horizontalinterval hresolution increment nsch nschannel
    resolution sampleinterval sampleperiod samplinginterval samplingperiod step timebin
    timecalibration timecalibrationfactor timechannel timeperbin timeperchannel timeperpoint
    timeresolution timestep tinc xinc xincr xincrement
    """
)
_RATE = _words(
    """
    samplefrequency samplerate samplespersecond samplingfrequency samplingrate
    """
)
_START = _words(
    """
    firstpoint hoffset start starttime t0 timeoffset x0 xorigin xstart xzero
    """
)
_TIME_UNIT = _words(
    """
    horizontalunit horizontalunits hunit timeunit xaxis xlabel xunit xunits
    """
)
_VALUE_UNIT = _words(
    """
    units verticalunit verticalunits vunit yaxis ylabel yunit yunitlabel yunits
    """
)
_LETTERS = re.compile(r"[^a-z0-9]")
_RATES = {"sa/s": 1.0, "s/s": 1.0, "hz": 1.0}
_RATE_PREFIX = {"k": 1e3, "m": 1e6, "g": 1e9}


def increment(metadata: Mapping[str, str]) -> tuple[float, str] | None:
    """Time from one sample to the next, and its unit as written, "" where there is none."""
    found = _quantity(metadata, _INCREMENT)
    if found and found[0] > 0:
        return found
    rate = _quantity(metadata, _RATE)
    if rate and rate[0] > 0:
        unit = rate[1].lower()
        factor = _RATE_PREFIX.get(unit[:1], 1.0) if unit not in _RATES else 1.0
        return 1 / (rate[0] * factor), "s"
    return None


def start(metadata: Mapping[str, str]) -> tuple[float, str] | None:
    """Time of the first sample, and its unit as written."""
    return _quantity(metadata, _START)


def time_unit(metadata: Mapping[str, str]) -> str:
    """The unit of the time axis as written, or ""."""
    return _unit(metadata, _TIME_UNIT)


def value_units(metadata: Mapping[str, str], channels: int) -> list[str]:
    """The units of so many channels as written, "" where there is none: one for each, or one for all."""
    for key, value in metadata.items():
        said = [part.rpartition(":")[2].strip() for part in value.split(",")]
        if _plain(key) in _VALUE_UNIT and len(said) == channels and all(map(parse_unit, said)):
            return said
    return [_unit(metadata, _VALUE_UNIT)] * channels


def _plain(key: str) -> str:
    return _LETTERS.sub("", key.lower())


def _quantity(metadata: Mapping[str, str], names: set[str]) -> tuple[float, str] | None:
    for key, value in metadata.items():
        name, unit = split_name(key)
        if _plain(name) in names or _plain(key) in names:
            found = parse_quantity(value.split(", ")[0])
            if found:
                written = (
                    found[1].split("/")[0].strip()
                    if parse_unit(found[1].split("/")[0])
                    else found[1]
                )
                before = key.partition("/")[0]  # of ns/channel
                return found[0], written or unit or (before if parse_unit(before) else "")
    return None


def _unit(metadata: Mapping[str, str], names: set[str]) -> str:
    for key, value in metadata.items():
        if _plain(key) in names:
            for said in (value.rpartition(":")[2].split(",")[0], split_name(value)[1]):
                if parse_unit(said):
                    return said.strip()
    return ""
