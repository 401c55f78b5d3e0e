"""What the URL of a source tells about it, and the sources that are always there."""

from functools import lru_cache
from urllib.parse import urlsplit

from trelscope.gateware.protocol import Board
from trelscope.host.link.urls import is_emulated
from trelscope.host.planning import DRIVEN, EXCITED, Usual
from trelscope.sim.presets.presets import PresetError, describe, device_names, is_photoluminescence


def is_simulated(source: str, board: str) -> bool:
    """Whether the light is simulated. board: the name that the instrument gives itself, "" if not known yet."""
    return board == Board.EMULATOR.name or is_emulated(source)


def description(source: str) -> str:
    """What an emulated source is, for people: its preset in words, and what is changed; "" for any other source."""
    if not is_emulated(source):
        return ""
    name, _, changed = source.partition(":")[2].partition("?")
    try:
        return f"{describe(name)}{'; ' * bool(changed)}{changed.replace('&', ', ')}"
    except PresetError:
        return ""


def title(source: str, board: str) -> str:
    """The source as the window's title names it: "EMULATOR bmim3-1mm2", "ULX3S_85F serial:/dev/ttyUSB0"."""
    badge = "EMULATOR" if is_simulated(source, board) else board
    return f"{badge} {source.removeprefix('emulator:')}".strip()


@lru_cache(maxsize=64)
def is_excited(source: str) -> bool:
    """Whether a laser pulse at the drive edge makes the sample glow: there is no step of light, but a decay."""
    if not is_emulated(source):
        return False
    try:
        return is_photoluminescence(urlsplit(source).path)
    except PresetError:
        return False


def usual(source: str) -> Usual:
    """Rate and window that suit the source."""
    return EXCITED if is_excited(source) else DRIVEN


def counted(source: str) -> str:
    """The emulated device of `source` under a detector that counts photons, enough of them to be seen at once."""
    device = source.partition("?")[0]
    return f"{device}?detector=pmt{'&filter=2e-6' if is_excited(device) else ''}"


def emulators() -> list[str]:
    """A URL for every preset, under a detector that suits it."""
    every = (f"emulator:{name}" for name in device_names())
    return [counted(url) if is_excited(url) else url for url in every]
