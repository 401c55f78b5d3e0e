"""The `trelscope` command."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from host import export
from host.acquire import AcquisitionError
from host.capture import Capture, capture
from host.instrument import InstrumentError
from host.link import LinkError
from host.link.open import DEFAULT_SOURCE, open_link
from host.report import table
from host.settings import Settings, SettingsError, plan
from host.units import parse_si

FAILED, USAGE = 1, 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(USAGE, f"trelscope: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 something went wrong, 2 wrong usage. Never a traceback for a user's error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except SettingsError as error:
        return _fail(str(error), USAGE)
    except (LinkError, InstrumentError, AcquisitionError, export.ExportError) as error:
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was written", FAILED)
    except BrokenPipeError:  # `trelscope … | head`: nobody is reading any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> _Parser:
    parser = _Parser(
        prog="trelscope",
        description="Time-resolved electroluminescence: live window, capture, measurement.",
    )
    parser.set_defaults(command=_window, source=DEFAULT_SOURCE)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    p = commands.add_parser("capture", help="average pulses, measure the trace, print or save it")
    p.set_defaults(command=_capture)
    p.add_argument(
        "source", nargs="?", default=DEFAULT_SOURCE, metavar="SOURCE", help="%(default)s"
    )
    p.add_argument("--volts", type=_number, default=5.0, help="drive level, 3 to 7 (default 5)")
    p.add_argument("--rate", type=_number, default=10e3, help="pulses per second (default 10k)")
    p.add_argument("--width", type=_number, help="pulse width in s (default half the period)")
    p.add_argument("--pulses", type=_count, default=4096, help="pulses to average (default 4096)")
    p.add_argument(
        "--window",
        type=_window_range,
        metavar="START:LENGTH",
        help="s from the drive edge, and s (default: the pulse and its decay)",
    )
    p.add_argument("--bin", type=_number, help="bin width in s (default: the finest that fits)")
    p.add_argument("--seed", type=int, default=0, help="of the emulated noise (default 0)")
    p.add_argument("--flat-out", action="store_true", help="let the emulator outrun real time")
    p.add_argument("--json", action="store_true", help="print one JSON object")
    p.add_argument("-o", "--output", type=Path, metavar="FILE", help="save as .h5, .csv or .npz")
    return parser


def _number(text: str) -> float:
    try:
        return parse_si(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    number = _number(text)
    if number != int(number) or number < 1:
        raise argparse.ArgumentTypeError(f"not a whole number of at least 1: {text!r}")
    return int(number)


def _window_range(text: str) -> tuple[float, float]:
    start, colon, length = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"not START:LENGTH: {text!r} (write e.g. -2u:20u)")
    return _number(start), _number(length)


def _window(options: argparse.Namespace) -> int:
    if not _has_display():
        _say(
            "no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): capturing without a window"
        )
        picture = Path("trelscope.png")
        export.check_writable(picture)
        result = _run(options.source, plan, seed=0, paced=False)
        from host.plot import write_png  # needs Qt's libraries, which a capture does not

        print(table(result))
        write_png(result, picture)
        print(f"plot: {picture}")
        return 0
    from host.app.main import run

    return run(options.source)


def _has_display() -> bool:
    return (
        sys.platform in ("win32", "darwin")
        or bool(os.environ.get("DISPLAY"))
        or bool(os.environ.get("WAYLAND_DISPLAY"))
    )


def _capture(options: argparse.Namespace) -> int:
    if options.output:
        export.check(options.output)
    result = _run(
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
    )
    if options.output:
        export.write(options.output, result.light, result.drive, result.about())
    print(json.dumps(result.about()) if options.json else table(result))
    return 0


def _run(source: str, settings_for: Callable[[int], Settings], seed: int, paced: bool) -> Capture:
    link = open_link(source, seed, paced, _say)
    try:
        return capture(link, settings_for, _progress if sys.stderr.isatty() else _quiet)
    finally:
        link.close()


def _progress(done: int, total: int) -> None:
    end = "\n" if done >= total else ""
    print(f"\r{done} of {total} pulses", end=end, file=sys.stderr, flush=True)


def _quiet(done: int, total: int) -> None:
    pass


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _fail(message: str, code: int) -> int:
    print(f"trelscope: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
