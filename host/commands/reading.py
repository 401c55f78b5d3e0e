"""What commands about files share: opening one, and what can be said of those that other instruments have written."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.commands.common import number, seconds, whole, window_range
from trelscope.host.errors import UserError
from trelscope.host.files import formats, journal, photon_runs, recordings
from trelscope.host.files.failures import ForeignFileError
from trelscope.host.files.foreign import load as foreign
from trelscope.host.files.foreign.choices import NOTHING_SAID, Choices
from trelscope.host.planning import SettingsError

KINDS = (
    f"{', '.join(formats.FORMATS)}, a {journal.SUFFIX} that `trelscope recover` lists, a file of `trelscope tags`, or"
    " one of another instrument: CSV or text of any oscilloscope or photon counter, .mat, and with trelscope[files]"
    " .wfm, .trc, .ptu, .sdt …"
)


@dataclass(frozen=True)
class Stamped:
    """What histogram is made of stamps: see `PhotonRun.recording`. None: all, as it was captured."""

    window: tuple[float, float] | None = None
    bin: float | None = None
    pulses: tuple[int, int] | None = None


ALL_STAMPED = Stamped()


def add_reading(p: argparse.ArgumentParser) -> None:
    """Add what can be said of a file of another instrument; see `choices`."""
    said = p.add_argument_group(
        "of files of other instruments, where they do not say it themselves"
    )
    said.add_argument(
        "--light", metavar="CHANNEL", help="name or number of the channel with the light"
    )
    said.add_argument(
        "--drive", metavar="CHANNEL", help="name or number of the channel with the drive"
    )
    said.add_argument("--unit", help="unit of the light: V, mV, A, counts …")
    said.add_argument(
        "--time-unit", metavar="UNIT", help="unit of a time column: s, ms, us, ns, ps"
    )
    said.add_argument(
        "--interval", type=_interval, metavar="T", help="from one sample to the next, s"
    )
    said.add_argument(
        "--edge",
        type=_edge,
        metavar="T[:SE]",
        help="the drive's edge on the file's time axis, s, and its standard error (default: in the drive or"
        " the light)",
    )
    said.add_argument("--width", type=_interval, metavar="T", help="of the drive pulse, s")
    said.add_argument("--invert", action="store_true", help="more light makes less signal")


def add_histogram(p: argparse.ArgumentParser) -> None:
    """Add what a histogram of stamps can be asked for with; see `load`."""
    p.add_argument(
        "--window",
        type=window_range,
        metavar="START:LENGTH",
        help="of photons that have stamps: s from the drive edge, and s (default: as they were captured)",
    )
    p.add_argument(
        "--bin", type=seconds, help="of photons that have stamps: bin width in whole ns, given in s"
    )
    p.add_argument(
        "--pulse-range",
        type=_pulse_range,
        metavar="FIRST:END",
        help="of photons that have stamps: from the pulse FIRST up to and without END, counted from 0",
    )


def asked_of_stamps(options: argparse.Namespace) -> Stamped:
    """What was said with `add_histogram`."""
    return Stamped(options.window, options.bin, options.pulse_range)


def choices(options: argparse.Namespace) -> Choices:
    """What was said with `add_reading`."""
    edge, edge_se = options.edge or (None, 0.0)
    return Choices(
        light=options.light,
        drive=options.drive,
        unit=options.unit,
        time_unit=options.time_unit,
        interval=options.interval,
        edge=edge,
        edge_se=edge_se,
        width=options.width,
        invert=options.invert,
    )


def is_file(source: str) -> bool:
    """Whether this is meant as a file, and not as the source of a capture."""
    path = Path(source)
    suffix = path.suffix.lower()
    return (
        formats.is_known(path)
        or photon_runs.is_run(path)
        or suffix == journal.SUFFIX
        or suffix in foreign.SUFFIXES
        or path.exists()
    )


def load(
    path: Path,
    said: Choices = NOTHING_SAID,
    stamped: Stamped = ALL_STAMPED,
) -> Recording:
    """The recording in a file, what a journal has saved, or what another instrument has recorded. Raises UserError."""
    if photon_runs.is_run(path):
        recording = photon_runs.load(path).recording(stamped.window, stamped.bin, stamped.pulses)
        return _own(path, recording, said)
    if stamped != ALL_STAMPED:
        raise SettingsError(
            f"{path}: its photons have no stamps, so bins and pulses are those it has; leave out --window, --bin and"
            " --pulse-range"
        )
    if path.suffix.lower() == journal.SUFFIX:
        found = journal.recover(path)
        if found is None:
            raise UserError(f"{path}: nothing had been averaged yet; there is nothing to recover")
        return _own(path, found, said)
    if not formats.is_known(path):
        return foreign.load(path, said)
    try:
        own = recordings.load(path)
    except ForeignFileError:
        if path.suffix.lower() != ".csv":
            raise
        return foreign.load(path, said)
    return _own(path, own, said)


def _pulse_range(text: str) -> tuple[int, int]:
    first, colon, end = text.partition(":")
    if not colon or not 0 <= whole(first) < whole(end):
        raise argparse.ArgumentTypeError(f"not FIRST:END: {text!r} (write e.g. 0:1000)")
    return whole(first), whole(end)


def _own(path: Path, recording: Recording, said: Choices) -> Recording:
    """What is known already cannot be said once more. Raises UserError."""
    if said != NOTHING_SAID:
        raise UserError(
            f"{path}: is a recording of trelscope; leave out what is for files of other instruments"
            " (--light to --invert)"
        )
    return recording


def _interval(text: str) -> float:
    value = seconds(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"not a time above 0: {text!r}")
    return value


def _edge(text: str) -> tuple[float, float]:
    at, colon, se = text.partition(":")
    error = seconds(se) if colon else 0.0
    if error < 0:
        raise argparse.ArgumentTypeError(f"not a standard error: {se!r}")
    return number(at, "s"), error
