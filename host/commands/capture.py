"""`trelscope capture`: average pulses, measure the trace, print or save it."""

import argparse
import json
from pathlib import Path

from trelscope.host.commands.common import (
    JSON,
    OUTPUT,
    SEED,
    Commands,
    add_levels,
    add_settings,
    requested,
    run_capture,
    with_levels,
)
from trelscope.host.files import formats, recordings
from trelscope.host.link.urls import DEFAULT_SOURCE
from trelscope.host.planning import CaptureRequest, SettingsError
from trelscope.host.report.text import table


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "capture",
        help="average pulses, measure the trace, print or save it",
        parents=[SEED, OUTPUT, JSON],
    )
    p.set_defaults(command=_capture)
    p.add_argument(
        "source", nargs="?", default=DEFAULT_SOURCE, metavar="SOURCE", help="%(default)s"
    )
    add_settings(p)
    add_levels(p)
    p.add_argument("--flat-out", action="store_true", help="let the emulator outrun real time")
    p.add_argument(
        "--record",
        type=Path,
        metavar="FILE.trel",
        help="keep the link's bytes, for replay:FILE.trel",
    )


def _capture(options: argparse.Namespace) -> int:
    if options.output:
        formats.check(options.output)
    if options.record:
        formats.check_writable(options.record)
    wanted = requested(options)
    if options.source.startswith("replay:") and (wanted != CaptureRequest() or options.record):
        raise SettingsError(
            f"{options.source} is recorded, with the settings it has; leave out --record and all settings"
        )
    result = run_capture(
        options.source,
        wanted.plan,
        options.seed,
        paced=not options.flat_out,
        counting=wanted.counting,
        record=options.record,
    )
    result = result.measured(with_levels(options, result.options))
    if options.output:
        recordings.save(options.output, result)
    print(json.dumps(result.about()) if options.json else table(result))
    return 0
