"""What several commands share: argument types, and talking to the terminal."""

import argparse
import sys
from collections.abc import Callable
from typing import TypeAlias

from host.capture import capture
from host.link.open import open_link
from host.settings import Settings
from host.store import Recording
from host.units import parse_si

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


def run_capture(
    source: str,
    settings_for: Callable[[int], Settings],
    seed: int,
    paced: bool,
    counting: bool | None = None,
) -> Recording:
    """Open `source`, capture with progress on the terminal, close it."""
    link = open_link(source, seed, paced, say)
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
