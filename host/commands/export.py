"""`trelscope export`: a recording in another format."""

import argparse
from pathlib import Path

from trelscope.host.commands import reading
from trelscope.host.commands.common import FORCE, Commands
from trelscope.host.files import formats, recordings


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "export",
        help="write a recording, or a file of another instrument, in another format",
        parents=[FORCE],
    )
    p.set_defaults(command=_export)
    p.add_argument("file", type=Path, metavar="FILE", help=reading.KINDS)
    p.add_argument(
        "-o", "--output", type=Path, metavar="OUT", required=True, help=", ".join(formats.FORMATS)
    )
    reading.add_reading(p)


def _export(options: argparse.Namespace) -> int:
    recordings.check(options.output, options.force)
    recordings.save(options.output, reading.load(options.file, reading.choices(options)))
    return 0
