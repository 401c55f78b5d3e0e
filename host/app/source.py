"""What the URL of a source tells about it, and the sources that are always there."""

from urllib.parse import urlsplit

from trelscope.gateware.protocol import Board
from trelscope.host.link.urls import is_emulated
from trelscope.sim.presets.presets import device_names


def is_simulated(source: str, board: str) -> bool:
    """Whether the light is simulated. board: the name that the instrument gives itself, "" if not known yet."""
    return board == Board.EMULATOR.name or is_emulated(source)


def preset_name(source: str) -> str | None:
    """Name of the preset that `source` is; None for one with changed parameters and for anything else."""
    parts = urlsplit(source)
    known = parts.scheme == "emulator" and not parts.query and parts.path in device_names()
    return parts.path if known else None


def title(source: str, board: str) -> str:
    """The source as the window's title names it: "EMULATOR bmim3-1mm2", "ULX3S_85F serial:/dev/ttyUSB0"."""
    badge = "EMULATOR" if is_simulated(source, board) else board
    return f"{badge} {source.removeprefix('emulator:')}".strip()


def emulators() -> list[str]:
    """The URL of every preset."""
    return [f"emulator:{name}" for name in device_names()]
