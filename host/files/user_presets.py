"""Presets of the user's own: saved to the user's file and removed from it."""

from collections.abc import Mapping

from trelscope.host.files import formats
from trelscope.host.files.failures import FileError
from trelscope.sim.presets import presets, userfile


def save(name: str, source: str, overrides: Mapping[str, str]) -> None:
    """Make the preset `source`, changed by `overrides`, the user's own `name`. Raises PresetError, FileError."""
    _write(presets.user_file_with(name, source, overrides))


def remove(name: str) -> None:
    """Forget the user's own preset `name`. Raises PresetError, FileError."""
    _write(presets.user_file_without(name))


def _write(text: str) -> None:
    path = userfile.path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{path.parent}: cannot be made ({error.strerror})") from None
    formats.store(path, text)
