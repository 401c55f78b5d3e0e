"""`trelscope capture`: average pulses, measure the trace, print or save it."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from trelscope.host.acquisition.precision import Precision
from trelscope.host.acquisition.until import Until
from trelscope.host.commands.common import (
    FORCE,
    JSON,
    OUTPUT,
    SEED,
    SOURCE,
    Commands,
    add_levels,
    add_notes,
    add_settings,
    notes,
    outcome,
    requested,
    run_capture,
    save,
    say,
    with_levels,
)
from trelscope.host.commands.crash_copy import CrashCopy
from trelscope.host.files import recordings, target
from trelscope.host.link.record import is_recorded
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.planning import CaptureRequest, SettingsError
from trelscope.host.report.text import table


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "capture",
        help="average pulses, measure the trace, print or save it",
        parents=[SOURCE, SEED, OUTPUT, JSON, FORCE],
    )
    p.set_defaults(command=_capture)
    add_settings(p)
    add_levels(p)
    add_notes(p)
    p.add_argument(
        "--until",
        type=_precision,
        metavar="0.1%|1n",
        help="go on until the standard error is at most this part of the quantity, or this many seconds;"
        " --pulses limits the number of pulses",
    )
    p.add_argument(
        "--quantity",
        choices=tuple(DEFINITIONS),
        default="response",
        help="the quantity whose error --until looks at (default: response)",
    )
    p.add_argument("--flat-out", action="store_true", help="let the emulator outrun real time")
    p.add_argument(
        "--record",
        type=Path,
        metavar="FILE.trel",
        help="keep the link's bytes, for replay:FILE.trel",
    )


def _capture(options: argparse.Namespace) -> int:
    _check_files(options)
    wanted = requested(options)
    if options.source.startswith("replay:") and (wanted != CaptureRequest() or options.record):
        raise SettingsError(
            f"{options.source} is recorded, with the settings it has; leave out --record and all settings"
        )
    until = None
    if options.until is not None:
        if options.source.startswith("replay:"):
            raise SettingsError(f"{options.source} has the pulses that it has; leave out --until")
        if not options.until.applies_to(DEFINITIONS[options.quantity].unit):
            raise SettingsError(
                f"{options.quantity} is no time: give --until a part of it, such as 1%, not {options.until}"
            )
        until = Until(
            options.until, options.quantity, lambda measuring: with_levels(options, measuring)
        )
        if options.pulses is None:
            wanted = replace(wanted, pulses=0)
    crash_copy = CrashCopy(say)
    result = run_capture(
        options.source,
        wanted.plan,
        options.seed,
        paced=not options.flat_out,
        counting=wanted.counting,
        record=options.record,
        crash_copy=crash_copy,
        known=notes(options),
        until=until,
    )
    result = result.measured(with_levels(options, result.options))
    try:  # a result that cannot be printed is saved, and one that cannot be saved is printed
        print(json.dumps(result.about()) if options.json else table(result), flush=True)
    finally:
        if options.output:
            save(options.output, result, crash_copy)
    crash_copy.discard()
    if until is not None and not result.incomplete and not until.satisfied(result):
        say(
            f"trelscope: {until.quantity} is not known to {until.precision} after {options.pulses} pulses; "
            "allow more with --pulses"
        )
        return 1
    return outcome(result)


def _precision(text: str) -> Precision:
    try:
        return Precision.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _check_files(options: argparse.Namespace) -> None:
    """Refuse files that cannot be written, before anything moves. Raises FileError, SettingsError."""
    if options.output:
        recordings.check(options.output, options.force)
    if options.record:
        target.check_writable(options.record)
        if not options.force:
            target.check_replaceable(options.record, "a recorded link", is_recorded)
    if options.output and options.record and target.same_file(options.output, options.record):
        raise SettingsError(f"{options.output}: -o and --record need a file each")
