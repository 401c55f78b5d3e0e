"""`trelscope decay`: lifetimes, of photons counted after the drive edge or of the falling light of a recording."""

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from trelscope.host.acquisition.recording import histogram, piled_up
from trelscope.host.calibration.frontend import FrontEnd, check
from trelscope.host.commands import irf, recorded
from trelscope.host.commands.common import (
    JSON,
    SEED,
    Commands,
    count,
    hertz,
    number,
    outcome,
    run_capture,
    seconds,
)
from trelscope.host.decay import Decay, Key, Value, after_pulses, fit_decay, fit_fall, live_pulses
from trelscope.host.errors import UserError
from trelscope.host.files import formats, journal
from trelscope.host.measure.quantities import Flag
from trelscope.host.planning import CaptureRequest
from trelscope.host.units import format_si, format_with_error

DEFAULT = "emulator:trpl-bmim3?detector=pmt&filter=2e-5&afterpulse=0"
WINDOW = -100e-9, 1.024e-6  # s
LANE = 1e-9  # s: photons within one of the discriminator's lanes are one
MODELS: Mapping[str, Key] = {"1": 1, "2": 2, "3": 3}
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
        parents=[SEED, JSON],
    )
    p.set_defaults(command=_decay)
    p.add_argument(
        "source",
        nargs="?",
        default=DEFAULT,
        metavar="SOURCE",
        help="photons are counted after its drive edge (%(default)s); or a recording, of which the light after the"
        " drive's falling edge is fitted and only --model and --json count",
    )
    p.add_argument("--pulses", type=count, default=400_000, help="excitations (default 400k)")
    p.add_argument("--rate", type=hertz, default=15e3, help="excitations per second (default 15k)")
    p.add_argument(
        "--model",
        choices=(*MODELS, "stretched"),
        help="exponentials, or a stretched one (default: the model with the lowest BIC)",
    )
    p.add_argument(
        "--response",
        type=seconds,
        default=0.3e-9,
        help="time constant of the detector, s (default 0.3n)",
    )
    p.add_argument(
        "--irf",
        type=Path,
        metavar="FILE",
        help="measured response instead: two columns, bin middle in s and counts",
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


def _decay(options: argparse.Namespace) -> int:
    path = Path(options.source)
    if formats.is_known(path) or path.suffix.lower() == journal.SUFFIX:
        return _fall(options)
    given = {name: getattr(options, name) for name in COUNTER if getattr(options, name) is not None}
    try:
        for name, value in given.items():
            check(name, value)
    except ValueError as error:
        raise DecayError(str(error)) from None
    response = irf.read(options.irf) if options.irf else options.response
    result = run_capture(
        options.source,
        CaptureRequest(
            volts=5.0,
            rate=options.rate,
            width=10e-6,
            pulses=options.pulses,
            window=WINDOW,
            bin=1e-9,
        ).plan,
        options.seed,
        paced=False,
        counting=True,
    )
    counts, edges = histogram(result)
    pulses = result.accounting.pulses_averaged
    front_end = replace(result.front_end, **given)
    live = live_pulses(counts, edges, pulses, front_end.dead_time or 0.0, LANE)
    chance, late = front_end.afterpulse or 0.0, front_end.afterpulse_time or AFTERPULSE_TIME
    known = after_pulses(counts, edges, chance, late)
    model: Key | None = MODELS.get(options.model, options.model)
    start = (-NEAR, NEAR)
    if options.irf:  # its axis may begin anywhere
        start = -NEAR - response.start, NEAR - response.start
    fit = fit_decay(counts, edges, live, response, model, start, known)
    title = f"{result.source}   {fit.photons} photons of {pulses} pulses"
    piled = front_end.dead_time is None and piled_up(result.light, result.settings, front_end)
    _print(options, result.source, title, fit, "/s", piled, front_end)
    return outcome(result)


def _fall(options: argparse.Namespace) -> int:
    """Of a recording, whatever it was taken with."""
    for name in ("irf", *COUNTER):
        if getattr(options, name) is not None:
            option = "--" + name.replace("_", "-")
            raise DecayError(
                f"{option} is for photons that are counted now; leave it out of a recording's fit"
            )
    result = recorded.load(Path(options.source))
    model: Key | None = MODELS.get(options.model, options.model)
    t0 = result.measurements.t0
    light = replace(result.light, t=result.light.t - t0)
    fit = fit_fall(light, result.settings.width, result.front_end.detector_delay, model)
    unit = "/s" if result.settings.counting else "V"
    title = f"{options.source}   light after the drive's falling edge, {light.pulses} pulses"
    piled = piled_up(result.light, result.settings, result.front_end)
    return _print(options, options.source, title, fit, unit, piled, None)


def _print(
    options: argparse.Namespace,
    source: str,
    title: str,
    fit: Decay,
    unit: str,
    piled: bool,
    corrected: FrontEnd | None,
) -> int:
    """unit: of amplitudes and background; piled: whether photons are missing that came too soon after others;
    corrected: whose dead time and afterpulses the fit has taken into account."""
    if fit.reason:
        raise DecayError(f"{source}: {fit.reason}")
    known = {name: getattr(corrected, name, None) for name in COUNTER}
    if options.json:
        flags = [str(Flag.PILE_UP)] * piled
        print(json.dumps({"source": source, **_about(fit), "flags": flags, "corrected": known}))
        return 0
    print(_table(title, fit, unit))
    if known["dead_time"]:
        print(f"corrected for a dead time of {format_si(known['dead_time'], 's')}")
    if known["afterpulse"]:
        print(f"corrected for {100 * known['afterpulse']:g} % of afterpulses")
    if piled:
        print(f"{Flag.PILE_UP}: photons come so fast that some are missing; {ADVICE}")
    return 0


def _about(fit: Decay) -> Mapping[str, object]:
    def value(v: Value) -> dict[str, float | None]:
        numbers = {"value": v.value, "se": v.se}
        return {key: n if math.isfinite(n) else None for key, n in numbers.items()}

    return {
        "photons": fit.photons,
        "components": [
            {
                "amplitude": value(c.amplitude),
                "lifetime": value(c.lifetime),
                "stretch": value(c.stretch),
            }
            for c in fit.components
        ],
        "background": value(fit.background),
        "t0": value(fit.t0),
        "amplitude_average": value(fit.amplitude_average),
        "intensity_average": value(fit.intensity_average),
        "model": fit.model,
        "bic": {str(name): above for name, above in fit.bic.items()},
        "deviance": fit.deviance,
        "deviance_expected": fit.deviance_expected,
    }


def _table(title: str, fit: Decay, unit: str) -> str:
    def text(v: Value, unit: str) -> str:
        return format_with_error(v.value, v.se, unit)

    lines = [title, ""]
    for n, c in enumerate(fit.components, 1):
        lines.append(
            f"  lifetime {n}          {text(c.lifetime, 's'):<24} {text(c.amplitude, unit)}"
        )
    if fit.model == "stretched":
        lines.append(f"  stretch             {text(fit.components[0].stretch, '')}")
    lines += [
        f"  amplitude average   {text(fit.amplitude_average, 's')}",
        f"  intensity average   {text(fit.intensity_average, 's')}",
        f"  background          {format_si(fit.background.value, unit)}",
        "",
        *_chosen(fit),
        f"deviance per degree of freedom {fit.deviance:.3f}, {fit.deviance_expected:.3f} expected",
    ]
    return "\n".join(lines)


def _chosen(fit: Decay) -> list[str]:
    """Which model, and how much worse the others are."""
    names = {1: "1 exponential", "stretched": "a stretched exponential"}
    others = sorted((above, name) for name, above in fit.bic.items() if name != fit.model)
    if not others or fit.model is None:
        return []
    worse = ", ".join(f"{names.get(n, f'{n} exponentials')} +{above:.1f}" for above, n in others)
    return [f"{names.get(fit.model, f'{fit.model} exponentials')} by BIC; {worse}"]
