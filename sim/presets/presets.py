"""Named devices: those that come with trelscope, in presets.toml, and the user's own, in a file of that structure."""

import re
from collections.abc import Mapping
from typing import Any

from trelscope.sim.physics.plant import Plant
from trelscope.sim.presets import recipe, userfile
from trelscope.sim.presets.recipe import PresetError as PresetError
from trelscope.sim.presets.recipe import Recipe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""What can name a preset, also in a URL."""


def device_names() -> tuple[str, ...]:
    """The presets that `load_plant` knows; of the user's own those that are valid."""
    return (*builtin_names(), *(name for name in _readable_user_names() if _is_valid(name)))


def builtin_names() -> tuple[str, ...]:
    """The presets that come with trelscope."""
    return tuple(recipe.tables()["devices"])


def user_names() -> tuple[str, ...]:
    """The user's own presets, valid or not. Raises PresetError if their file cannot be read."""
    return tuple(name for name in _user_devices() if name not in builtin_names())


def detectors() -> dict[str, str]:
    """A line about each detector, by name."""
    return {name: str(table["label"]) for name, table in recipe.tables()["detectors"].items()}


def describe(name: str) -> str:
    """One line about a preset, for people: what it is made of, how large it is, what is special about it."""
    chosen = _recipe(name)
    own = {key: entry for key, entry in chosen.items() if isinstance(entry, dict)}
    area = own.pop("area")["value"]
    said = [
        recipe.tables()[table][chosen[key]]["label"]
        for key, table in recipe.parts(chosen).items()
        if key != "detector" or chosen[key] != recipe.DETECTOR
    ]
    said.append(f"{area:g} mm²")
    for key, entry in own.items():
        unit = "" if entry["unit"] == "1" else f" {entry['unit']}"
        said.append(f"{key} {entry['value']:g}{unit}")
    return ", ".join(said)


def is_photoluminescence(name: str) -> bool:
    """Whether the preset `name` is a sample that laser pulses excite, which nothing drives. Raises PresetError."""
    return "trpl" in _recipe(name)


def load_plant(name: str, overrides: Mapping[str, str] | None = None) -> Plant:
    """The preset `name`, changed by `overrides`.

    Keys of `overrides`: material, geometry, detector (names from presets.toml; for photoluminescence trpl instead of
    the first two) and every quantity by its name there, in its unit there. Raises PresetError.
    """
    return recipe.plant(recipe.changed(_recipe(name), overrides or {}))


def user_file_with(name: str, source: str, overrides: Mapping[str, str]) -> str:
    """The user's file with the preset `source`, changed by `overrides`, added as `name`. Raises PresetError."""
    if not NAME.fullmatch(name):
        raise PresetError(
            f"{name!r} cannot name a preset: use up to 40 letters, digits, '.', '_' and '-'"
        )
    if name in builtin_names():
        raise PresetError(f"{name!r} comes with trelscope and stays as it is; choose another name")
    new = recipe.changed(_recipe(source), overrides)
    others = {other: _user_recipe(other) for other in _user_devices() if other != name}
    return userfile.text({**others, name: new})


def user_file_without(name: str) -> str:
    """The user's file without the user's own preset `name`. Raises PresetError."""
    devices = _user_devices()
    if name not in devices:
        raise PresetError(recipe.unknown("preset of your own", name, devices))
    return userfile.text({other: _user_recipe(other) for other in devices if other != name})


def _recipe(name: str) -> Recipe:
    builtin = recipe.tables()["devices"]
    if name in builtin:
        return {"detector": recipe.DETECTOR, **builtin[name]}
    if name in _user_devices():
        return _user_recipe(name)
    raise PresetError(recipe.unknown("device", name, device_names()))


def _user_recipe(name: str) -> Recipe:
    """The preset `name` of the user's file. Raises PresetError, which names file and field, if it is not valid."""
    try:
        return recipe.validated(_user_devices()[name])
    except recipe.FieldError as error:
        field = ascii(f"devices.{name}.{error.field}".rstrip("."))[1:-1]
        raise PresetError(f"{userfile.path()}: {field}: {error}; correct it") from None


def _user_devices() -> dict[str, Any]:
    """The devices of the user's file by name, not looked at yet. Raises PresetError."""
    path = userfile.path()
    try:
        tables = userfile.read()
    except OSError as error:
        raise PresetError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        message = " ".join(str(error).split())
        raise PresetError(f"{path}: {message}; correct it or delete the file") from None
    for key, table in tables.items():
        if key != "devices" or not isinstance(table, dict):
            raise PresetError(
                f"{path}: {key!r}: only tables [devices.NAME] may be here; correct it"
            )
    devices: dict[str, Any] = tables.get("devices", {})
    return devices


def _readable_user_names() -> tuple[str, ...]:
    try:
        return user_names()
    except PresetError:
        return ()


def _is_valid(name: str) -> bool:
    try:
        _user_recipe(name)
    except PresetError:
        return False
    return True
