"""`trelscope boards`: what is attached."""

import argparse

from host import attached
from host.commands.common import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("boards", help="list the serial ports and boards that are attached")
    p.set_defaults(command=_boards)


def _boards(options: argparse.Namespace) -> int:
    ports = attached.ports()
    if not ports:
        print("no serial port, and so no board, is attached; plug one in with a USB data cable")
        return 0
    for port in ports:
        usb = "" if port.usb is None else f"{port.usb[0]:04x}:{port.usb[1]:04x}"
        boards = " or ".join(board.name for board in port.boards)
        serial = port.serial or "no serial number"
        print(f"{port.device:<16}{usb:<11}{serial:<18}{port.product}")
        print(f"{'':<16}{'may be ' + boards if boards else 'no board known here'}")
    if not attached.candidates():
        print("\nnone of these looks like a board; plug one in with a USB data cable")
    else:
        named = attached.candidates()[-1]
        print(f"\nto use one: trelscope capture serial:{named.serial or named.device}")
    return 0
