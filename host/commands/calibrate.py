"""`trelscope calibrate`: a board's drive level; widths of its photon lanes; its launch phases; its ADC's delay."""

import argparse
import json
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.protocol import CYCLE_NS, Feature
from trelscope.host.acquisition.acquisition import LIGHT, Acquisition, new_average
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.bringup.adc import scan
from trelscope.host.calibration import saved
from trelscope.host.calibration.eye import TAP, eye
from trelscope.host.calibration.lanes import Lanes, lanes
from trelscope.host.calibration.level import CalibrationError, level
from trelscope.host.calibration.phases import STEP, Phases, phases, request
from trelscope.host.commands.common import (
    JSON,
    SEED,
    Commands,
    count,
    run_capture,
    say,
    seconds,
    volts,
)
from trelscope.host.link import ports
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest
from trelscope.host.units import format_si

WIDTH = 1e-6  # s of drive, which must be on for a train to run at all
AFTER = 20e-6  # s from the drive edge, when the device's own light has gone
NOT_KEPT = "not kept: the source has no USB serial number"
LONGEST = 16e-6  # s looked at after each pulse


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "calibrate",
        help="calibrate a board's drive level and its ADC, check its photon lanes and launch phases",
    )
    what = p.add_subparsers(title="what", metavar="WHAT", required=True)
    one = what.add_parser("level", help="from two levels asked for and what a meter read at each")
    one.set_defaults(command=_level)
    one.add_argument(
        "source", metavar="serial:PORT", help="the board, by port or USB serial number"
    )
    one.add_argument(
        "reading",
        nargs=2,
        type=_reading,
        metavar="COMMANDED:MEASURED",
        help="level asked for with --volts, and voltage measured at the driver's output while it was high",
    )
    two = what.add_parser(
        "lanes", help="widths of the photon lanes, from steady light", parents=[SEED, JSON]
    )
    two.set_defaults(command=_lanes)
    two.add_argument("source", metavar="SOURCE")
    two.add_argument("--pulses", type=count, default=100_000, help="(default 100k)")
    two.add_argument(
        "--after", type=seconds, default=AFTER, help="s from the drive edge (default 20u)"
    )
    three = what.add_parser(
        "phases", help="launch phases, from the edges of the drive monitor", parents=[SEED, JSON]
    )
    three.set_defaults(command=_phases)
    three.add_argument("source", metavar="SOURCE")
    three.add_argument("--pulses", type=count, default=16384, help="(default 16384)")
    four = what.add_parser(
        "adc",
        help="delay of the ADC's data, from the drive monitor; drives the output, with no device connected",
        parents=[SEED, JSON],
    )
    four.set_defaults(command=_adc)
    four.add_argument("source", metavar="SOURCE")


def _reading(text: str) -> tuple[float, float]:
    asked, colon, read = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"not COMMANDED:MEASURED: {text!r} (write e.g. 4:4.03)")
    return volts(asked), volts(read)


def _level(options: argparse.Namespace) -> int:
    where = options.source.removeprefix("serial:")
    serial = ports.serial_of(where)
    if serial is None:
        raise CalibrationError(
            f"{options.source}: no port with a USB serial number, under which a calibration is kept;"
            " see `trelscope boards`"
        )
    before = saved.load(serial)  # in force when the levels were asked for
    asked, read = zip(*options.reading, strict=True)
    now = level([before.nominal(volts) for volts in asked], read)
    path = saved.store(serial, now)
    low, high = now.reachable()
    print(f"{serial}: gain {now.gain:.5f}, offset {now.offset * 1e3:+.1f} mV; from now on in force")
    print(f"the output reaches {low:.3f} V to {high:.3f} V; kept in {path}")
    return 0


def _lanes(options: argparse.Namespace) -> int:
    link = open_link(options.source, options.seed, False, say)
    try:
        result = lanes(lane_counts(Instrument(link), options.pulses, options.after))
    finally:
        link.close()
    if options.json:
        print(json.dumps({"source": options.source, **_about(result)}))
    else:
        print(_table(result))
    return 0


