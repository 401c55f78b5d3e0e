"""`trelscope impedance`: small-signal impedance of an emulated device over frequency, or its capacitance over bias."""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trelscope.host.commands import emulated
from trelscope.host.commands.common import FORCE, JSON, SOURCE, Commands, number
from trelscope.host.errors import UserError
from trelscope.host.files import formats, target
from trelscope.host.link.urls import DEFAULT_SOURCE
from trelscope.sim.physics.device import Device
from trelscope.sim.physics.impedance import capacitance, impedance
from trelscope.sim.presets.presets import load_plant

FREQUENCIES = np.geomspace(20.0, 20e6, 61)
"""Hz: from where the paper begins, ten a decade; the paper ends at 10 kHz, below what a microsecond needs."""

BIASES = np.linspace(0.0, 7.0, 71)
"""V, of a capacitance-voltage curve."""

COLUMNS = ("frequency", "bias", "re", "im", "capacitance")
UNITS = ("Hz", "V", "ohm", "ohm", "F")
HEAD = ",".join(f"{column} ({unit})" for column, unit in zip(COLUMNS, UNITS, strict=True))


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "impedance",
        help="small-signal impedance of an emulated device",
        parents=[SOURCE, JSON, FORCE],
    )
    p.set_defaults(command=_impedance)
    p.add_argument("--bias", type=_bias, default=5.0, metavar="V", help="0 to 7 (default 5)")
    p.add_argument(
        "--cv", type=_frequency, metavar="HZ", help="at this frequency, over bias from 0 to 7 V"
    )
    p.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="save as .csv")


def _bias(text: str) -> float:
    return _within(text, BIASES[0], BIASES[-1], "V")


def _frequency(text: str) -> float:
    return _within(text, 1e-2, 1e9, "Hz")


def _within(text: str, low: float, high: float, unit: str) -> float:
    value = number(text, unit)
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not from {low:g} to {high:g} {unit}")
    return value


def _impedance(options: argparse.Namespace) -> int:
    if options.output:
        if options.output.suffix != ".csv":
            raise UserError(f"{options.output}: unknown kind of file; use .csv")
        target.check_writable(options.output)
        if not options.force:
            target.check_replaceable(options.output, "a table of impedances", _is_table)
    preset, overrides = emulated.split(options.source)
    with emulated.refusing():
        device = load_plant(preset, overrides).device
    if not isinstance(device, Device):
        raise UserError(
            f"{options.source!r} is not driven and has no impedance; try {DEFAULT_SOURCE}"
        )
    frequencies = FREQUENCIES if options.cv is None else np.array([options.cv])
    biases = (options.bias,) if options.cv is None else BIASES
    rows = [row for bias in biases for row in _rows(device, frequencies, float(bias))]
    try:  # a table that cannot be printed is saved, and one that cannot be saved is printed
        if options.json:
            named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
            print(json.dumps({"source": options.source, "rows": named}), flush=True)
        else:
            lines = ["".join(f"{value:17.6g}" for value in row) for row in rows]
            head = "".join(f"{f'{c} ({u})':>17}" for c, u in zip(COLUMNS, UNITS, strict=True))
            print("\n".join([head, *lines]), flush=True)
    finally:
        if options.output:
            _save(options.output, rows)
    return 0


def _rows(device: Device, frequencies: NDArray[np.float64], bias: float) -> list[tuple[float, ...]]:
    z = impedance(device, frequencies, bias)
    c = capacitance(device, frequencies, bias)
    columns = (frequencies, np.full(len(z), bias), z.real, z.imag, c)
    return [tuple(map(float, row)) for row in zip(*columns, strict=True)]


def _save(path: Path, rows: list[tuple[float, ...]]) -> None:
    lines = [HEAD, *(",".join(map(repr, row)) for row in rows)]
    formats.store(path, "\n".join(lines) + "\n")


def _is_table(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.readline(len(HEAD) + 1) == f"{HEAD}\n".encode()
    except OSError:
        return False
