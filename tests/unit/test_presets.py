"""The presets meet the paper, say where numbers come from, and refuse nonsense in one line."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from sim.plant import Plant, Segment
from sim.presets import TO_SI, PresetError, describe, device_names, load_plant

US = 1e-6

# preset, volts, pulses per second, response time in the paper
PAPER = [
    ("control-4mm2", 5.0, 10e3, 32.3 * US),
    ("bmim3-4mm2", 5.0, 10e3, 7.55 * US),
    ("bmim3-libr-4mm2", 5.0, 10e3, 4.9 * US),
    ("bmim3-1mm2", 5.0, 10e3, 3.4 * US),
    ("hr-4mm2", 5.0, 10e3, 1.95 * US),
    ("hr-1mm2", 5.0, 10e3, 0.70 * US),
    ("bmim3-1mm2", 3.0, 10e3, 3.75 * US),
    ("bmim3-1mm2", 4.0, 10e3, 3.4 * US),
    ("bmim3-1mm2", 7.0, 10e3, 2.25 * US),
    ("bmim3-1mm2", 4.0, 0.5e3, 3.4 * US),
    ("bmim3-1mm2", 4.0, 15e3, 3.4 * US),
]


def steady_pulse(plant: Plant, volts: float, width: float) -> Segment:
    """The sixth pulse of a train from rest at half duty."""
    state = plant.rest()
    for _ in range(6):
        on = plant.segment(state, volts)
        off = plant.segment(on.state_after(width), 0.0)
        state = off.state_after(width)
    return on


def t90(times: np.ndarray, light: np.ndarray) -> float:
    """When `light` first reaches 90 % of its mean over the last 10 % of `times`."""
    level = 0.9 * light[times >= 0.9 * times[-1]].mean()
    k = int(np.argmax(light > level))
    return float(np.interp(level, light[k - 1 : k + 1], times[k - 1 : k + 1]))


@pytest.mark.parametrize(("name", "volts", "rate", "paper"), PAPER)
def test_response_time_of_the_paper(name: str, volts: float, rate: float, paper: float) -> None:
    """Of the luminance itself, from the commanded edge; and as the two ADC channels show it."""
    plant = load_plant(name)
    width = 0.5 / rate
    on = steady_pulse(plant, volts, width)
    times = np.linspace(0.0, width, 100_001)

    luminance = np.empty_like(times)
    for piece in on.device_pieces:
        mine = (times >= piece.start) & (times < piece.end)
        luminance[mine] = plant.device.luminance(piece)(times[mine] - piece.start)
    assert t90(times, luminance) == pytest.approx(paper, rel=0.02)

    light = plant.light_at(on, times) - plant.detector.dark_volts
    start = np.linspace(0.0, 50e-9, 501)
    drive = plant.drive_at(on, start) - plant.monitor.offset
    t0 = float(np.interp(0.5 * plant.monitor.ratio * volts, drive, start))
    assert t90(times, light) - t0 == pytest.approx(paper, rel=0.02)


def test_device_names() -> None:
    assert set(device_names()) == {name for name, *_ in PAPER}


@pytest.mark.parametrize("name", device_names())
def test_describe_is_one_line_that_tells_the_presets_apart(name: str) -> None:
    text = describe(name)
    assert text
    assert "\n" not in text
    assert [other for other in device_names() if describe(other) == text] == [name]
    assert f"{load_plant(name).device.area * 1e6:g} mm²" in text


def quantities(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, entry in table.items():
        if isinstance(entry, dict) and "value" not in entry:
            yield from quantities(entry, f"{path}{key}.")
        elif isinstance(entry, dict):
            yield path + key, entry
        else:
            assert isinstance(entry, str), f"{path}{key} is a bare number"


def test_every_number_has_a_unit_and_an_origin() -> None:
    text = files("sim").joinpath("presets.toml").read_text(encoding="utf-8")
    entries = dict(quantities(tomllib.loads(text)))
    assert len(entries) > 50
    for path, entry in entries.items():
        assert set(entry) - {"note"} == {"value", "unit", "origin"}, path
        assert entry["origin"] in {"published", "fitted", "assumed"}, path
        assert entry["unit"] in TO_SI, path
    fitted = {path for path, entry in entries.items() if entry["origin"] == "fitted"}
    assert fitted == {
        *(f"parameters.{key}" for key in ("R_s", "c_pre", "c_1", "r_th", "r_FN")),
        "materials.control.dphi",
        "materials.bmim3-libr.x_Nt",
        "geometries.hr.k_R",
    }


def test_overrides_replace_what_they_name_and_nothing_else() -> None:
    plain = load_plant("bmim3-4mm2").device
    assert load_plant("bmim3-4mm2", {"detector": "pin"}).device == plain
    changed = load_plant("bmim3-4mm2", {"material": "control", "geometry": "hr", "area": "2.5"})
    assert changed.device.material == load_plant("control-4mm2").device.material
    assert changed.device.geometry == load_plant("hr-4mm2").device.geometry
    assert changed.device.area == pytest.approx(2.5e-6)
    assert load_plant("bmim3-4mm2", {"area": "1"}).device == load_plant("bmim3-1mm2").device


@pytest.mark.parametrize("area", ["1e-6", "1e4"])
def test_the_limits_of_the_area_are_allowed(area: str) -> None:
    plant = load_plant("bmim3-1mm2", {"area": area})
    on = steady_pulse(plant, 5.0, 50 * US)
    assert np.isfinite(plant.light_at(on, np.linspace(0.0, 50 * US, 11))).all()


@pytest.mark.parametrize("area", ["0", "-1", "nan", "inf", "1e5", "1e-7", "four", "", "1\n2"])
def test_impossible_areas(area: str) -> None:
    with pytest.raises(PresetError, match=r"area .* from 1e-06 to 10000$") as caught:
        load_plant("bmim3-1mm2", {"area": area})
    assert "\n" not in str(caught.value)
    assert repr(area) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "overrides", "wrong", "known"),
    [
        ("bmim4-1mm2", {}, "bmim4-1mm2", device_names()),
        ("two\nlines", {}, "two\nlines", device_names()),
        ("hr-1mm2", {"matter": "control"}, "matter", ("material", "geometry", "detector", "area")),
        ("hr-1mm2", {"material": "bmim9"}, "bmim9", ("control", "bmim3", "bmim3-libr")),
        ("hr-1mm2", {"geometry": "round"}, "round", ("planar", "hr")),
        ("hr-1mm2", {"detector": "eye"}, "eye", ("pin",)),
    ],
)
def test_unknown_names(
    name: str, overrides: dict[str, str], wrong: str, known: tuple[str, ...]
) -> None:
    with pytest.raises(PresetError, match=r"unknown .*; known: ") as caught:
        load_plant(name, overrides)
    message = str(caught.value)
    assert "\n" not in message
    assert repr(wrong) in message
    assert message.split("known: ")[1].split(", ") == list(known)


def test_describe_refuses_an_unknown_preset() -> None:
    with pytest.raises(PresetError, match="unknown device 'nope'; known: control-4mm2"):
        describe("nope")
