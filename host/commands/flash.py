"""`trelscope flash`: put a bitstream into a board."""

import argparse
import sys
from pathlib import Path

from trelscope.gateware.digest import gateware_digest
from trelscope.gateware.platform.boards import BOARDS
from trelscope.host.commands.common import Commands, say
from trelscope.host.errors import UserError
from trelscope.host.flash import flash
from trelscope.host.flash.bitstream import built, check
from trelscope.host.link.ports import serial_of


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "flash", help="put a bitstream into a board, and check that it is there"
    )
    p.set_defaults(command=_flash)
    p.add_argument(
        "--board", required=True, choices=list(BOARDS), metavar="BOARD", help=", ".join(BOARDS)
    )
    where = p.add_mutually_exclusive_group()
    where.add_argument("--sram", action="store_true", help="until the power goes (default)")
    where.add_argument("--spi", action="store_true", help="for good, with verify")
    p.add_argument(
        "--file", type=Path, metavar="FILE.bit", help="(default: what `trelscope build` made)"
    )
    p.add_argument(
        "--port", help="serial port to ask afterwards (default: the board's, if there is one)"
    )
    p.add_argument("--dry-run", action="store_true", help="print the commands, touch nothing")


def _flash(options: argparse.Namespace) -> int:
    board = BOARDS[options.board]
    path = options.file or built(board)
    if options.file is None and not path.exists():
        unbuilt = f"no bitstream has been built for the {board.title}: `trelscope build --board {board.name}`"
        if not options.dry_run:
            raise UserError(unbuilt)
        say(f"trelscope: {unbuilt}; then this would be done")
        manifest = None
    else:
        manifest = check(path, board)
    if manifest is not None and manifest.digest != gateware_digest():
        say(f"{path}: built from other gateware than is here; `trelscope build` makes it anew")
    serial = serial_of(options.port)
    job = flash.Job(board, path, options.spi, flash.programmer_of(board, serial), serial)
    if options.dry_run:
        print(job.in_words())
        return 0
    gate = f", gate {manifest.gate}" if manifest else ""
    say(f"{board.title}: {path}{gate}, into {'its SPI flash' if job.spi else 'its SRAM'}")
    flash.write(job, _show if sys.stderr.isatty() else lambda text: None)
    identity = flash.confirm(board, manifest, options.port)
    about = f"as built, gate {manifest.gate}" if manifest else "no manifest to compare it with"
    print(
        f"{board.title} answers: protocol {identity.version}, digest {identity.digest:08x} ({about})"
    )
    return 0


def _show(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)
