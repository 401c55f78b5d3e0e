"""`trelscope boards`: what is attached, and where a board's pins are."""

import argparse

import numpy as np

from trelscope.gateware.platform.boards import BOARDS, SIGNALS, BoardFacts
from trelscope.host.calibration import saved
from trelscope.host.calibration.level import CalibrationError, Level
from trelscope.host.commands.common import Commands
from trelscope.host.link import ports
from trelscope.host.units import format_si


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("boards", help="list the serial ports and boards that are attached")
    p.set_defaults(command=_boards)
    p.add_argument(
        "--pins",
        choices=list(BOARDS),
        metavar="BOARD",
        help=f"list instead which pin of a board is which signal: {', '.join(BOARDS)}",
    )


def _boards(options: argparse.Namespace) -> int:
    if options.pins:
        _print_pins(BOARDS[options.pins])
        return 0
    found = ports.ports()
    if not found:
        print("no serial port, and so no board, is attached; plug one in with a USB data cable")
        return 0
    for port in found:
        usb = "" if port.usb is None else f"{port.usb[0]:04x}:{port.usb[1]:04x}"
        boards = " or ".join(board.name for board in port.boards)
        serial = port.serial or "no serial number"
        print(f"{port.device:<16}{usb:<11}{serial:<18}{port.product}")
        print(f"{'':<16}{'may be ' + boards if boards else 'no board known here'}")
        for line in _kept(port.serial):
            print(f"{'':<16}{line}")
    if not ports.candidates():
        print("\nnone of these looks like a board; plug one in with a USB data cable")
    else:
        named = ports.candidates()[-1]
        print(f"\nto use one: trelscope capture serial:{named.serial or named.device}")
    return 0


def _print_pins(board: BoardFacts) -> None:
    """The board's pins as a table; `header pin` is the number counted on the header itself, where it is another."""
    header = f"{'header pin':<12}" if board.header else ""
    print(f"{'signal':<15}{'pin':<12}{header}{'':<5}what is there")
    for signal, (direction, words) in SIGNALS.items():
        for n, (name, pin) in enumerate(board.named_pins(signal)):
            at = f"{board.header[pin]:<12}" if board.header else ""
            way = {"i": "in", "o": "out"}[direction]
            print(f"{name:<15}{pin:<12}{at}{way:<5}{'' if n else words}".rstrip())


def _kept(serial: str | None) -> list[str]:
    """What is kept of a board, a line for each calibration."""
    try:
        level, table = saved.load(serial), saved.load_phases(serial)
        delay = saved.load_adc_delay(serial)
    except CalibrationError as error:
        return [str(error)]
    lines = []
    if level != Level():
        lines.append(f"level: gain {level.gain:.5f}, offset {level.offset * 1e3:+.1f} mV")
    if delay is not None:
        lines.append(f"ADC: data delayed by {format_si(delay, 's')}")
    if table is not None:
        late = ["?" if np.isnan(each) else f"{each * 1e12:+.0f}" for each in table.offsets]
        lines.append(f"launch phases 0 to 7 late by {' '.join(late)} ps")
    return lines
