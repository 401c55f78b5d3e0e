"""The `trelscope` command."""

import argparse
import os
import re
import sys
from collections.abc import Sequence

from trelscope.host.commands import (
    bench,
    boards,
    build,
    calibrate,
    capture,
    decay,
    doctor,
    export,
    flash,
    impedance,
    measure,
    paper,
    presets,
    recover,
    serve,
    sweep,
    tags,
    window,
)
from trelscope.host.commands.common import say
from trelscope.host.commands.interruption import as_interrupts
from trelscope.host.errors import UserError
from trelscope.host.link.token import put_away
from trelscope.host.link.urls import DEFAULT_SOURCE, as_typed
from trelscope.host.terminal import tolerate
from trelscope.sim.presets.presets import PresetError, device_names

FAILED, USAGE = 1, 2
_OPTION = re.compile(r"--[a-z][a-z-]*")
_NEGATIVE = re.compile(r"-\.?[0-9]")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(USAGE, f"trelscope: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 something went wrong, 2 wrong usage. Never a traceback for a user's error."""
    tolerate()
    given = [put_away(each) for each in (sys.argv[1:] if arguments is None else arguments)]
    try:
        with as_interrupts():
            code = _run(given)
            sys.stdout.flush()  # what cannot be printed is noticed here, not at the interpreter's end
            return code
    except UserError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", FAILED)
    except BrokenPipeError:  # `trelscope … | head`: nobody is reading any more
        _print_no_more()
        return FAILED
    except OSError as error:
        _print_no_more()
        what = error.filename or "the results cannot be printed"
        return _fail(f"{what}: {error.strerror or error}", FAILED)


def _run(given: list[str]) -> int:
    if len(given) == 1 and _is_source(given[0]):
        return window.show(as_typed(given[0]))
    options = _parser().parse_args(_with_negative_values(given))
    return int(options.command(options))


def _print_no_more() -> None:
    """Let go of what is still to be printed: the interpreter would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> _Parser:
    parser = _Parser(
        prog="trelscope",
        usage="%(prog)s [SOURCE | COMMAND ...]",
        description="Time-resolved electroluminescence: live window, capture, measurement."
        f" Without a command: the live window, on SOURCE, e.g. {DEFAULT_SOURCE}, or where it was left.",
    )
    parser.set_defaults(command=lambda _: window.show(None))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (
        capture,
        tags,
        sweep,
        measure,
        export,
        recover,
        decay,
        paper,
        serve,
        presets,
        impedance,
        build,
        boards,
        flash,
        calibrate,
        bench,
        doctor,
    ):
        command.add(commands)
    return parser


def _with_negative_values(arguments: list[str]) -> list[str]:
    """`--window -2u:20u` as `--window=-2u:20u`: no option begins with a digit, but argparse takes it for one."""
    joined: list[str] = []
    for argument in arguments:
        if _NEGATIVE.match(argument) and joined and _OPTION.fullmatch(joined[-1]):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _is_source(argument: str) -> bool:
    """Whether it is a preset, or cannot be a command: none has a colon in its name."""
    if argument.startswith("-") or ":" in argument:
        return not argument.startswith("-")
    try:
        return argument.partition("?")[0] in device_names()
    except PresetError:  # in a file of presets: whoever opens one will say so
        return False


def _fail(message: str, code: int) -> int:
    say(f"trelscope: {message}")
    return code


if __name__ == "__main__":
    sys.exit(main())
