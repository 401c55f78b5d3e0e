"""What several commands share: argument types, and talking to the terminal."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.provenance import KEYED, NOTES
from trelscope.host.acquisition.recording import Recording
from trelscope.host.acquisition.until import Until
from trelscope.host.commands.crash_copy import CrashCopy
from trelscope.host.commands.interruption import Interruption
from trelscope.host.files import formats, recordings
from trelscope.host.files.failures import FileError
from trelscope.host.link.record import RecordedLink
from trelscope.host.link.urls import DEFAULT_SOURCE, as_typed, open_link
from trelscope.host.measure.quantities import MeasureOptions, Top
from trelscope.host.planning import CaptureRequest
from trelscope.host.report.text import printable
from trelscope.host.settings import Settings
from trelscope.host.units import parse_si
from trelscope.sim.si_numbers import NumberError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _parent(*names: str, **how: Any) -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(*names, **how)
    return parent


def number(text: str, unit: str = "") -> float:
    """A number with an optional SI prefix, and unit."""
    try:
        return parse_si(text, unit)
    except NumberError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def seconds(text: str) -> float:
    """A time: "50u", "50 us"."""
    return number(text, "s")


def volts(text: str) -> float:
    """A voltage: "5", "5 V"."""
    return number(text, "V")


def hertz(text: str) -> float:
    """A frequency: "10k", "10 kHz"."""
    return number(text, "Hz")


def count(text: str) -> int:
    """A whole number of at least 1, with an optional SI prefix."""
    value = number(text)
    if value != int(value) or value < 1:
        raise argparse.ArgumentTypeError(f"not a whole number of at least 1: {text!r}")
    return int(value)


def whole(text: str) -> int:
    """A whole number of any size, in digits alone."""
    if not re.fullmatch(r"[-+]?[0-9]{1,100}", text):
        raise argparse.ArgumentTypeError(f"not a whole number: {text!r}")
    return int(text)


JSON = _parent("--json", action="store_true", help="print one JSON object")
SEED = _parent("--seed", type=whole, default=0, help="seed of the emulated noise (default 0)")
OUTPUT = _parent(
    "-o", "--output", type=Path, metavar="FILE", help=f"save as one of {', '.join(formats.FORMATS)}"
)
FORCE = _parent(
    "--force", action="store_true", help="replace whatever is in the place of what is written"
)
SOURCE = _parent(
    "source",
    nargs="?",
    type=as_typed,
    default=DEFAULT_SOURCE,
    metavar="SOURCE",
    help="%(default)s",
)
"""Options that mean the same wherever they are: for `parents` of a command's parser."""


def _level(text: str) -> float | None:
    """V, or None for the mean of the trace's own bins."""
    return None if text == Top.MEAN else number(text, "V")


def _top(text: str) -> Top | float:
    """How the top is found, or its level."""
    if text in list(Top):
        return Top(text)
    try:
        return parse_si(text, "V")
    except ValueError:
        names = ", ".join(Top)
        raise argparse.ArgumentTypeError(f"neither one of {names} nor a level: {text!r}") from None


def add_notes(p: argparse.ArgumentParser) -> None:
    """Add what a recording can be told by its user; see `notes`."""
    p.add_argument("--sample", metavar="TEXT", help="what is measured; kept in the recording")
    p.add_argument("--operator", metavar="TEXT", help="who measures; kept in the recording")
    p.add_argument(
        "--note",
        metavar="TEXT|KEY=VALUE",
        action="append",
        help="whatever else is to be known; can be given more than once",
    )


def notes(options: argparse.Namespace) -> dict[str, Any]:
    """What was said with `add_notes`."""
    plain = []
    keyed = {}
    for note in options.note or ():
        pair = _KEYED.fullmatch(note)
        if pair:
            keyed[pair[1]] = pair[2]
        else:
            plain.append(note)
    texts = (options.sample, options.operator, "; ".join(plain) or None)
    said: dict[str, Any] = dict(zip(NOTES, texts, strict=True))
    known = {name: text for name, text in said.items() if text is not None}
    return {**known, **({KEYED: keyed} if keyed else {})}


_KEYED = re.compile(r"([A-Za-z][\w-]*)=(.*)", re.DOTALL)


UNSAID = object()
"""What an option is that was not given, where None is something to give."""


def add_levels(p: argparse.ArgumentParser) -> None:
    """Add what levels can be asked for with; see `with_levels`."""
    p.add_argument(
        "--top",
        type=_top,
        metavar="METHOD|LEVEL",
        help=f"level of the top: {', '.join(Top)} (of the pulse's last part, its commonest level, its highest"
        " sample), or the level itself in V (photons/s where they are counted)",
    )
    p.add_argument(
        "--baseline",
        type=_level,
        default=UNSAID,
        metavar="mean|LEVEL",
        help="level of the baseline: mean before the pulse, or the level itself",
    )


