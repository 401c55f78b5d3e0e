"""The front end of an instrument that cannot tell: what its URL says, the presets' detector otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.calibration.level import Level
from trelscope.host.link import LinkError
from trelscope.host.units import parse_si
from trelscope.sim.presets.presets import PresetError, device_names, load_plant

DETECTOR = "detector"
NOMINAL = Level()


def assumed_front_end(options: Mapping[str, str], level: Level = NOMINAL) -> FrontEnd:
    """`detector` names one of sim/presets/presets.toml; every value of `FrontEnd` can be given instead, in SI units.

    level: the drive level's calibration, where one is kept.

    Raises LinkError.
    """
    chosen = {key: value for key, value in options.items() if key == DETECTOR}
    try:
        plant = load_plant(device_names()[0], chosen)  # all devices are looked at by the same ones
    except PresetError as error:
        raise LinkError(str(error)) from None
    front_end = FrontEnd.of(plant.detector, plant.monitor)
    front_end = replace(front_end, level_gain=level.gain, level_offset=level.offset)
    known = front_end.as_dict()
    for key, text in options.items():
        if key == DETECTOR:
            continue
        if key not in known:
            raise LinkError(f"unknown parameter {key!r}; known: {', '.join((DETECTOR, *known))}")
        try:
            front_end = replace(front_end, **{key: parse_si(text)})
        except ValueError as error:
            raise LinkError(f"{key}: {error}") from None
    return front_end


def query_for(front_end: FrontEnd) -> str:
    """What a URL must say so that `front_end` is assumed; empty if that is so anyway."""
    usual = assumed_front_end({}).as_dict()
    return urlencode({k: repr(v) for k, v in front_end.as_dict().items() if v != usual[k]})
