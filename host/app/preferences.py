"""What the user has set and arranged, kept in a file from one start of the window to the next."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from trelscope.host import atomic
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings

FILE = "window.json"
# The name of the requested settings in the file; files written by earlier versions are read as well.
SETTINGS_KEY = "wanted"


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


def load(folder: Path) -> Preferences:
    """Read the preferences; the defaults replace a file that is missing or cannot be understood."""
    try:
        values: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        requested = RequestedSettings(**values.pop(SETTINGS_KEY))
        requested = replace(requested, averaging=Averaging(requested.averaging))
        return Preferences(**values, requested=requested)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Preferences()


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
