"""The presets meet the paper, say where numbers come from, and refuse nonsense in one line."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.presets_page import page
from trelscope.sim.physics.plant import Plant, Segment
from trelscope.sim.presets import recipe, userfile
from trelscope.sim.presets.presets import (
    PresetError,
    builtin_names,
    describe,
    device_names,
    load_plant,
)
from trelscope.sim.presets.recipe import TO_SI

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


@pytest.fixture(autouse=True)
def no_presets_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No presets but those that come with trelscope."""
    path = tmp_path / "config" / "presets.toml"
    monkeypatch.setattr(userfile, "path", lambda: path)


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

    light = plant.light_at(on, times) - plant.detector.dark_signal
    start = np.linspace(0.0, 50e-9, 501)
    drive = plant.drive_at(on, start) - plant.monitor.offset
    t0 = float(np.interp(0.5 * plant.monitor.ratio * volts, drive, start))
    assert t90(times, light) - t0 == pytest.approx(paper, rel=0.02)


def test_device_names() -> None:
    assert set(device_names()) == {name for name, *_ in PAPER} | {"trpl-control", "trpl-bmim3"}


@pytest.mark.parametrize("name", builtin_names())
def test_describe_is_one_line_that_tells_the_presets_apart(name: str) -> None:
    text = describe(name)
    assert text
    assert "\n" not in text
    assert [other for other in device_names() if describe(other) == text] == [name]
    assert f"{load_plant(name).device.area * 1e6:g} mm²" in text


