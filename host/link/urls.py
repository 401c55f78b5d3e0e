"""Links by URL."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult

from trelscope.host.link import Link, LinkError
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.replay import ReplayLink
from trelscope.host.link.serial import SerialLink
from trelscope.host.link.tcp import TcpLink
from trelscope.host.link.token import put_away
from trelscope.host.link.url_options import url_options, url_parts
from trelscope.sim.presets.presets import PresetError, load_plant

DEFAULT_SOURCE = "emulator:bmim3-1mm2"
SCHEMES = "emulator", "tcp", "serial", "replay"


def as_typed(text: str) -> str:
    """The URL of a source as people type it: a preset may go without its scheme."""
    text = text.strip()
    return text if ":" in text or not text else f"emulator:{text}"


def is_emulated(source: str) -> bool:
    """Whether the instrument behind `source` is the emulator."""
    return source.partition(":")[0].lower() == "emulator"


def check_source(url: str) -> None:
    """Raise LinkError where `url` names nothing that could ever be opened; nothing is opened."""
    parts = _parts(put_away(url))
    if parts.scheme == "emulator":
        try:
            load_plant(parts.path, url_options(url))
        except PresetError as error:
            raise LinkError(str(error)) from None


def open_link(
    url: str,
    seed: int = 0,
    paced: bool = True,
    report: Callable[[str], None] = lambda line: None,
) -> Link:
    """The instrument that `url` names: `emulator:PRESET`, `serial:PORT`, `tcp://[TOKEN@]HOST:PORT` or `replay:FILE`.

    `?key=value&…` overrides a preset's parameters, or says what front end a real instrument has.
    seed, paced: of an emulated board; report is told what takes long. Raises LinkError.
    """
    url = put_away(url)
    parts = _parts(url)
    if parts.scheme == "emulator":
        return EmulatorLink(parts.path, url_options(url), seed, paced, report)
    if parts.scheme == "tcp":
        return TcpLink(url)
    if parts.scheme == "serial":
        return SerialLink(url)
    return ReplayLink(Path(url.partition(":")[2]))


def _parts(url: str) -> SplitResult:
    parts = url_parts(url)
    if parts.scheme not in SCHEMES:
        raise LinkError(
            f"unknown source {url!r}; known: emulator:PRESET, e.g. {DEFAULT_SOURCE}, serial:PORT, tcp://HOST:PORT,"
            " replay:FILE"
        )
    return parts
