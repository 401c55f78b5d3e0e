"""`trelscope build`: a bitstream for a board."""

import argparse
import json
from dataclasses import replace
from typing import Any

from trelscope.gateware import build as bitstreams
from trelscope.gateware.platform.boards import BOARDS
from trelscope.host.commands.common import JSON, Commands, say, whole
from trelscope.host.errors import UserError
from trelscope.host.flash.bitstream import built


class BuildError(UserError):
    """There is no bitstream; the message says why in one line."""


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("build", help="make a bitstream for a board", parents=[JSON])
    p.set_defaults(command=_build)
    p.add_argument(
        "--board", required=True, choices=list(BOARDS), metavar="BOARD", help=", ".join(BOARDS)
    )
    p.add_argument(
        "--seed",
        type=whole,
        help="seed of place and route (default: the first of five that closes)",
    )
    p.add_argument(
        "--gate-active-low",
        action="store_true",
        help="for a drive switch that inverts: it drives the device while `gate` is low (docs/hardware.md)",
    )


def _build(options: argparse.Namespace) -> int:
    board = replace(BOARDS[options.board], gate_active_low=options.gate_active_low)
    try:
        folder = built(board).parent
        if options.seed is None:
            result = bitstreams.build_any(board, folder, say)
        else:
            result = bitstreams.build(board, options.seed, folder, say)
    except bitstreams.TimingError as error:
        if options.json:
            print(json.dumps(error.result.as_dict()))
        raise BuildError(str(error)) from None
    except bitstreams.BuildError as error:
        raise BuildError(str(error)) from None
    print(json.dumps(result.as_dict()) if options.json else _summary(result))
    return 0


def _summary(result: bitstreams.Result) -> str:
    """What a person wants to know."""
    m: dict[str, Any] = result.manifest
    clocks = [
        f"  {clock:<7}{f['achieved']:7.1f} MHz of {f['constraint']:g} needed"
        for clock, f in m["fmax_mhz"].items()
    ]
    parts = [
        f"  {name:<13}{n['used']:6} of {n['available']}" for name, n in m["utilisation"].items()
    ]
    return "\n".join([str(result.bitstream), f"  gate {m['gate']}", *clocks, *parts])
