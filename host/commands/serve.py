"""`trelscope serve`: put an emulated board on a TCP port."""

import argparse
import signal
from urllib.parse import urlsplit

from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.commands.common import SEED, Commands, say
from trelscope.host.link.front_end import query_for
from trelscope.host.link.url_options import url_options
from trelscope.host.link.urls import DEFAULT_SOURCE
from trelscope.host.serve.faults import parse_faults
from trelscope.host.serve.server import ServeError, Server
from trelscope.sim.compiler.build import CompileError
from trelscope.sim.emulator import Board
from trelscope.sim.presets.presets import PresetError, load_plant

HOST = "127.0.0.1"
PORT = 8735  # TREL on a telephone's keys
FLAT_OUT = 3.0  # times real time: any faster, and the board's watchdog would bite before its host thinks of it


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("serve", help="put an emulated board on a TCP port", parents=[SEED])
    p.set_defaults(command=_serve)
    p.add_argument(
        "source", nargs="?", default=DEFAULT_SOURCE, metavar="SOURCE", help="%(default)s"
    )
    p.add_argument("--port", type=_port, default=PORT, help="%(default)s; 0 takes any free one")
    p.add_argument(
        "--host",
        default=HOST,
        metavar="ADDR",
        help="address to listen on (default %(default)s: this machine alone can connect)",
    )
    p.add_argument(
        "--flat-out", action="store_true", help=f"up to {FLAT_OUT:g} times as fast as real time"
    )
    p.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND=VALUE",
        help="for tests, may be repeated: drop=1e-6, corrupt=1e-6, stall=100k:2, disconnect=100k, slow=500",
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"not a port: {text!r} (0 to 65535)")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    faults = parse_faults(options.fault)
    parts = urlsplit(options.source)
    if parts.scheme != "emulator":
        raise ServeError(
            f"cannot serve {options.source!r}: only an emulated board, e.g. {DEFAULT_SOURCE}"
        )
    try:
        plant = load_plant(parts.path, url_options(options.source))
        board = Board(plant, options.seed, report=say)
    except (PresetError, CompileError) as error:
        raise ServeError(str(error)) from None
    seed = options.seed & (2**64 - 1)
    speed = FLAT_OUT if options.flat_out else 1.0
    server = Server(board, options.host, options.port, speed, faults, seed, say)
    before = {
        each: signal.signal(each, lambda *_: server.stop())
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        # Its client cannot ask what the codes mean.
        query = query_for(FrontEnd.of(plant.detector, plant.monitor))
        print(server.address + (f"?{query}" if query else ""), flush=True)
        server.run()
    finally:
        server.close()
        for each, handler in before.items():
            signal.signal(each, handler)
    return 0
