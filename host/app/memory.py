"""What the window remembers from one time to the next."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from trelscope.host import atomic
from trelscope.host.app.session.wanted import Averaging, Wanted

FILE = "window.json"


def home() -> Path:
    """Where this user's settings are."""
    return platformdirs.user_config_path("trelscope", appauthor=False)


@dataclass(frozen=True)
class Remembered:
    """source: last opened, "" if none. geometry, views: of the window, as Qt has them. scale: None if as the screen."""

    source: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    geometry: str = ""
    views: str = ""
    light_theme: bool = False
    logarithmic: bool = False
    scale: float | None = None


def recall(folder: Path) -> Remembered:
    """What was remembered; the usual where that is nothing, or no longer makes sense."""
    try:
        values: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        wanted = Wanted(**values.pop("wanted"))
        wanted = replace(wanted, averaging=Averaging(wanted.averaging))
        return Remembered(**values, wanted=wanted)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Remembered()


def remember(folder: Path, remembered: Remembered) -> None:
    """Write it, whole or not at all; a place that cannot be written is no reason to bother the user."""
    values = asdict(remembered)
    values["wanted"]["averaging"] = remembered.wanted.averaging.value
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write(folder / FILE, json.dumps(values, indent=1))
    except OSError:
        pass


class Keeper:
    """Writes what is to be remembered when it has changed."""

    def __init__(self, folder: Path, before: Remembered) -> None:
        self._folder, self._kept = folder, before

    def keep(self, now: Remembered) -> None:
        """Write it, unless it is what was written last."""
        if now != self._kept:
            self._kept = now
            remember(self._folder, now)
