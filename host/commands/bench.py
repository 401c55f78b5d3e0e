"""`trelscope bench`: how fast the instrument runs here and how precise it is, next to other ways."""

import argparse
import json

from trelscope.host.commands.common import JSON, Commands, say


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "bench", help="how fast and how precise this is, next to other ways", parents=[JSON]
    )
    p.set_defaults(command=_bench)
    p.add_argument(
        "--quick",
        action="store_true",
        help="only show that it works: seconds, figures mean nothing",
    )


def _bench(options: argparse.Namespace) -> int:
    from trelscope.host.bench import (  # only here
        gateware,
        instrument,
        photons,
        precision,
        startup,
        window,
    )
    from trelscope.host.bench.effort import FULL, QUICK
    from trelscope.host.bench.machine import machine
    from trelscope.host.bench.rows import table

    effort = QUICK if options.quick else FULL
    here = machine()
    groups = (instrument, gateware, photons, startup, window, precision)
    rows = [row for group in groups for row in group.rows(effort, say)]
    if options.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows], "machine": here}))
    else:
        print(table(rows))
        print(f"\n{here['processor']}, {here['system']}, load before {here['load']}")
    return 0
