"""The user's own presets.toml: read whole, written whole or not at all. What it may say is known elsewhere."""

import json
import os
import tempfile
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


def write(devices: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace it by `devices`: a recipe each, by name. Raises OSError."""
    text = "# Written by `trelscope presets`. The structure is that of sim/presets/presets.toml.\n"
    for name, entries in devices.items():
        lines = [f"{key} = {_inline(entry)}\n" for key, entry in entries.items()]
        text += f"\n[devices.{_quoted(name)}]\n{''.join(lines)}"
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    number, scratch = tempfile.mkstemp(dir=target.parent, prefix=".presets-")
    try:
        with open(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except BaseException:
        os.unlink(scratch)
        raise


def _inline(entry: str | float | Mapping[str, Any]) -> str:
    if isinstance(entry, Mapping):
        return "{ " + ", ".join(f"{key} = {_inline(value)}" for key, value in entry.items()) + " }"
    return _quoted(entry) if isinstance(entry, str) else repr(entry)


def _quoted(text: str) -> str:
    """A TOML string: those of JSON, except that DEL must be escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