def quantities(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, entry in table.items():
        if key == "allowed":
            continue
        if isinstance(entry, dict) and "value" not in entry:
            yield from quantities(entry, f"{path}{key}.")
        elif isinstance(entry, dict):
            yield path + key, entry
        else:
            assert isinstance(entry, str), f"{path}{key} is a bare number"


def test_every_number_has_a_unit_and_an_origin() -> None:
    text = files("trelscope.sim.presets").joinpath("presets.toml").read_text(encoding="utf-8")
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
        ("mine", {"x_Nt": "1"}, "mine", device_names()),
        ("hr-1mm2", {"material": "bmim9"}, "bmim9", ("control", "bmim3", "bmim3-libr")),
        ("hr-1mm2", {"geometry": "round"}, "round", ("planar", "hr")),
        ("hr-1mm2", {"detector": "eye"}, "eye", ("pin", "apd", "pmt", "sipm")),
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


def test_an_unknown_parameter_is_answered_with_all_there_are() -> None:
    with pytest.raises(
        PresetError, match="unknown parameter 'matter'; known: material, "
    ) as caught:
        load_plant("hr-1mm2", {"matter": "control"})
    known = str(caught.value).split("known: ")[1].split(", ")
    assert known[:3] == ["material", "geometry", "detector"]
    assert {"area", "x_Nt", "overshoot", "f_q", "gain", "tau_drv"} <= set(known)
    assert not {"ratio", "life_1", "trpl"} & set(known)


def every_recipe() -> Iterator[recipe.Recipe]:
    """One for each combination of parts."""
    tables = recipe.tables()
    area = {"area": {"value": 1.0, "unit": "mm2"}}
    for detector in tables["detectors"]:
        for sample in tables["trpl"]:
            yield {"trpl": sample, "detector": detector, **area}
        for material in tables["materials"]:
            for geometry in tables["geometries"]:
                yield {"material": material, "geometry": geometry, "detector": detector, **area}


def test_every_quantity_has_a_range_and_every_preset_keeps_to_it() -> None:
    ranges = dict(recipe.tables()["allowed"])
    met = set()
    for one in every_recipe():
        for key, entry in recipe.quantities(one).items():
            low, high = ranges[key]
            assert low <= entry["value"] <= high, key
            met.add(key)
    assert met == set(ranges)


def test_a_quantity_has_one_unit() -> None:
    """Or a range said once, and an override that says no unit, would mean different things."""
    units: dict[str, set[str]] = {}
    for path, entry in quantities({k: v for k, v in recipe.tables().items() if k != "monitor"}):
        units.setdefault(path.split(".")[-1], set()).add(entry["unit"])
    assert {key: found for key, found in units.items() if len(found) > 1} == {}


def test_every_quantity_can_be_overridden_in_its_unit() -> None:
    plain = load_plant("bmim3-4mm2", {"detector": "apd"})
    changed = load_plant(
        "bmim3-4mm2",
        {"x_Nt": "1.4", "f_q": "0.5", "tau_drv": "20", "overshoot": "0.05", "gain": "80"}
        | {"dphi": "-0.01", "temperature": "310", "detector": "apd"},
    )
    device = changed.device
    assert device.material.x_Nt == 1.4
    assert device.material.dphi == pytest.approx(-0.01 * 1.602176634e-19)
    assert device.geometry.f_q == 0.5
    assert device.parameters.tau_drv == pytest.approx(20e-9)
    assert device.options.overshoot == 0.05
    assert changed.detector.gain == 80.0
    assert device.parameters.temperature == changed.detector.temperature == 310.0
    assert device.material.tau_n == plain.device.material.tau_n
    assert changed.detector.excess_noise == plain.detector.excess_noise
    own = load_plant("bmim3-4mm2", {"x_Nt": "1.4", "material": "control"}).device.material
    assert own.x_Nt == 1.4  # whatever the order
    assert own.tau_n == load_plant("control-4mm2").device.material.tau_n


@pytest.mark.parametrize(
    ("key", "text", "allowed"),
    [
        ("x_Nt", "many", "x_Nt 'many' is not possible: give a number from 0 to 100"),
        ("x_Nt", "nan", "from 0 to 100"),
        ("x_Nt", "inf", "from 0 to 100"),
        ("x_Nt", "-1", "from 0 to 100"),
        ("tau_1", "0", "tau_1 '0' is not possible: give a number of ns from 0.1 to 100000"),
        ("tau_1", "", "of ns from 0.1 to 100000"),
        ("f_q", "1.1", "from 0.001 to 1"),
        ("gain", "0.5", "from 1 to 10000"),
        ("overshoot", "-0.1", "from 0 to 10"),
    ],
)
def test_impossible_quantities(key: str, text: str, allowed: str) -> None:
    with pytest.raises(PresetError) as caught:
        load_plant("bmim3-1mm2", {key: text})
    assert str(caught.value).startswith(f"{key} {text!r} is not possible")
    assert str(caught.value).endswith(allowed)


@st.composite
def overridden(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A preset and up to four of its quantities, anywhere in their ranges."""
    name = draw(st.sampled_from(builtin_names()))
    known = sorted(recipe.quantities({"detector": "apd", **recipe.tables()["devices"][name]}))
    overrides = {"detector": "apd"}
    for key in draw(st.lists(st.sampled_from(known), max_size=4, unique=True)):
        low, high = recipe.tables()["allowed"][key]
        part = draw(st.floats(0.0, 1.0))
        value = low * (high / low) ** part if low > 0.0 else low + (high - low) * part
        overrides[key] = repr(min(max(value, low), high))
    return name, overrides


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(overridden(), st.sampled_from([3.0, 5.0, 7.0]))
def test_whatever_is_allowed_gives_a_trace(
    chosen: tuple[str, dict[str, str]], volts: float
) -> None:
    plant = load_plant(*chosen)
    on = steady_pulse(plant, volts, 50 * US)
    times = np.linspace(0.0, 50 * US, 101)
    light = plant.light_at(on, times)
    assert np.isfinite(light).all()
    assert light.min() > plant.detector.dark_signal - 1e-6 * np.abs(light).max() - 1e-9
    assert np.isfinite(plant.drive_at(on, times)).all()
    assert np.isfinite(plant.detector.noise_floor_variance)


def test_the_page_is_up_to_date() -> None:
    root = Path(__file__).parents[3]
    assert (root / "docs/presets.md").read_text(encoding="utf-8") == page(), (
        "python tools/presets_page.py > docs/presets.md"
    )
