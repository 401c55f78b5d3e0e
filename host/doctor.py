"""Looks at what a capture, the window, boards and bitstreams need here, and says what is missing and how to get it."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import platformdirs

from trelscope.gateware.build import BuildError, find_tools
from trelscope.host import display
from trelscope.host.acquisition.capture import capture
from trelscope.host.bench import icarus
from trelscope.host.errors import UserError
from trelscope.host.flash import flash
from trelscope.host.link import ports
from trelscope.host.link.serial import PERMISSION
from trelscope.host.link.urls import DEFAULT_SOURCE, open_link
from trelscope.host.planning import CaptureRequest
from trelscope.host.units import format_si
from trelscope.sim.cache import cache_folder

PULSES = 256
WIDTH, WINDOW = 8e-6, (-1e-6, 12e-6)  # s: short, and with both edges in it
FOLDERS: dict[str, Callable[[str], Path]] = {
    "cache": cache_folder,
    "settings": platformdirs.user_config_path,
    "calibrations": platformdirs.user_data_path,
    "crash copies": platformdirs.user_state_path,
}
QT = ("PyQt6.QtWidgets", "PyQt6.QtSvg", "pyqtgraph")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. needed: captures or the window do not work without it."""

    name: str
    good: bool
    words: str
    needed: bool = True


class _Missing(Exception):
    """What is missing, and how to get it."""


def examine(report: Callable[[str], None] = lambda line: None) -> Iterator[Check]:
    """One after the other. report: told what takes long."""
    yield Check("python", True, f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield from (_look(f"{name} folder", _writable, folder) for name, folder in _folders())
    yield _look("emulator", _emulate, report)
    yield _look("window", _window)
    yield _look("boards", _boards, needed=False)
    yield _look("bitstreams", _bitstreams, needed=False)
    yield _look("flashing", _flashing, needed=False)
    yield _look("simulator", _simulator, needed=False)


def _look(name: str, check: Callable[..., str], *given: object, needed: bool = True) -> Check:
    try:
        return Check(name, True, check(*given), needed)
    except (_Missing, UserError, BuildError) as error:
        return Check(name, False, str(error), needed)


def _folders() -> Iterator[tuple[str, Path]]:
    return ((name, of("trelscope")) for name, of in FOLDERS.items())


def _writable(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _Missing(
            f"{folder}: cannot be written ({error.strerror}); make room or mend its permissions"
        ) from None
    return str(folder)


def _emulate(report: Callable[[str], None]) -> str:
    """A capture through everything."""
    link = open_link(DEFAULT_SOURCE, seed=1, paced=False, report=report)
    try:
        done = capture(link, CaptureRequest(pulses=PULSES, width=WIDTH, window=WINDOW).plan)
    finally:
        link.close()
    account, response = done.accounting, done.measurements.response
    if account.pulses_averaged != PULSES or account.crc_errors or not np.isfinite(response.value):
        raise _Missing(
            f"a capture of {PULSES} pulses gave {account.pulses_averaged}, CRC errors {account.crc_errors},"
            f" {response.reason or 'a response'}; please report this"
        )
    factor = done.realtime_factor
    pace = "" if factor is None else f", at {factor:.2g} × real time"
    return f"{PULSES} pulses, none lost; response {format_si(response.value, 's', 4)}{pace}"


def _window() -> str:
    try:
        for module in QT:
            import_module(module)
    except ImportError as error:
        raise _Missing(
            f"Qt cannot be loaded ({error}); `make setup` installs what it needs"
        ) from None
    from PyQt6.QtCore import qVersion

    if not display.has_display():
        return f"Qt {qVersion()}; {display.NONE}: `trelscope` captures without a window"
    return f"Qt {qVersion()}, and a display"


def _boards() -> str:
    found = ports.candidates()
    if not found:
        raise _Missing("none is attached; plug one in with a USB data cable")
    for port in found:
        if not os.access(port.device, os.R_OK | os.W_OK):
            raise _Missing(f"{port.device}: {PERMISSION}")
    return ", ".join(port.device for port in found)


def _bitstreams() -> str:
    tools = find_tools()
    try:
        import_module("amaranth_boards")
    except ImportError:
        raise _Missing("amaranth-boards is not installed: pip install amaranth-boards") from None
    return ", ".join(Path(command).name for command in tools.values())


def _flashing() -> str:
    if why := flash.missing_tool():
        raise _Missing(why)
    return flash.TOOL


def _simulator() -> str:
    if why := icarus.missing_tool():
        raise _Missing(why)
    return "Icarus and cocotb"
