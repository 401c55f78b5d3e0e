"""What several commands share: argument types, and talking to the terminal."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TypeAlias

from trelscope.host.acquisition.capture import capture
from trelscope.host.files.recordings import Recording
from trelscope.host.link.record import RecordedLink
from trelscope.host.link.urls import open_link
from trelscope.host.settings import Asked, Settings
from trelscope.host.units import parse_si

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def number(text: str) -> float:
    """A number with an optional SI suffix."""
    try:
        return parse_si(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """A whole number of at least 1, with an optional SI suffix."""
    value = number(text)
    if value != int(value) or value < 1:
        raise argparse.ArgumentTypeError(f"not a whole number of at least 1: {text!r}")
    return int(value)


def add_settings(p: argparse.ArgumentParser) -> None:
    """Add what a capture's settings are asked for with; see `asked`."""
    p.add_argument("--volts", type=number, help="drive level, 3 to 7 (default 5)")
    p.add_argument("--rate", type=number, help="pulses per second (default 10k)")
    p.add_argument("--width", type=number, help="pulse width in s (default half the period)")
    p.add_argument("--pulses", type=count, help="pulses to average (default 4096)")
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


def asked(options: argparse.Namespace) -> Asked:
    """What was asked for with `add_settings`, the rest by default."""
    given = {f.name: getattr(options, f.name, None) for f in fields(Asked)}
    if options.mode is not None:
        given["counting"] = options.mode == "counting"
    return Asked(**{name: value for name, value in given.items() if value is not None})


def _window_range(text: str) -> tuple[float, float]:
    start, colon, length = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"not START:LENGTH: {text!r} (write e.g. -2u:20u)")
    return number(start), number(length)


def run_capture(
    source: str,
    settings_for: Callable[[int], Settings],
    seed: int,
    paced: bool,
    counting: bool | None = None,
    record: Path | None = None,
) -> Recording:
    """Open `source`, capture with progress on the terminal, close it; record: where to keep the link's bytes."""
    link = open_link(source, seed, paced, say)
    if record is not None:
        link = RecordedLink(link, record)
    try:
        return capture(link, settings_for, _progress if sys.stderr.isatty() else _quiet, counting)
    finally:
        link.close()


def say(line: str) -> None:
    """Tell the user something that is not the result."""
    print(line, file=sys.stderr, flush=True)


def _progress(done: int, total: int) -> None:
    end = "\n" if done >= total else ""
    print(f"\r{done} of {total} pulses", end=end, file=sys.stderr, flush=True)


def _quiet(done: int, total: int) -> None:
    pass
