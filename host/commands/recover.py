"""`trelscope recover`: what killed captures and windows have left, listed and saved as recordings."""

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from trelscope.host.commands.common import FORCE, JSON, Commands, say
from trelscope.host.errors import UserError
from trelscope.host.files import (
    formats,
    journal,
    photon_runs,
    recordings,
    recovery,
    tag_journal,
)
from trelscope.host.planning import SettingsError
from trelscope.host.report.text import printable


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "recover",
        help="what killed captures and windows have left",
        description="Without -o: list it. With -o: save it as recordings, and remove each crash copy that has been"
        " saved.",
        parents=[JSON, FORCE],
    )
    p.set_defaults(command=_recover)
    p.add_argument(
        "journal",
        nargs="*",
        type=Path,
        metavar="JOURNAL",
        help="as listed (default: all that no program is still writing)",
    )
    p.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help=f"a folder, or for one journal a file: {', '.join(formats.FORMATS)}",
    )
    p.add_argument(
        "--discard", action="store_true", help="remove the journals that are named, without saving"
    )


def _recover(options: argparse.Namespace) -> int:
    if options.discard and (options.output or not options.journal):
        raise SettingsError("--discard takes the names of journals, and no -o")
    found = options.journal or journal.left_behind()
    if options.output and len(found) != 1 and formats.is_known(options.output):
        raise SettingsError(
            f"{len(found)} journals do not go into one file: name one, or give -o a folder"
        )
    rows = [_row(path, options) for path in found]
    if options.json:
        print(json.dumps({"journals": rows}))
    elif rows:
        print("\n".join(_line(row) for row in rows))
    else:
        say("nothing has been left behind")
    return 1 if any(row["error"] for row in rows) else 0


def _row(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What a journal holds, and what has become of it."""
    when = datetime.fromtimestamp(journal.written(path)).astimezone()
    row: dict[str, Any] = {
        "journal": str(path),
        "written": when.isoformat(timespec="seconds"),
        "source": None,
        "pulses": 0,
        "saved": None,
        "error": None,
    }
    try:
        if options.discard:
            recovery.discard(path)
            return row
        if path.suffix.lower() == tag_journal.SUFFIX:
            target = _target(path, options.output, options.force) if options.output else None
            run = photon_runs.rescue(path, target)
            row |= {"source": run.source, "pulses": run.accounting.pulses_emitted}
            return {**row, "saved": target and str(target)}
        if options.output:
            target = _target(path, options.output, options.force)
            recording = recovery.rescue(path, target)
        else:
            target = None
            recording = journal.recover(path)
    except UserError as error:
        return {**row, "error": str(error)}
    if recording is not None:
        row |= {"source": recording.source, "pulses": recording.accounting.pulses_averaged}
        row["saved"] = target and str(target)
    return row


def _target(path: Path, output: Path, force: bool) -> Path:
    """The recording that a journal becomes. Raises FileError."""
    if formats.is_known(output):
        target = output
    else:
        recovery.make(output)
        target = output / recovery.recording_name(path)
    check = photon_runs.check if path.suffix.lower() == tag_journal.SUFFIX else recordings.check
    check(target, force)
    return target


def _line(row: dict[str, Any]) -> str:
    if row["error"]:
        return printable(row["error"])
    what = f"{row['pulses']} pulses of {row['source']}" if row["pulses"] else "no pulses"
    where = f", saved as {row['saved']}" if row["saved"] else ""
    return printable(f"{row['journal']}  {row['written']}  {what}{where}")
