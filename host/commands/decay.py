"""`trelscope decay`: lifetimes, of photons counted after the drive edge or of the falling light of a recording."""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trelscope.host.acquisition.recording import Recording, histogram, piled_up, with_errors
from trelscope.host.acquisition.sampled import Sampled
from trelscope.host.calibration.frontend import FrontEnd, check
from trelscope.host.commands import irf, reading
from trelscope.host.commands.common import (
    FORCE,
    JSON,
    OUTPUT,
    SEED,
    Commands,
    add_notes,
    count,
    hertz,
    notes,
    number,
    outcome,
    run_capture,
    save,
    say,
    seconds,
)
from trelscope.host.commands.crash_copy import CrashCopy
from trelscope.host.decay import (
    Decay,
    Key,
    MeasuredResponse,
    Response,
    after_pulses,
    falls,
    fit_decay,
    fit_fall,
    live_pulses,
)
from trelscope.host.errors import UserError
from trelscope.host.files import recordings
from trelscope.host.files.foreign.choices import NOTHING_SAID
from trelscope.host.files.foreign.recording import EXCITATIONS
from trelscope.host.measure.quantities import Flag
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import EXCITED, CaptureRequest, SettingsError
from trelscope.host.report import decay as report
from trelscope.host.report.text import printable
from trelscope.host.units import format_si

DEFAULT = "emulator:trpl-bmim3?detector=pmt&filter=2e-5&afterpulse=0"
LANE = 1e-9  # s: photons within one of the discriminator's lanes are one
MODELS: Mapping[str, Key] = {"1": 1, "2": 2, "3": 3}
PULSES = 400_000
RESPONSE = 0.3e-9  # s
NEAR = 50e-9  # s from the drive edge, between which the excitation is looked for

COUNTER = ("dead_time", "afterpulse", "afterpulse_time")
"""What is corrected for: of the front end where it is known, or options of the same names."""
AFTERPULSE_TIME = 300e-9  # s, where only the probability is given
ADVICE = "take a denser filter, or give --dead-time when they are counted"


