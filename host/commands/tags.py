"""`trelscope tags`: every photon with its pulse and its time, recorded as it comes."""

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

from trelscope.host.acquisition.acquisition import AcquisitionError
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.acquisition.photon_run import PhotonRun
from trelscope.host.acquisition.stamps import StampAcquisition
from trelscope.host.commands.common import (
    FORCE,
    JSON,
    OUTPUT,
    SEED,
    Commands,
    add_notes,
    add_settings,
    notes,
    requested,
    say,
    seconds,
    unused,
)
from trelscope.host.commands.interruption import Interruption
from trelscope.host.files import photon_runs, tag_journal, target
from trelscope.host.files.failures import FileError
from trelscope.host.link import Link, LinkError
from trelscope.host.link.record import RecordedLink, is_recorded
from trelscope.host.link.replay import ReplayLink
from trelscope.host.link.urls import as_typed, open_link
from trelscope.host.photons.correlation import DelayCorrelation, LagCorrelation
from trelscope.host.photons.counter import estimate
from trelscope.host.photons.per_pulse import PhotonsPerPulse
from trelscope.host.planning import CaptureRequest, SettingsError
from trelscope.host.report.photons import SHOWN, Statistics, table
from trelscope.host.settings import Settings
from trelscope.host.units import format_si

DEFAULT = "emulator:bmim3-1mm2?detector=pmt&filter=2e-7"
SECONDS = 1.0
DELAYS = 1000  # ns, within which dead time and afterpulses are looked for


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "tags",
        help="record every photon with its pulse and its time",
        description="SOURCE may also be a file that this command has written: what its photons say is printed.",
        parents=[SEED, OUTPUT, JSON, FORCE],
    )
    p.set_defaults(command=_tags)
    p.add_argument(
        "source",
        nargs="?",
        type=_source,
        default=DEFAULT,
        metavar="SOURCE",
        help="an instrument that counts photons (%(default)s), or such a file",
    )
    add_settings(p)
    p.add_argument(
        "--seconds", type=seconds, help=f"for how long, instead of --pulses (default {SECONDS:g})"
    )
    add_notes(p)
    p.add_argument("--flat-out", action="store_true", help="let the emulator outrun real time")
    p.add_argument(
        "--record",
        type=Path,
        metavar="FILE.trel",
        help="keep the link's bytes, for replay:FILE.trel",
    )


def _source(text: str) -> str:
    return text if photon_runs.is_run(Path(text)) else as_typed(text)


def _tags(options: argparse.Namespace) -> int:
    path = Path(options.source)
    wanted = _wanted(options)
    if photon_runs.is_run(path):
        if wanted != CaptureRequest() or options.output or options.record:
            raise SettingsError(f"{path} is recorded; leave out -o, --record and all settings")
        run = photon_runs.load(path)
        return _print(options, run, _statistics(run))
    _check_files(options)
    if options.source.startswith("replay:") and (wanted != CaptureRequest() or options.record):
        raise SettingsError(
            f"{options.source} is recorded, with the settings it has; leave out --record and all settings"
        )
    link = open_link(options.source, options.seed, not options.flat_out, say)
    kept = None
    try:
        if options.record:
            link = kept = RecordedLink(link, options.record)
        return _take(options, link, wanted)
    finally:
        link.close()
        if kept is not None:
            kept.put_away()


def _wanted(options: argparse.Namespace) -> CaptureRequest:
    """What is asked for, in pulses."""
    if options.mode == "analog":
        raise SettingsError(
            "samples have no photons that could be stamped; leave out --mode analog"
        )
    if options.seconds is None:
        return requested(options)
    if options.pulses is not None:
        raise SettingsError("give --pulses or --seconds, not both")
    if not (options.seconds > 0 and math.isfinite(options.seconds)):
        raise SettingsError(f"--seconds {options.seconds:g} is not a time")
    wanted = requested(options)
    return replace(wanted, pulses=max(math.ceil(options.seconds * wanted.rate), 1))


