"""What a source's URL says about itself, and what sources there are."""

from importlib import import_module
from urllib.parse import urlsplit

from trelscope.gateware.protocol import Board
from trelscope.host.link.urls import is_emulated
from trelscope.sim.presets.presets import device_names


def is_emulator(source: str, board: str) -> bool:
    """Whether no light behind `source` is real. board: what the instrument calls itself, "" if not known yet."""
    return board == Board.EMULATOR.name or is_emulated(source)


def preset(source: str) -> str | None:
    """Name of the preset that `source` is, unchanged by parameters; None if it is anything else."""
    parts = urlsplit(source)
    known = parts.scheme == "emulator" and not parts.query and parts.path in device_names()
    return parts.path if known else None


def label(source: str, board: str) -> str:
    """The source as titles name it: "EMULATOR bmim3-1mm2", "ULX3S_85F serial:/dev/ttyUSB0"."""
    badge = "EMULATOR" if is_emulator(source, board) else board
    return f"{badge} {source.removeprefix('emulator:')}".strip()


def emulators() -> list[str]:
    """The source of every preset."""
    return [f"emulator:{name}" for name in device_names()]


def ports() -> list[tuple[str, str]]:
    """Source and description of every serial port of this machine; none where pyserial is not installed."""
    try:
        list_ports = import_module("serial.tools.list_ports")
    except ImportError:
        return []
    return [(f"serial:{port.device}", port.description) for port in list_ports.comports()]
