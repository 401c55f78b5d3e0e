"""What a preset is made of: parts and quantities from presets.toml, checked, and the plant they make.

A *recipe* names parts (material, geometry, detector), states the area, and may state any quantity of those parts
itself: `{"material": "bmim3", …, "area": {"value": 4.0, "unit": "mm2"}, "x_Nt": {…}}`.
"""

import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar

from trelscope.sim.physics.detector import Detector, DriveMonitor
from trelscope.sim.physics.device import (
    ELEMENTARY_CHARGE,
    Device,
    Extensions,
    Geometry,
    Material,
    Parameters,
)
from trelscope.sim.physics.photon_counter import PhotonCounter
from trelscope.sim.physics.plant import Plant
from trelscope.sim.physics.pulsed_light import PulsedLight
from trelscope.sim.si_numbers import NumberError, parse_plain

TO_SI: Mapping[str, float] = {
    "1": 1.0,
    "%": 1e-2,
    "1/s": 1.0,
    "A/W": 1.0,
    "F/mm2": 1e6,
    "K": 1.0,
    "MHz": 1e6,
    "V": 1.0,
    "cd/m2": 1.0,
    "dB": 1.0,
    "eV": ELEMENTARY_CHARGE,
    "h": 3600.0,
    "kohm": 1e3,
    "lm/W": 1.0,
    "mm2": 1e-6,
    "nA": 1e-9,
    "nm": 1e-9,
    "ns": 1e-9,
    "ohm": 1.0,
    "ohm mm2": 1e-6,
    "uV": 1e-6,
    "us": 1e-6,
}
"""Every unit presets.toml may use, in SI units."""

DETECTOR = "pin"
"""What looks at a device that does not name its detector."""

PARTS_OF_DEVICE = {"material": "materials", "geometry": "geometries", "detector": "detectors"}
PARTS_OF_SAMPLE = {"trpl": "trpl", "detector": "detectors"}
"""What a recipe names, and from which tables: of a driven device, and of a sample that laser pulses excite."""

COUNTING = "dead_time"
"""The quantity that only a detector of photons has."""

SHARED_WITH_SAMPLE = ("tau_drv", "temperature")
"""Those of the device parameters that a sample has too."""

Recipe: TypeAlias = Mapping[str, Any]
_Built = TypeVar("_Built")


class PresetError(ValueError):
    """A preset or override that does not exist or cannot be, in one line for the user."""


class FieldError(ValueError):
    """What is wrong with one `field` of a recipe, "" for all of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@cache
def tables() -> dict[str, Any]:
    """presets.toml."""
    return tomllib.loads(
        files("trelscope.sim.presets").joinpath("presets.toml").read_text(encoding="utf-8")
    )


def parts(recipe: Recipe) -> Mapping[str, str]:
    """What `recipe` names, and the tables that it names it from."""
    return PARTS_OF_SAMPLE if "trpl" in recipe else PARTS_OF_DEVICE


def quantities(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Every quantity that a plant of `recipe` has, by name: its own where it has one, those of its parts otherwise."""
    everyone = tables()["parameters"] | tables()["options"]
    shared = {
        key: entry
        for key, entry in everyone.items()
        if "trpl" not in recipe or key in SHARED_WITH_SAMPLE
    }
    named = (tables()[table][recipe[key]] for key, table in parts(recipe).items())
    found: dict[str, dict[str, Any]] = {}
    for table in (shared, *named, recipe):
        found.update({key: entry for key, entry in table.items() if isinstance(entry, dict)})
    return found


def changed(recipe: Recipe, overrides: Mapping[str, str]) -> Recipe:
    """`recipe` with what `overrides` says in texts: names of parts, quantities in their units. Raises PresetError."""
    names = parts(recipe)
    result = dict(recipe)
    for key in (key for key in names if key in overrides):
        known = tables()[names[key]]
        if overrides[key] not in known:
            raise PresetError(unknown(key, overrides[key], known))
        result[key] = overrides[key]
    having = quantities(result)
    for key, text in overrides.items():
        if key in having:
            unit = having[key]["unit"]
            result[key] = {"value": _checked(key, text, unit), "unit": unit, "origin": "user"}
        elif key not in names:
            raise PresetError(unknown("parameter", key, (*names, *sorted(having))))
    return result


