"""Calibrations kept on this machine, by the board's USB serial number."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from trelscope.host import atomic
from trelscope.host.calibration.frontend import check
from trelscope.host.calibration.level import CalibrationError, Level
from trelscope.host.calibration.phases import PhaseTable

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
    try:
        said = _load_file(serial).get("level")
        if said is None:
            return Level()
        found = Level(float(said["gain"]), float(said["offset"]))
        if not found.sensible:
            raise ValueError
        return found
    except (ValueError, TypeError, KeyError):
        raise _invalid_file(serial) from None


def load_phases(serial: str | None) -> PhaseTable | None:
    """The launch-phase table of a board; None where there is none. Raises CalibrationError."""
    try:
        said = _load_file(serial).get("phases")
        if said is None:
            return None
        offsets, errors = np.array([said["offsets"], said["se"]], np.float64)
        known = np.isfinite(offsets)  # a phase that is not known has neither
        if not np.array_equal(known, np.isfinite(errors)) or (errors[known] < 0).any():
            raise ValueError
        return PhaseTable(offsets, errors)
    except (ValueError, TypeError, KeyError):
        raise _invalid_file(serial) from None


def load_adc_delay(serial: str | None) -> float | None:
    """The delay of the ADC's data, s; None where there is none. Raises CalibrationError."""
    try:
        said = _load_file(serial).get("adc_delay")
        if said is None:
            return None
        check("adc_delay", float(said))
        return float(said)
    except (ValueError, TypeError):
        raise _invalid_file(serial) from None


def store(serial: str, level: Level) -> Path:
    """Save it, replacing an older one. Raises CalibrationError."""
    return _keep(serial, "level", asdict(level))


def store_phases(serial: str, table: PhaseTable) -> Path:
    """Save it, replacing an older one. Raises CalibrationError."""
    return _keep(serial, "phases", table.as_dict())


def store_adc_delay(serial: str, delay: float) -> Path:
    """Save it, replacing an older one. Raises CalibrationError."""
    return _keep(serial, "adc_delay", delay)


def _load_file(serial: str | None) -> dict[str, Any]:
    """All calibrations of a board, by name. Raises CalibrationError."""
    if serial is None or not PLAIN.fullmatch(serial):
        return {}
    try:
        said = json.loads(path_of(serial).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        raise _invalid_file(serial) from None
    if not isinstance(said, dict):
        raise _invalid_file(serial)
    return said


def _keep(serial: str, name: str, what: dict[str, Any] | float) -> Path:
    path = path_of(serial)
    everything = {**_load_file(serial), name: what}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, json.dumps(everything) + "\n")
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def _invalid_file(serial: str | None) -> CalibrationError:
    assert serial is not None, "nothing is kept without one"
    return CalibrationError(f"{path_of(serial)}: not a calibration; delete it, and calibrate again")
