"""`trelscope serve`: put an emulated board on a TCP port."""

import argparse
import re
import signal

from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.commands.common import SEED, SOURCE, Commands, say
from trelscope.host.link.front_end import query_for
from trelscope.host.link.url_options import url_options, url_parts
from trelscope.host.link.urls import DEFAULT_SOURCE
from trelscope.host.serve.faults import parse_faults
from trelscope.host.serve.server import ServeError, Server, is_local
from trelscope.sim.compiler.build import CompileError
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import PresetError, load_plant

HOST = "127.0.0.1"
PORT = 8735  # TREL on a telephone's keys
FLAT_OUT = 3.0  # times real time: any faster, and the board's watchdog would bite before its host thinks of it


class UsageError(ServeError):
    """Two options do not go together."""

    exit_code = 2


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "serve", help="put an emulated board on a TCP port", parents=[SOURCE, SEED]
    )
    p.set_defaults(command=_serve)
    p.add_argument("--port", type=_port, default=PORT, help="%(default)s; 0 takes any free one")
    p.add_argument(
        "--host",
        default=HOST,
        metavar="ADDR",
        help="address to listen on (default %(default)s: this machine alone can connect)",
    )
    who = p.add_mutually_exclusive_group()
    who.add_argument(
        "--token",
        type=_token,
        help="secret that clients must know: tcp://TOKEN@HOST:PORT; needed unless --host is this machine",
    )
    who.add_argument(
        "--open", action="store_true", help="let whoever reaches the port drive the board"
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


def _token(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,128}", text):
        raise argparse.ArgumentTypeError("a token is 8 to 128 of A-Z a-z 0-9 . _ ~ -")
    return text


def _who_may(host: str, local: bool, token: bool) -> str:
    """Who can drive the board, in words."""
    reach = "any program of this machine" if local else f"any machine that reaches {host}"
    return f"{reach} can drive this board" + (", if it knows the token" if token else "")


def _serve(options: argparse.Namespace) -> int:
    faults = parse_faults(options.fault)
    local = is_local(options.host)
    if not (local or options.token or options.open):
        raise UsageError(
            f"--host {options.host} lets other machines drive the board: give --token SECRET, or --open if they may"
        )
    parts = url_parts(options.source)
    if parts.scheme != "emulator":
        raise ServeError(
            f"cannot serve {options.source!r}: only an emulated board, e.g. {DEFAULT_SOURCE}"
        )
    try:
        plant = load_plant(parts.path, url_options(options.source))
        board = EmulatedBoard(plant, options.seed, report=say)
    except (PresetError, CompileError) as error:
        raise ServeError(str(error)) from None
    seed = options.seed & (2**64 - 1)
    speed = FLAT_OUT if options.flat_out else 1.0
    server = Server(board, options.host, options.port, speed, faults, seed, say, options.token)
    before = {
        each: signal.signal(each, lambda *_: server.stop())
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        say(_who_may(options.host, local, options.token is not None))
        # Its client cannot ask what the codes mean.
        query = query_for(FrontEnd.of(plant.detector, plant.monitor))
        print(server.address + (f"?{query}" if query else ""), flush=True)
        server.run()
    finally:
        server.close()
        for each, handler in before.items():
            signal.signal(each, handler)
    return 0