def _settings(
    options: argparse.Namespace, instrument: Instrument, wanted: CaptureRequest
) -> Settings:
    if isinstance(instrument.link, ReplayLink):
        if not instrument.link.settings.time_tags:
            raise InstrumentError(
                f"{instrument.link.name}: was recorded without time tags; record it with `trelscope tags --record`"
            )
        return instrument.link.settings
    if options.seconds is None and options.pulses is None:
        wanted = replace(wanted, pulses=math.ceil(SECONDS * wanted.rate))
    # The instrument's own histogram only has to come now and then.
    wanted = replace(wanted, frame_pulses=math.ceil(wanted.rate))
    settings = wanted.plan(instrument.identity.depth)
    return replace(settings, counting=True, time_tags=True)


def _take(options: argparse.Namespace, link: Link, wanted: CaptureRequest) -> int:
    instrument = Instrument(link)
    interruption = Interruption()
    per_pulse = PhotonsPerPulse()
    recorder = None
    try:
        settings = _settings(options, instrument, wanted)
        if isinstance(link, RecordedLink):
            link.note(settings)
        link.restart_clock()
        taken = StampAcquisition(instrument, settings)
        if options.output:
            recorder = photon_runs.Recorder(options.output, instrument, taken, notes(options))
        with interruption.watched():
            why = _all(taken, per_pulse, interruption, recorder)
        run = photon_runs.live(instrument, taken, why or interruption.why, notes(options))
    finally:
        instrument.close()  # the output is off before anything else is done
    try:  # what cannot be printed is saved, and what cannot be saved is printed
        code = _print(options, run, Statistics(per_pulse.result()))
    finally:
        if recorder is not None:
            path = unused(options.output) if run.incomplete else options.output
            recorder.finish(run, path)
            if path != options.output:
                say(f"{options.output} stays as it was; what was recorded is in {path}")
    return code


def _all(
    taken: StampAcquisition,
    per_pulse: PhotonsPerPulse,
    interruption: Interruption,
    recorder: photon_runs.Recorder | None,
) -> str:
    """Take in the whole train. Returns why it ended before its time, or ""."""
    progress = sys.stderr.isatty()
    try:
        for chunk in taken.chunks(lambda: bool(interruption.why)):
            per_pulse.add(chunk)
            if progress:
                _show(taken, recorder)
    except (LinkError, InstrumentError, AcquisitionError, FileError) as error:
        for chunk in taken.give_up():
            per_pulse.add(chunk)
        if not taken.accounting.photons_stamped:
            raise
        return str(error)
    finally:
        if progress:
            print(file=sys.stderr, flush=True)
    return ""


def _show(taken: StampAcquisition, recorder: photon_runs.Recorder | None) -> None:
    account, settings = taken.accounting, taken.acquisition.settings
    of = f" of {settings.pulses}" if settings.pulses else ""
    rate = account.photons_seen / max(account.pulses_emitted, 1) * settings.rate
    lost = f", {account.photons_lost} lost" if account.photons_lost else ""
    size = f", {format_si(recorder.size, 'B', 3)}" if recorder else ""
    line = f"{format_si(rate, 'photons/s', 3)}, {account.pulses_emitted}{of} pulses, {account.photons_missed} missed"
    print(f"\r{line}{lost}{size}  ", end="", file=sys.stderr, flush=True)


def _statistics(run: PhotonRun) -> Statistics:
    per_pulse, lags = PhotonsPerPulse(), LagCorrelation(max(SHOWN))
    delays = DelayCorrelation(1, DELAYS)
    for chunk in run.chunks():
        for measurement in (per_pulse, lags, delays):
            measurement.add(chunk)
    counter = estimate(delays.result(), delays.photons)
    return Statistics(per_pulse.result(), lags.result(), counter)


def _print(options: argparse.Namespace, run: PhotonRun, statistics: Statistics) -> int:
    if options.json:
        print(json.dumps({**run.summary(), **statistics.as_dict()}), flush=True)
    else:
        print(table(run, statistics), flush=True)
    if not run.incomplete:
        return 0
    say(f"trelscope: incomplete, {run.accounting.pulses_emitted} pulses: {run.incomplete}")
    return 1


def _check_files(options: argparse.Namespace) -> None:
    """Refuse files that cannot be written, before anything moves. Raises FileError, SettingsError."""
    if options.output:
        photon_runs.check(options.output, options.force)
        tag_journal.check(photon_runs.journal_path(options.output))
    if options.record:
        target.check_writable(options.record)
        if not options.force:
            target.check_replaceable(options.record, "a recorded link", is_recorded)
