"""`trelscope export`: a recording in another format."""

import argparse
from dataclasses import replace
from pathlib import Path

from trelscope.host.commands import reading
from trelscope.host.commands.common import FORCE, Commands, add_notes, notes
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
    add_notes(p)
    reading.add_reading(p)


def _export(options: argparse.Namespace) -> int:
    recordings.check(options.output, options.force)
    recording = reading.load(options.file, reading.choices(options))
    metadata = {**recording.metadata, **notes(options)}
    recordings.save(options.output, replace(recording, metadata=metadata))
    return 0
