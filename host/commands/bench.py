"""`trelscope bench`: how fast the instrument runs here, and next to other ways to run it."""

import argparse
import json

from host.commands.common import Commands, say


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("bench", help="how fast the emulator is, next to other simulators")
    p.set_defaults(command=_bench)
    p.add_argument("--json", action="store_true", help="print one JSON object")
    p.add_argument(
        "--quick",
        action="store_true",
        help="only show that it works: seconds, figures mean nothing",
    )


def _bench(options: argparse.Namespace) -> int:
    from host.bench import gateware, instrument, startup  # nobody else needs them
    from host.bench.effort import FULL, QUICK
    from host.bench.machine import machine
    from host.bench.rows import table

    effort = QUICK if options.quick else FULL
    here = machine()
    rows = [row for group in (instrument, gateware, startup) for row in group.rows(effort, say)]
    if options.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows], "machine": here}))
    else:
        print(table(rows))
        print(f"\n{here['processor']}, {here['system']}, load before {here['load']}")
    return 0
