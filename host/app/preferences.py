"""What the user has set and arranged, kept in a file from one start of the window to the next."""

import json
import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from trelscope.host import atomic
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings

FILE = "window.json"
# The name of the requested settings in the file; files written by earlier versions are read as well.
SETTINGS_KEY = "wanted"
SCALES = (0.25, 8.0)  # with others nothing could be read, or reached to change it

T = TypeVar("T")


def default_folder() -> Path:
    """The folder in which this system keeps the user's settings."""
    return platformdirs.user_config_path("trelscope", appauthor=False)


@dataclass(frozen=True)
class Preferences:
    """The source, the settings and the look of a window.

    source: the source opened last, "" if there was none.
    geometry, views: position of the window and layout of its docks, as Qt encodes them, in base 64.
    scale: size of the text and of everything else; None means that the screen decides.
    """

    source: str = ""
    requested: RequestedSettings = field(default_factory=RequestedSettings)
    geometry: str = ""
    views: str = ""
    light_theme: bool = False
    logarithmic: bool = False
    scale: float | None = None


def load(folder: Path, tell: Callable[[str], None] = lambda line: None) -> Preferences:
    """Read the preferences; the defaults replace a file that is missing or makes no sense.

    The latter is moved aside, so that it can be mended, and `tell` is given a line about it.
    """
    path = folder / FILE
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        settings = dict(values.pop(SETTINGS_KEY))
        settings["averaging"] = Averaging(settings["averaging"])
        requested = _built(RequestedSettings, settings)
        preferences = _built(Preferences, {**values, "requested": requested})
        scale = preferences.scale
        if requested.pulses < 1 or not (scale is None or SCALES[0] <= scale <= SCALES[1]):
            raise ValueError
        return preferences
    except OSError:
        return Preferences()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        aside = path.with_name(f"{FILE}.bad")
        with suppress(OSError):
            os.replace(path, aside)
        tell(
            f"{path} makes no sense; the window begins with the defaults, and the file is now {aside.name}"
        )
        return Preferences()


def _built(kind: type[T], values: dict[str, Any]) -> T:
    """An instance of the dataclass `kind`.

    Raises TypeError for a value of another type, ValueError for a number that is not finite.
    """
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name not in values:
            continue
        value, wanted = values[each.name], each.type  # type: Any, Any
        if isinstance(value, bool) and wanted is not bool:
            raise TypeError(each.name)
        if isinstance(value, int) and isinstance(0.0, wanted):
            value = float(value)
        if not isinstance(value, wanted):
            raise TypeError(each.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(each.name)
        values[each.name] = value
    return kind(**values)


def save(folder: Path, preferences: Preferences) -> None:
    """Write the file whole or not at all; a folder that cannot be written is no reason to bother the user."""
    values = asdict(preferences)
    settings = values.pop("requested")
    settings["averaging"] = preferences.requested.averaging.value
    values[SETTINGS_KEY] = settings
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write(folder / FILE, json.dumps(values, indent=1))
    except OSError:
        pass


class PreferencesFile:
    """The file of one window; it is written only when the preferences have changed."""

    def __init__(self, folder: Path, saved: Preferences) -> None:
        """saved: the preferences that the file holds now."""
        self._folder, self._saved = folder, saved

    def update(self, preferences: Preferences) -> None:
        """Write the preferences, unless the file holds them already."""
        if preferences != self._saved:
            self._saved = preferences
            save(self._folder, preferences)
