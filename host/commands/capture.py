"""`trelscope capture`: average pulses, measure the trace, print or save it."""

import argparse
import json
from pathlib import Path

from host import export, store
from host.commands.common import Commands, count, number, run_capture
from host.link.open import DEFAULT_SOURCE
from host.report import table
from host.settings import plan


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("capture", help="average pulses, measure the trace, print or save it")
    p.set_defaults(command=_capture)
    p.add_argument(
        "source", nargs="?", default=DEFAULT_SOURCE, metavar="SOURCE", help="%(default)s"
    )
    p.add_argument("--volts", type=number, default=5.0, help="drive level, 3 to 7 (default 5)")
    p.add_argument("--rate", type=number, default=10e3, help="pulses per second (default 10k)")
    p.add_argument("--width", type=number, help="pulse width in s (default half the period)")
    p.add_argument("--pulses", type=count, default=4096, help="pulses to average (default 4096)")
    p.add_argument(
        "--window",
        type=_window_range,
        metavar="START:LENGTH",
        help="s from the drive edge, and s (default: the pulse and its decay)",
    )
    p.add_argument("--bin", type=number, help="bin width in s (default: the finest that fits)")
    p.add_argument(
        "--mode",
        choices=("analog", "counting"),
        help="sum samples or count photons (default: count where the detector does)",
    )
    p.add_argument("--seed", type=int, default=0, help="of the emulated noise (default 0)")
    p.add_argument("--flat-out", action="store_true", help="let the emulator outrun real time")
    p.add_argument("--json", action="store_true", help="print one JSON object")
    p.add_argument("-o", "--output", type=Path, metavar="FILE", help="save as .h5, .csv or .npz")


def _window_range(text: str) -> tuple[float, float]:
    start, colon, length = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"not START:LENGTH: {text!r} (write e.g. -2u:20u)")
    return number(start), number(length)


def _capture(options: argparse.Namespace) -> int:
    if options.output:
        export.check(options.output)
    result = run_capture(
        options.source,
        lambda depth: plan(
            depth,
            options.volts,
            options.rate,
            options.width,
            options.pulses,
            options.window,
            options.bin,
        ),
        options.seed,
        paced=not options.flat_out,
        counting=None if options.mode is None else options.mode == "counting",
    )
    if options.output:
        store.save(options.output, result)
    print(json.dumps(result.about()) if options.json else table(result))
    return 0
