"""`trelscope measure`: measure a recording again, perhaps in another way, or files of other instruments."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from trelscope.host.acquisition.recording import Recording
from trelscope.host.commands import reading
from trelscope.host.commands.common import JSON, Commands, add_levels, number, say, with_levels
from trelscope.host.errors import UserError
from trelscope.host.files.foreign.recording import FOREIGN, SAYS, UNDERSTOOD
from trelscope.host.report import picture
from trelscope.host.report.text import comparison, table


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "measure",
        help="measure recordings again, or files of other instruments",
        description="What is not given is done as it was when the recording was made. How a file of another instrument"
        " was understood is printed above the results. Several files make one table.",
        parents=[JSON],
    )
    p.set_defaults(command=_measure)
    p.add_argument("files", type=Path, nargs="+", metavar="FILE", help=reading.KINDS)
    add_levels(p)
    reading.add_histogram(p)
    p.add_argument(
        "--top-fraction",
        type=_part,
        metavar="PART",
        help="that last part as a fraction of the pulse, e.g. 0.1",
    )
    p.add_argument(
        "--levels", type=_levels, metavar="LOW-HIGH", help="of rise and fall in %%: 10-90, 20-80"
    )
    p.add_argument(
        "--settle-band", type=_part, metavar="PART", help="half its width, e.g. 0.02 for ±2 %%"
    )
    p.add_argument(
        "--plot",
        type=Path,
        metavar="PICTURE",
        help=f"draw the trace: {', '.join(picture.SUFFIXES)}",
    )
    reading.add_reading(p)


def _part(text: str) -> float:
    value = number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"not a part, above 0 and up to 1: {text!r}")
    return value


def _levels(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        levels = number(low, "%") / 100, number(high, "%") / 100
    except argparse.ArgumentTypeError:
        levels = 0.0, 0.0
    if not 0 < levels[0] < levels[1] < 1:
        raise argparse.ArgumentTypeError(f"not LOW-HIGH in %: {text!r} (write e.g. 10-90)")
    return levels


def _measure(options: argparse.Namespace) -> int:
    if options.plot:
        if len(options.files) > 1:
            raise UserError("--plot draws one file; give one, or leave it out")
        picture.check(options.plot)
    if len(options.files) > 1:
        return _several(options)
    result = _measured(options, options.files[0])
    print(json.dumps(_about(result)) if options.json else table(result), flush=True)
    if options.plot:
        picture.write(options.plot, result)
    return 0


def _several(options: argparse.Namespace) -> int:
    """One table of all; a file that cannot be read says why, and stops no other."""
    results: list[tuple[Path, Recording]] = []
    objects: list[dict[str, Any]] = []
    for path in options.files:
        try:
            result = _measured(options, path)
            objects.append({"file": str(path), **_about(result)})
            results.append((path, result))
        except UserError as error:
            objects.append({"file": str(path), "error": str(error)})
            say(f"trelscope: {error}")
    if options.json:
        print(json.dumps({"files": objects}))
    elif results:
        print(comparison(results))
    return 0 if len(results) == len(options.files) else 1


def _about(result: Recording) -> dict[str, Any]:
    """All that is known of a recording, and of a foreign one how it was understood."""
    keys = (FOREIGN, UNDERSTOOD, SAYS, "time_zero")
    return {**result.about(), **{k: result.metadata[k] for k in keys if k in result.metadata}}


def _measured(options: argparse.Namespace, path: Path) -> Recording:
    recording = reading.load(path, reading.choices(options), reading.asked_of_stamps(options))
    changes: dict[str, Any] = {
        "top_fraction": options.top_fraction,
        "settle_band": options.settle_band,
    }
    if options.top_fraction:
        changes["top"] = None  # the level that was given is not what is asked for
    if options.levels:
        changes["low"], changes["high"] = options.levels
    wanted = {k: v for k, v in changes.items() if v is not None or k == "top"}
    return recording.measured(with_levels(options, replace(recording.options, **wanted)))
