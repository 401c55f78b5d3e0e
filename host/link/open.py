"""Links by URL."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from host.link import Link, LinkError
from host.link.emulator import EmulatorLink

DEFAULT_SOURCE = "emulator:bmim3-1mm2"


def open_link(
    url: str,
    seed: int = 0,
    paced: bool = True,
    report: Callable[[str], None] = lambda line: None,
) -> Link:
    """The instrument that `url` names: `emulator:PRESET`, with `?key=value&…` to override a preset's parameters.

    seed, paced: of an emulated board; report is told what takes long. Raises LinkError.
    """
    parts = urlsplit(url)
    if parts.scheme == "emulator":
        return EmulatorLink(parts.path, dict(parse_qsl(parts.query)), seed, paced, report)
    raise LinkError(f"unknown source {url!r}; known: emulator:PRESET, e.g. {DEFAULT_SOURCE}")
