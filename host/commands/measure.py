"""`trelscope measure`: measure a recording again, perhaps in another way."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from trelscope.host.commands import recorded
from trelscope.host.commands.common import JSON, Commands, add_levels, number, with_levels
from trelscope.host.report.text import table


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "measure",
        help="measure a recording again",
        description="What is not given is done as it was when the recording was made.",
        parents=[JSON],
    )
    p.set_defaults(command=_measure)
    p.add_argument("file", type=Path, metavar="FILE", help=recorded.KINDS)
    add_levels(p)
    recorded.add_histogram(p)
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
    recording = recorded.load(options.file, options.window, options.bin)
    changes: dict[str, Any] = {
        "top_fraction": options.top_fraction,
        "settle_band": options.settle_band,
    }
    if options.top_fraction:
        changes["top"] = None  # the level that was given is not what is asked for
    if options.levels:
        changes["low"], changes["high"] = options.levels
    wanted = {k: v for k, v in changes.items() if v is not None or k == "top"}
    result = recording.measured(with_levels(options, replace(recording.options, **wanted)))
    print(json.dumps(result.about()) if options.json else table(result))
    return 0
