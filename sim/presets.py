"""Named devices and detectors from presets.toml, and the overrides a source URL may give them."""

import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from sim.detector import Detector, DriveMonitor
from sim.device import ELEMENTARY_CHARGE, Device, Geometry, Material, Parameters
from sim.plant import Plant

MIN_AREA_MM2 = 1e-6
MAX_AREA_MM2 = 1e4
"""From one 1 um pixel to a 10 cm panel; far outside, the model's time constants mean nothing."""

TO_SI: Mapping[str, float] = {
    "1": 1.0,
    "%": 1e-2,
    "A/W": 1.0,
    "F/mm2": 1e6,
    "K": 1.0,
    "MHz": 1e6,
    "V": 1.0,
    "cd/m2": 1.0,
    "dB": 1.0,
    "eV": ELEMENTARY_CHARGE,
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


_Built = TypeVar("_Built")


class PresetError(ValueError):
    """A preset or override that does not exist or cannot be, in one line for the user."""


def device_names() -> tuple[str, ...]:
    """The presets that `load_plant` knows."""
    return tuple(_tables()["devices"])


def describe(name: str) -> str:
    """One line about a preset, for people: what it is made of and how large it is."""
    tables = _tables()
    device = _find(tables["devices"], "device", name)
    material = tables["materials"][device["material"]]["label"]
    geometry = tables["geometries"][device["geometry"]]["label"]
    return f"{material}, {geometry}, {device['area_mm2']['value']:g} mm²"


def load_plant(name: str, overrides: Mapping[str, str] | None = None) -> Plant:
    """The preset `name` with the default detector, changed by `overrides`.

    Keys of `overrides`: material, geometry, detector (names from presets.toml) and area (mm2).
    """
    tables = _tables()
    device = _find(tables["devices"], "device", name)
    chosen = {"material": device["material"], "geometry": device["geometry"], "detector": "pin"}
    area = _si(device["area_mm2"])
    known = (*chosen, "area")
    for key, value in (overrides or {}).items():
        if key not in known:
            raise PresetError(_unknown("parameter", key, known))
        if key == "area":
            area = _parse_area_mm2(value) * TO_SI["mm2"]
        else:
            chosen[key] = value
    material = _find(tables["materials"], "material", chosen["material"])
    geometry = _find(tables["geometries"], "geometry", chosen["geometry"])
    detector = _find(tables["detectors"], "detector", chosen["detector"])
    return Plant(
        Device(
            parameters=_build(Parameters, tables["parameters"]),
            material=_build(Material, material, name=chosen["material"]),
            geometry=_build(Geometry, geometry, name=chosen["geometry"]),
            area=area,
        ),
        _build(Detector, detector),
        _build(DriveMonitor, tables["monitor"]),
    )


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("sim").joinpath("presets.toml").read_text(encoding="utf-8"))


def _si(entry: Mapping[str, Any]) -> float:
    return float(entry["value"]) * TO_SI[entry["unit"]]


def _build(kind: Callable[..., _Built], table: Mapping[str, Any], **given: str) -> _Built:
    """`kind` from the quantities of `table`, in SI units; its plain strings are for people."""
    quantities = {key: _si(entry) for key, entry in table.items() if isinstance(entry, dict)}
    return kind(**quantities, **given)


def _find(table: Mapping[str, Any], what: str, name: str) -> Any:
    if name not in table:
        raise PresetError(_unknown(what, name, table))
    return table[name]


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    return f"unknown {what} {name!r}; known: {', '.join(known)}"


def _parse_area_mm2(text: str) -> float:
    try:
        area = float(text)
    except ValueError:
        area = math.nan
    if not MIN_AREA_MM2 <= area <= MAX_AREA_MM2:
        raise PresetError(
            f"area {text!r} is not possible: give a number of mm2 from"
            f" {MIN_AREA_MM2:g} to {MAX_AREA_MM2:g}"
        )
    return area