def validated(table: Any) -> Recipe:
    """`table`, as TOML has it, if it is a recipe. Raises FieldError."""
    if not isinstance(table, dict):
        raise FieldError("", f"{table!r} is no table")
    recipe = {"detector": DETECTOR, **table}
    names = parts(recipe)
    for key in (*names, "area"):
        if key not in recipe:
            raise FieldError(key, "is missing")
    for key, where in names.items():
        if not isinstance(recipe[key], str) or recipe[key] not in tables()[where]:
            raise FieldError(key, unknown(key, recipe[key], tables()[where]))
    having = quantities({key: recipe[key] for key in names})
    units = {key: entry["unit"] for key, entry in having.items()} | {"area": "mm2"}
    for key in recipe.keys() - names.keys():
        if key not in units:
            raise FieldError(key, unknown("parameter", key, (*names, *sorted(units))))
        _check_entry(key, recipe[key], units[key])
    return recipe


def plant(recipe: Recipe) -> Plant:
    """What `recipe` describes."""
    having = quantities(recipe)
    device: Device | PulsedLight
    if "trpl" in recipe:
        device = _build(PulsedLight, having)
    else:
        device = Device(
            parameters=_build(Parameters, having),
            material=_build(Material, having, name=recipe["material"]),
            geometry=_build(Geometry, having, name=recipe["geometry"]),
            options=_build(Extensions, having),
            area=_si(having["area"]),
        )
    return Plant(device, _detector(having), monitor())


def detector(name: str) -> Detector | PhotonCounter:
    """The detector of that name, as it comes with trelscope. Raises PresetError."""
    known = tables()["detectors"]
    if name not in known:
        raise PresetError(unknown("detector", name, known))
    everyone = tables()["parameters"] | tables()["options"]
    return _detector({key: everyone[key] for key in SHARED_WITH_SAMPLE} | known[name])


def monitor() -> DriveMonitor:
    """The monitor of the drive voltage that every plant has."""
    return _build(DriveMonitor, tables()["monitor"])


def _detector(having: Mapping[str, Any]) -> Detector | PhotonCounter:
    kind: type[Detector | PhotonCounter] = PhotonCounter if COUNTING in having else Detector
    return _build(kind, having)


def unknown(what: str, name: object, known: Collection[str]) -> str:
    """The line about a name that is none of those `known`."""
    return f"unknown {what} {name!r}; known: {', '.join(known) or 'none'}"


def _check_entry(key: str, entry: object, unit: str) -> None:
    if not isinstance(entry, dict) or not {"value", "unit"} <= entry.keys():
        raise FieldError(key, f'write {{ value = …, unit = "{unit}" }}')
    for word, text in entry.items():
        if word != "value" and (
            word not in ("unit", "origin", "note") or not isinstance(text, str)
        ):
            raise FieldError(f"{key}.{word}", "only value, and the texts unit, origin and note")
    if entry["unit"] != unit:
        raise FieldError(key, f"unit {entry['unit']!r} must be {unit!r}")
    try:
        _checked(key, entry["value"], unit)
    except PresetError as error:
        raise FieldError(key, str(error)) from None


def _checked(key: str, given: object, unit: str) -> float:
    """`given`, a text or a number, if it is one that quantity `key` may have. Raises PresetError."""
    low, high = tables()["allowed"][key]
    try:
        if isinstance(given, str):
            value = parse_plain(given, "" if unit == "1" else unit)
        else:
            value = float(given) if isinstance(given, int | float) else math.nan
    except (NumberError, OverflowError):
        value = math.nan
    if isinstance(given, bool) or not low <= value <= high:
        of = "" if unit == "1" else f" of {unit}"
        raise PresetError(
            f"{key} {given!r} is not possible: give a number{of} from {low:g} to {high:g}"
        )
    return value


def _build(kind: type[_Built], having: Mapping[str, Any], **given: str) -> _Built:
    """`kind` from the quantities it has, in SI units."""
    names = [field.name for field in fields(kind) if field.name in having]  # type: ignore[arg-type]
    return kind(**{name: _si(having[name]) for name in names}, **given)


def _si(entry: Mapping[str, Any]) -> float:
    return float(entry["value"]) * TO_SI[entry["unit"]]
