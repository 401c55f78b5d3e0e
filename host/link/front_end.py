"""The front end of an instrument that cannot tell: what its URL says, that of docs/hardware.md otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from trelscope.host.calibration.frontend import RANGES, FrontEnd
from trelscope.host.calibration.level import NOMINAL, Level
from trelscope.host.link import LinkError
from trelscope.host.units import parse_si
from trelscope.sim.presets import recipe
from trelscope.sim.presets.recipe import PresetError

DETECTOR = "detector"
DESCRIBED = "pin"
"""The detector that docs/hardware.md describes; its scales and those of the others are in sim/presets/presets.toml."""


def assumed_front_end(
    options: Mapping[str, str], level: Level = NOMINAL, adc_delay: float | None = None
) -> FrontEnd:
    """`detector` names one of sim/presets/presets.toml; every value of `RANGES` can be given instead, in SI units.

    level, adc_delay: the drive level's and the ADC's calibration, where one is kept.

    Raises LinkError.
    """
    try:
        detector = recipe.detector(options.get(DETECTOR, DESCRIBED))
    except PresetError as error:
        raise LinkError(str(error)) from None
    usual = FrontEnd.of(detector, recipe.monitor())
    values = replace(usual, level=level, adc_delay=adc_delay).as_dict()
    for key, text in options.items():
        if key == DETECTOR:
            continue
        if key not in RANGES:
            raise LinkError(f"unknown parameter {key!r}; known: {', '.join((DETECTOR, *RANGES))}")
        try:
            values[key] = parse_si(text, RANGES[key][2])
        except ValueError as error:
            raise LinkError(f"{key}: {error}") from None
    try:
        return FrontEnd.from_dict(values)
    except ValueError as error:
        raise LinkError(str(error)) from None


def query_for(front_end: FrontEnd) -> str:
    """What a URL must say so that `front_end` is assumed; empty if that is so anyway."""
    usual = assumed_front_end({}).as_dict()
    return urlencode(
        {k: repr(v) for k, v in front_end.as_dict().items() if v != usual.get(k)}, quote_via=quote
    )
