"""The user's own presets.toml: where it is, how it is read, what text it holds. `recipe` knows what it may say."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs


def path() -> Path:
    """Where this system keeps it."""
    return platformdirs.user_config_path("trelscope") / "presets.toml"


def read() -> dict[str, Any]:
    """Its tables, none if there is no file. Raises OSError, or ValueError for what is no TOML."""
    try:
        return tomllib.loads(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def text(devices: Mapping[str, Mapping[str, Any]]) -> str:
    """The file that holds these devices: a recipe each, by name."""
    text = "# Written by `trelscope presets`. The structure is that of sim/presets/presets.toml.\n"
    for name, entries in devices.items():
        lines = [f"{key} = {_inline(entry)}\n" for key, entry in entries.items()]
        text += f"\n[devices.{_quoted(name)}]\n{''.join(lines)}"
    return text


def _inline(entry: str | float | Mapping[str, Any]) -> str:
    if isinstance(entry, Mapping):
        return "{ " + ", ".join(f"{key} = {_inline(value)}" for key, value in entry.items()) + " }"
    return _quoted(entry) if isinstance(entry, str) else repr(entry)


def _quoted(text: str) -> str:
    """A TOML string: those of JSON, except that DEL must be escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
