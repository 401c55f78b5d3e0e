"""Calibrations kept on this machine, by the board's USB serial number."""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import platformdirs

from host.calibration import CalibrationError, Level

PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def path_of(serial: str) -> Path:
    """Where a board's calibration is kept. Raises CalibrationError."""
    if not PLAIN.fullmatch(serial):
        raise CalibrationError(
            f"cannot keep a calibration under the serial number {serial!r}: letters, digits, - and _ only"
        )
    return platformdirs.user_data_path("trelscope") / "calibration" / f"{serial}.json"


def load(serial: str | None) -> Level:
    """The level's calibration of a board; the nominal one where there is none. Raises CalibrationError."""
    if serial is None or not PLAIN.fullmatch(serial):
        return Level()
    path = path_of(serial)
    try:
        said = json.loads(path.read_text())["level"]
        return Level(float(said["gain"]), float(said["offset"]))
    except FileNotFoundError:
        return Level()
    except (OSError, ValueError, TypeError, KeyError):
        raise CalibrationError(
            f"{path}: not a calibration; delete it, and calibrate again"
        ) from None


def store(serial: str, level: Level) -> Path:
    """Keep it, in place of an older one. Raises CalibrationError."""
    path = path_of(serial)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"level": asdict(level)}) + "\n")
        os.replace(part, path)
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}") from None
    return path
