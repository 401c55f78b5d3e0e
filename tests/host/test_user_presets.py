"""Presets of the user's own: saved, removed, and named with file and field where they are not sound."""

from pathlib import Path

import pytest

from trelscope.host import atomic
from trelscope.host.files import user_presets
from trelscope.host.files.failures import FileError
from trelscope.sim.presets import userfile
from trelscope.sim.presets.presets import (
    PresetError,
    builtin_names,
    describe,
    device_names,
    load_plant,
    user_names,
)


@pytest.fixture(autouse=True)
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for the user's presets that is nobody's."""
    path = tmp_path / "config" / "presets.toml"
    monkeypatch.setattr(userfile, "path", lambda: path)
    return path


def test_a_saved_preset_is_a_preset(user_file: Path) -> None:
    assert not user_file.exists()
    overrides = {"area": "2.5", "x_Nt": "1.4", "detector": "apd"}
    user_presets.save("mine", "bmim3-4mm2", overrides)
    user_presets.save("flash", "trpl-bmim3", {"life_1": "5"})
    assert device_names()[-2:] == ("mine", "flash")
    for mine, theirs in (
        (load_plant("mine"), load_plant("bmim3-4mm2", overrides)),
        (load_plant("mine", {"area": "1"}), load_plant("bmim3-4mm2", {**overrides, "area": "1"})),
        (load_plant("flash"), load_plant("trpl-bmim3", {"life_1": "5"})),
    ):
        assert mine.device == theirs.device
        assert mine.detector == theirs.detector
    assert "x_Nt 1.4" in describe("mine")
    assert "avalanche" in describe("mine")
    assert "2.5 mm²" in describe("mine")
    assert "life_1 5 ns" in describe("flash")
    user_presets.save("mine", "mine", {"area": "3"})
    assert load_plant("mine").device.area == pytest.approx(3e-6)
    assert load_plant("mine").device.material.x_Nt == 1.4
    user_presets.remove("mine")
    assert device_names()[-1] == "flash"
    assert "mine" not in device_names()
    with pytest.raises(PresetError, match="unknown preset of your own 'mine'; known: flash"):
        user_presets.remove("mine")
    assert [path.name for path in user_file.parent.iterdir()] == ["presets.toml"]


@pytest.mark.parametrize(
    "name", ["bmim3-1mm2", "trpl-control", "", "a b", "a?b", "-x", "ä", "x" * 41]
)
def test_names_a_preset_cannot_have(name: str) -> None:
    with pytest.raises(PresetError, match=r"cannot name a preset|comes with trelscope"):
        user_presets.save(name, "bmim3-1mm2", {})
    assert device_names() == builtin_names()


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_presets.save("mine", "bmim3-1mm2", {})
    before = user_file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "replace", full)
    with pytest.raises(FileError, match=r"presets\.toml: cannot be written \(No space left"):
        user_presets.save("other", "bmim3-1mm2", {})
    assert user_file.read_bytes() == before
    assert len(list(user_file.parent.iterdir())) == 1


SOUND = '[devices.good]\nmaterial = "bmim3"\ngeometry = "hr"\narea = { value = 1, unit = "mm2" }\n'
BAD = '[devices.bad]\nmaterial = "bmim3"\ngeometry = "hr"\n'
AREA = 'area = { value = 1, unit = "mm2" }\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("devices.bad = 3", "devices.bad: 3 is no table"),
        (BAD, "devices.bad.area: is missing"),
        (
            '[devices.bad]\nmaterial = "x"\ngeometry = "hr"\n' + AREA,
            "devices.bad.material: unknown",
        ),
        (BAD + 'area = { value = 0, unit = "mm2" }', "devices.bad.area: area 0 is not possible"),
        (BAD + 'area = { value = true, unit = "mm2" }', "devices.bad.area: area True"),
        (BAD + 'area = { value = 1, unit = "m2" }', "devices.bad.area: unit 'm2' must be 'mm2'"),
        (BAD + "area = 1", "devices.bad.area: write { value = …, unit"),
        (BAD + AREA + 'x_nt = { value = 1, unit = "1" }', "devices.bad.x_nt: unknown parameter"),
        (BAD + AREA + 'x_Nt = { value = nan, unit = "1" }', "devices.bad.x_Nt: x_Nt nan is not"),
        (BAD + AREA + 'x_Nt = { value = [1], unit = "1" }', "devices.bad.x_Nt: x_Nt [1] is not"),
        (BAD + AREA + 'x_Nt = { value = 1, unit = "1", color = "r" }', "devices.bad.x_Nt.color:"),
        (BAD + AREA + '"two\\nlines" = 1', r"devices.bad.two\nlines: unknown parameter"),
    ],
)
def test_a_broken_preset_of_the_user_is_named_with_file_and_field(
    user_file: Path, text: str, says: str
) -> None:
    user_file.parent.mkdir()
    user_file.write_text(f"{text}\n{SOUND}", encoding="utf-8")
    with pytest.raises(PresetError) as caught:
        load_plant("bad")
    assert str(caught.value).startswith(f"{user_file}: {says}")
    assert str(caught.value).endswith("; correct it")
    assert "\n" not in str(caught.value)
    assert "bad" not in device_names()
    assert load_plant("good").device.geometry.name == "hr"
    with pytest.raises(PresetError, match=r"devices\.bad"):
        user_presets.save("other", "bmim3-1mm2", {})
    user_presets.remove("bad")
    user_presets.save("other", "bmim3-1mm2", {})
    assert user_names() == ("good", "other")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[devices", "Expected"),
        (b"\xff", "decode"),
        (b"[materials.mine]\n", "'materials': only tables"),
        (b"devices = 1\n", "'devices': only tables"),
    ],
)
def test_a_broken_file_is_named_and_never_overwritten(
    user_file: Path, content: bytes, says: str
) -> None:
    user_file.parent.mkdir()
    user_file.write_bytes(content)
    for attempt in (
        lambda: load_plant("mine"),
        lambda: user_presets.save("mine", "bmim3-1mm2", {}),
        lambda: user_presets.remove("mine"),
        user_names,
    ):
        with pytest.raises(PresetError, match=says) as caught:
            attempt()
        assert str(caught.value).startswith(f"{user_file}: ")
        assert "\n" not in str(caught.value)
    assert user_file.read_bytes() == content
    assert device_names() == builtin_names()
    load_plant("bmim3-1mm2")