def with_levels(options: argparse.Namespace, measuring: MeasureOptions) -> MeasureOptions:
    """`measuring` with the levels that were asked for; a level as given has no error."""
    if isinstance(options.top, Top):
        measuring = replace(measuring, top_method=options.top, top=None)
    elif options.top is not None:
        measuring = replace(measuring, top=(options.top, 0.0))
    if options.baseline is not UNSAID:
        level = options.baseline
        measuring = replace(measuring, baseline=None if level is None else (level, 0.0))
    return measuring


def add_settings(p: argparse.ArgumentParser) -> None:
    """Add what a capture's settings are asked for with; see `requested`."""
    d = CaptureRequest()
    p.add_argument("--volts", type=volts, help=f"drive level, 3 to 7 (default {d.volts:g})")
    p.add_argument("--rate", type=hertz, help=f"pulses per second (default {d.rate / 1e3:g}k)")
    p.add_argument("--width", type=seconds, help="pulse width in s (default half the period)")
    p.add_argument("--pulses", type=count, help=f"pulses to average (default {d.pulses})")
    p.add_argument(
        "--window",
        type=window_range,
        metavar="START:LENGTH",
        help="s from the drive edge, and s (default: the pulse and its decay)",
    )
    p.add_argument("--bin", type=seconds, help="bin width in s (default: the finest that fits)")
    p.add_argument(
        "--mode",
        choices=("analog", "counting"),
        help="sum samples or count photons (default: count where the detector does)",
    )


def requested(options: argparse.Namespace) -> CaptureRequest:
    """What was asked for with `add_settings`, the rest by default."""
    given = {f.name: getattr(options, f.name, None) for f in fields(CaptureRequest)}
    if options.mode is not None:
        given["counting"] = options.mode == "counting"
    return CaptureRequest(**{name: value for name, value in given.items() if value is not None})


def window_range(text: str) -> tuple[float, float]:
    """START:LENGTH, each in s."""
    start, colon, length = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"not START:LENGTH: {text!r} (write e.g. -2u:20u)")
    return seconds(start), seconds(length)


def run_capture(
    source: str,
    settings_for: Callable[[int], Settings],
    seed: int,
    paced: bool,
    counting: bool | None = None,
    record: Path | None = None,
    crash_copy: CrashCopy | None = None,
    known: Mapping[str, Any] | None = None,
    until: Until | None = None,
) -> Recording:
    """Open `source`, capture with progress on the terminal, close it.

    record: where to keep the link's bytes. crash_copy: kept up with the capture.
    known: more for the recording's metadata. until: ends the capture when it has what it waits for.
    A capture that is cut short, by Ctrl-C for one, gives what it has, marked as incomplete.
    """
    crash_copy = crash_copy or CrashCopy(say)
    interruption = Interruption()
    link = open_link(source, seed, paced, say)
    kept = None
    try:
        if record is not None:
            link = kept = RecordedLink(link, record)
        with interruption.watched():
            result = capture(
                link,
                settings_for,
                _progress if sys.stderr.isatty() else _quiet,
                counting,
                lambda: interruption.why,
                crash_copy.watch,
                partial=True,
                known=known,
                enough=until or _never,
            )
        if kept is not None and record is not None and result.incomplete:
            kept.put_away(unused(record))
    finally:
        link.close()
        if kept is not None:
            kept.put_away()
    return result


def save(path: Path, result: Recording, crash_copy: CrashCopy) -> None:
    """Save a capture; an incomplete one replaces nothing.

    What cannot be saved stays in the crash copy. Raises FileError.
    """
    target = unused(path) if result.incomplete else path
    try:
        recordings.save(target, result)
    except FileError as error:
        if crash_copy.write():
            raise FileError(f"{error}; `trelscope recover` has what was captured") from None
        raise
    if target != path:
        say(f"{path} stays as it was; what was captured is in {target}")


def outcome(result: Recording) -> int:
    """The exit code of a command that has printed `result`; of an incomplete one, say so."""
    if not result.incomplete:
        return 0
    done, most = result.accounting.pulses_averaged, result.settings.pulses
    of = f" of {most}" if most else ""
    say(f"trelscope: incomplete, {done}{of} pulses: {result.incomplete}")
    return 1


def unused(path: Path) -> Path:
    """The path, or one like it where nothing is yet."""
    number = 1
    free = path
    while os.path.lexists(free):
        count = "" if number == 1 else f"-{number}"
        free = path.with_name(f"{path.stem}.incomplete{count}{path.suffix}")
        number += 1
    return free


def say(line: str) -> None:
    """Tell the user something that is not the result."""
    print(printable(line), file=sys.stderr, flush=True)


def _progress(done: int, total: int) -> None:
    end = "\n" if done >= total > 0 else ""
    of = f" of {total}" if total else ""
    print(f"\r{done}{of} pulses", end=end, file=sys.stderr, flush=True)


def _never(instrument: Instrument, acquisition: Acquisition) -> bool:
    return False


def _quiet(done: int, total: int) -> None:
    pass