def lane_counts(instrument: Instrument, pulses: int, after: float) -> NDArray[np.int64]:
    """(cycles, 8) photons by clock cycle after the drive edge, and lane."""
    if Feature.COUNTING not in instrument.identity.features:
        raise InstrumentError(f"{instrument.link.name}: counts no photons, and so has no lanes")
    cycles = min(instrument.identity.depth // CYCLE_NS, round(LONGEST * 1e9) // CYCLE_NS)
    settings = CaptureRequest(
        width=WIDTH, pulses=pulses, window=(after, cycles * CYCLE_NS * 1e-9), bin=1e-9
    ).plan(instrument.identity.depth)
    # All launched without a delay: otherwise each bin would be looked at through every lane in turn.
    settings = replace(settings, counting=True, interleave=False)
    average = new_average(settings, instrument.link.front_end)
    acquisition = Acquisition(instrument, settings, average)
    while not acquisition.done:
        acquisition.poll(0.1)
    if lost := acquisition.accounting.dropped:
        say(f"{lost} frames or pulses were lost; the widths follow from the others")
    counts: NDArray[np.int64] = average.state().sums[LIGHT]
    return counts.reshape(cycles, CYCLE_NS)


def _phases(options: argparse.Namespace) -> int:
    seen = run_capture(options.source, request(options.pulses).plan, options.seed, paced=False)
    if seen.incomplete:
        raise CalibrationError(f"{options.source}: nothing is calibrated: {seen.incomplete}")
    result = phases(seen.drive, (0.0, seen.settings.width))
    serial = _serial(options.source)
    kept = None if serial is None else saved.store_phases(serial, result.table)
    if options.json:
        about = {**result.table.as_dict(), "chi2": result.chi2, "dof": result.dof, "p": result.p}
        print(json.dumps({"source": options.source, **about, "missing": result.why}))
    else:
        print(_phase_table(result))
        print(f"kept in {kept}" if kept else NOT_KEPT)
    return 0


def _adc(options: argparse.Namespace) -> int:
    link = open_link(options.source, options.seed, False, say)
    try:
        instrument = Instrument(link)
        taps, scatter = scan(instrument, say)
        instrument.write("enable", 0)
    finally:
        link.close()
    result = eye(taps, scatter)
    serial = _serial(options.source)
    delay = result.middle * TAP
    kept = None if serial is None else saved.store_adc_delay(serial, delay)
    if options.json:
        about = {"first": result.first * TAP, "last": result.last * TAP, "adc_delay": delay}
        print(json.dumps({"source": options.source, **about, "scatter": scatter}))
        return 0
    first, last, middle = (
        format_si(tap * TAP, "s") for tap in (result.first, result.last, result.middle)
    )
    print(f"codes are right with delays from {first} to {last}; the middle, {middle}, is used")
    if result.goes_on:
        print("the eye goes on beyond what can be set: one of its edges was not seen")
    print(f"kept in {kept}" if kept else f"{NOT_KEPT}; give it as ?adc_delay={delay:.4g}")
    return 0


def _serial(source: str) -> str | None:
    """USB serial number of the board, under which its calibrations are kept."""
    parts = urlsplit(source)
    return ports.serial_of(parts.path) if parts.scheme == "serial" else None


def _phase_table(result: Phases) -> str:
    table = result.table
    rows = [
        f"  phase {n}   "
        + ("not known" if np.isnan(late) else f"{late * 1e12:+7.1f} ± {error * 1e12:.1f} ps")
        for n, (late, error) in enumerate(zip(table.offsets, table.errors, strict=True))
    ]
    verdict = f"chi2 {result.chi2:.1f} for {result.dof} degrees of freedom, p = {result.p:.2g}"
    notes = [result.why] if result.why else []
    if table.far_off:
        which = ", ".join(map(str, table.far_off))
        notes.append(f"phase {which}: off by more than a step of the PLL, {STEP * 1e12:.0f} ps")
    return "\n".join(["launch late by", "", *rows, "", verdict, *notes])


def _about(result: Lanes) -> dict[str, object]:
    return {
        "widths": (result.widths * 1e-9).tolist(),
        "se": (result.errors * 1e-9).tolist(),
        "photons": result.photons,
        "chi2": result.chi2,
        "p": result.p,
    }


def _table(result: Lanes) -> str:
    rows = [
        f"  lane {n}   {width:.3f} ± {error:.3f} ns"
        for n, (width, error) in enumerate(zip(result.widths, result.errors, strict=True))
    ]
    verdict = f"chi2 {result.chi2:.1f} for 7 degrees of freedom, p = {result.p:.2g}"
    return "\n".join([f"{result.photons} photons", "", *rows, "", verdict])
