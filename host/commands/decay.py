"""`trelscope decay`: count photons after the drive edge and fit lifetimes to them."""

import argparse
import json
import math
from collections.abc import Mapping

import numpy as np

from host.capture import Capture
from host.commands.common import Commands, count, number, run_capture
from host.decay import Decay, Value, fit_decay, live_pulses
from host.errors import UserError
from host.settings import plan
from host.units import format_si, format_with_error

DEFAULT = "emulator:trpl-bmim3?detector=pmt&filter=2e-5&afterpulse=0"
WINDOW = -100e-9, 1.024e-6  # s
LANE = 1e-9  # s: photons within one of the discriminator's lanes are one
NEAR = 50e-9  # s from the drive edge, between which the excitation is looked for


class DecayError(UserError):
    """Nothing could be fitted; the message says why in one line."""


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("decay", help="count photons after the drive edge and fit lifetimes")
    p.set_defaults(command=_decay)
    p.add_argument("source", nargs="?", default=DEFAULT, metavar="SOURCE", help="%(default)s")
    p.add_argument("--pulses", type=count, default=400_000, help="excitations (default 400k)")
    p.add_argument("--rate", type=number, default=15e3, help="of them a second (default 15k)")
    p.add_argument("--order", type=int, choices=(1, 2, 3), help="exponentials (default: by BIC)")
    p.add_argument(
        "--response", type=number, default=0.3e-9, help="of the detector, s (default 0.3n)"
    )
    p.add_argument(
        "--dead-time", type=number, default=0.0, help="of the detector, s: corrected for"
    )
    p.add_argument("--seed", type=int, default=0, help="of the emulated noise (default 0)")
    p.add_argument("--json", action="store_true", help="print one JSON object")


def _decay(options: argparse.Namespace) -> int:
    result = run_capture(
        options.source,
        lambda depth: plan(depth, 5.0, options.rate, 10e-6, options.pulses, WINDOW, 1e-9),
        options.seed,
        paced=False,
        counting=True,
    )
    counts, edges = histogram(result)
    pulses = result.accounting.pulses_averaged
    live = live_pulses(counts, edges, pulses, options.dead_time, LANE)
    fit = fit_decay(counts, edges, live, options.response, options.order, (-NEAR, NEAR))
    if fit.reason:
        raise DecayError(f"{result.source}: {fit.reason}")
    if options.json:
        print(json.dumps({"source": result.source, **_about(fit)}))
    else:
        print(_table(result, fit))
    return 0


def histogram(result: Capture) -> tuple[np.ndarray, np.ndarray]:
    """Photons by bin (n,), and the bins' edges (n + 1,) in s from the drive edge as commanded."""
    settings = result.settings
    edges = settings.window_start + settings.bin * np.arange(settings.bins + 1)
    looked = settings.counts(result.accounting.pulses_averaged)[0]
    return np.rint(result.light.y * settings.bin * looked), edges


def _about(fit: Decay) -> Mapping[str, object]:
    def value(v: Value) -> dict[str, float | None]:
        numbers = {"value": v.value, "se": v.se}
        return {key: n if math.isfinite(n) else None for key, n in numbers.items()}

    return {
        "photons": fit.photons,
        "components": [
            {"amplitude": value(c.amplitude), "lifetime": value(c.lifetime)} for c in fit.components
        ],
        "background": value(fit.background),
        "t0": value(fit.t0),
        "amplitude_average": value(fit.amplitude_average),
        "intensity_average": value(fit.intensity_average),
        "deviance": fit.deviance,
        "deviance_expected": fit.deviance_expected,
    }


def _table(result: Capture, fit: Decay) -> str:
    def text(v: Value, unit: str) -> str:
        return format_with_error(v.value, v.se, unit)

    lines = [
        f"{result.source}   {fit.photons} photons of {result.accounting.pulses_averaged} pulses",
        "",
    ]
    for n, c in enumerate(fit.components, 1):
        lines.append(
            f"  lifetime {n}          {text(c.lifetime, 's'):<24} {text(c.amplitude, '/s')}"
        )
    lines += [
        f"  amplitude average   {text(fit.amplitude_average, 's')}",
        f"  intensity average   {text(fit.intensity_average, 's')}",
        f"  background          {format_si(fit.background.value, '/s')}",
        "",
        f"deviance per degree of freedom {fit.deviance:.3f}, {fit.deviance_expected:.3f} expected",
    ]
    return "\n".join(lines)