class DecayError(UserError):
    """Nothing could be fitted; the message says why in one line."""


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "decay",
        help="lifetimes of counted photons, or of the falling light of a recording",
        parents=[SEED, OUTPUT, JSON, FORCE],
    )
    p.set_defaults(command=_decay)
    p.add_argument(
        "source",
        nargs="?",
        default=DEFAULT,
        metavar="SOURCE",
        help="photons are counted after its drive edge (%(default)s); or a recording, or a file of another instrument,"
        " of photons that were counted, or of light that falls after the drive's falling edge",
    )
    p.add_argument("--pulses", type=count, help="excitations (default 400k)")
    p.add_argument("--rate", type=hertz, help="excitations per second (default 15k)")
    add_notes(p)
    reading.add_histogram(p)
    p.add_argument(
        "--model",
        choices=(*MODELS, "stretched"),
        help="exponentials, or a stretched one (default: the model with the lowest BIC)",
    )
    p.add_argument(
        "--response",
        type=seconds,
        help="time constant of the detector, s (default 0.3n; of falling light the front end's)",
    )
    p.add_argument(
        "--irf",
        type=Path,
        metavar="FILE",
        help="measured response instead: a recording of counted photons, or two columns, bin middle and counts;"
        " the time is in s unless a heading says another unit, as in time (ns)",
    )
    p.add_argument(
        "--irf-curve", metavar="NAME", help="which curve of that file, if it has more than one"
    )
    p.add_argument(
        "--dead-time",
        type=seconds,
        help="dead time of the detector, s, to correct for (default: the front end's, where it is known)",
    )
    p.add_argument(
        "--afterpulse",
        type=number,
        help="afterpulse probability to correct for (default: the front end's, else 0)",
    )
    p.add_argument(
        "--afterpulse-time",
        type=seconds,
        help=f"its mean delay, s (default: the front end's, else {AFTERPULSE_TIME * 1e9:g}n)",
    )
    reading.add_reading(p)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A fit of a recording, and how it is told.

    unit: of amplitudes and background. corrected: whose dead time and afterpulses have been taken into account.
    """

    recording: Recording
    fit: Decay
    title: str
    unit: str
    piled: bool
    corrected: FrontEnd | None = None

    def as_dict(self, source: str) -> dict[str, object]:
        """As plain JSON types in SI units."""
        flags = [str(Flag.PILE_UP)] * self.piled
        return {
            "source": source,
            **report.as_dict(self.fit),
            "flags": flags,
            "corrected": self.known,
        }

    @property
    def known(self) -> dict[str, float | None]:
        """What has been corrected for; None where nothing is known."""
        return {name: getattr(self.corrected, name, None) for name in COUNTER}


def _decay(options: argparse.Namespace) -> int:
    path = Path(options.source)
    kept = reading.is_file(options.source)
    said = reading.choices(options)
    if not kept and said != NOTHING_SAID:
        raise SettingsError(
            f"{options.source} is no file; leave out what is for files of other instruments (--light to --invert)"
        )
    if options.output:
        recordings.check(options.output, options.force)
    given = {name: getattr(options, name) for name in COUNTER if getattr(options, name) is not None}
    try:
        for name, value in given.items():
            check(name, value)
    except ValueError as error:
        raise DecayError(str(error)) from None
    stamped = reading.asked_of_stamps(options)
    if not kept and stamped != reading.ALL_STAMPED:
        raise SettingsError(
            "--window and --bin are for photons that have stamps: give a file of `trelscope tags`"
        )
    if kept and (options.pulses, options.rate) != (None, None):
        raise SettingsError(f"{path} is recorded; leave out --pulses and --rate")
    response = (
        irf.read(options.irf, replace(said, light=options.irf_curve))
        if options.irf
        else options.response
    )
    crash_copy = CrashCopy(say)
    result = reading.load(path, said, stamped) if kept else _count(options, crash_copy)
    light = replace(result.light, t=result.light.t - result.measurements.t0)
    if result.settings.counting:
        light = with_errors(light, result.settings)
    histogram_alone = isinstance(result.settings, Sampled) and said.width is None
    if not result.settings.counting or (
        kept and not histogram_alone and falls(light, result.settings.width)
    ):
        _refuse_for_falling_light(options)
        fitted = _fall(options, result, light)
    else:
        fitted = _counted(options, result, given, response)
    try:  # a result that cannot be printed is saved, and one that cannot be saved is printed
        _print(options, fitted)
    except DecayError as error:
        if options.output or not crash_copy.kept:
            raise
        raise DecayError(f"{error}; `trelscope recover` has what was counted") from None
    finally:
        if options.output:
            _save(options, fitted, None if kept else crash_copy)
    crash_copy.discard()
    return 0 if kept else outcome(result)


def _save(options: argparse.Namespace, fitted: _Fitted, crash_copy: CrashCopy | None) -> None:
    """The photons, or the trace, with the fit. crash_copy: of what has just been counted."""
    result = fitted.recording
    if not fitted.fit.reason:
        fit = {"decay": fitted.as_dict(options.source)}
        result = replace(result, metadata={**result.metadata, **fit})
    if crash_copy is None:
        recordings.save(options.output, result)
    else:
        save(options.output, result, crash_copy)
        crash_copy.discard()


def _count(options: argparse.Namespace, crash_copy: CrashCopy) -> Recording:
    request = CaptureRequest(
        volts=5.0,
        rate=options.rate or EXCITED.rate,
        width=10e-6,
        pulses=options.pulses or PULSES,
        window=EXCITED.window,
        bin=1e-9,
    )
    return run_capture(
        options.source,
        request.plan,
        options.seed,
        paced=False,
        counting=True,
        crash_copy=crash_copy,
        known=notes(options),
    )


def _counted(
    options: argparse.Namespace,
    result: Recording,
    given: Mapping[str, float],
    response: Response | None,
) -> _Fitted:
    """Of photons after the drive edge; `given` instead of what is known of the front end."""
    counts, edges = histogram(result)
    pulses = result.accounting.pulses_averaged
    front_end = FrontEnd.from_dict({**result.front_end.as_dict(), **given})
    unknown = isinstance(result.settings, Sampled) and not result.metadata.get(EXCITATIONS)
    ready = live_pulses(counts, edges, pulses, front_end.dead_time or 0.0, LANE)
    # Of excitations that nobody has counted none can have been missed: amplitudes are those of all of them together.
    live = np.ones(counts.size) if unknown else ready
    chance, late = front_end.afterpulse or 0.0, front_end.afterpulse_time or AFTERPULSE_TIME
    known = after_pulses(counts, edges, chance, late)
    start = (-NEAR, NEAR)
    if isinstance(response, MeasuredResponse):  # its axis may begin anywhere
        response = response.for_bins(float(edges[1] - edges[0]))
        start = -NEAR - response.start, NEAR - response.start
    response = RESPONSE if response is None else response
    fit = fit_decay(counts, edges, live, response, _model(options), start, known)
    of = "" if unknown else f" of {pulses} pulses"
    title = f"{options.source}   {fit.photons} photons{of}"
    piled = front_end.dead_time is None and piled_up(result.light, result.settings, front_end)
    return _Fitted(result, fit, title, "/s", piled, front_end)


def _fall(options: argparse.Namespace, result: Recording, light: Trace) -> _Fitted:
    """Of light after the drive's falling edge. light: with its time from the drive edge."""
    response = options.response
    if response is None:
        response = result.front_end.detector_delay
    fit = fit_fall(light, result.settings.width, response, _model(options))
    unit = "/s" if result.settings.counting else result.settings.light_unit
    title = f"{options.source}   light after the drive's falling edge, {light.pulses} pulses"
    piled = piled_up(result.light, result.settings, result.front_end)
    return _Fitted(result, fit, title, unit, piled)


def _refuse_for_falling_light(options: argparse.Namespace) -> None:
    """What describes the counting of photons has no meaning there. Raises DecayError."""
    for name in ("irf", *COUNTER):
        if getattr(options, name) is not None:
            option = "--" + name.replace("_", "-")
            raise DecayError(
                f"{options.source}: {option} is for photons counted after an excitation; leave it out where light falls"
                " with the drive"
            )


def _model(options: argparse.Namespace) -> Key | None:
    model: Key | None = MODELS.get(options.model, options.model)
    return model


def _print(options: argparse.Namespace, fitted: _Fitted) -> None:
    if fitted.fit.reason:
        raise DecayError(f"{options.source}: {fitted.fit.reason}")
    if options.json:
        print(json.dumps(fitted.as_dict(options.source)), flush=True)
        return
    print(report.table(printable(fitted.title), fitted.fit, fitted.unit))
    known = fitted.known
    if known["dead_time"]:
        print(f"corrected for a dead time of {format_si(known['dead_time'], 's')}")
    if known["afterpulse"]:
        print(f"corrected for {100 * known['afterpulse']:g} % of afterpulses")
    if fitted.piled:
        print(f"{Flag.PILE_UP}: photons come so fast that some are missing; {ADVICE}")
    sys.stdout.flush()
