"""Check-up of a board: one finding after the other, in the order of the first power-up (docs/flashing.md)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trelscope.gateware.digest import digest_word
from trelscope.gateware.platform.clocks import STEPS_PER_NS
from trelscope.gateware.protocol import CLOCK_HZ, Feature, Trip
from trelscope.host.acquisition.acquisition import LIGHT, Acquisition, new_average
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.bringup import loopback
from trelscope.host.bringup.drive import judge
from trelscope.host.calibration import phases
from trelscope.host.calibration.level import CalibrationError
from trelscope.host.errors import UserError
from trelscope.host.link import Link
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import VOLTS, CaptureRequest
from trelscope.host.settings import Settings
from trelscope.host.units import format_si

# Seconds of silence after which the watchdog is to bite, and for how long that is waited for.
BITE, PATIENCE = 0.1, 0.25
PULSES = 256
WIDTH, WINDOW = 10e-6, (-2e-6, 16e-6)  # s: short, and with both edges in it
LOOP_WINDOW = (-0.2e-6, 1e-6)  # s
PHASE_PULSES = 4096
STEPS = PHASE_PULSES * STEPS_PER_NS  # of the PLL, from pulse to pulse


NOT_SHOWN = (
    "nothing was driven, because nobody has moved the interlock, which has to be able to stop it; run this in a"
    " terminal and move it, or give --interlock-checked if you have checked it by hand"
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. good: None if that is not known; words: what was found, and the way out."""

    name: str
    good: bool | None
    words: str


def check_up(
    link: Link,
    move_interlock: Callable[[bool], bool],
    drive: bool,
    loopback: bool = False,
    interlock_checked: bool = False,
) -> Iterator[Finding]:
    """Look at the board behind `link`; stops where going on would make no sense or would not be safe.

    move_interlock: has the interlock opened (True) or closed; returns whether it could be done.
    drive: whether the output may be driven at 3 V and at 7 V. loopback: whether `gate` is wired to both `photon` pins
    and may be high, at 3 V. interlock_checked: whether either may be done although nobody moves the interlock now.
    """
    try:
        yield from _look(link, move_interlock, drive, loopback, interlock_checked)
    except UserError as error:
        yield Finding("instrument", False, str(error))


def _look(
    link: Link,
    move_interlock: Callable[[bool], bool],
    may_drive: bool,
    looped: bool,
    interlock_checked: bool,
) -> Iterator[Finding]:
    instrument = Instrument(link)
    try:
        yield _identification(instrument)
        findings = [_interlock(instrument, move_interlock, opened) for opened in (True, False)]
        yield from findings
        if any(finding.good is False for finding in findings):
            return  # an output that cannot be stopped is not switched on
        yield _watchdog(instrument)
        shown = all(finding.good for finding in findings)
        if (looped or may_drive) and not (shown or interlock_checked):
            yield Finding("drive", None, NOT_SHOWN)
            return
        if looped:
            yield _loopback(instrument)
        if may_drive:
            yield from _driven(instrument)
    finally:
        instrument.write("run", 0)
        instrument.write("enable", 0)


def _identification(instrument: Instrument) -> Finding:
    identity = instrument.identity
    same = identity.digest == digest_word()
    return Finding(
        "identification",
        True if same else None,
        f"{identity.board}, digest {identity.digest:08x}"
        + ("" if same else f"; the gateware here is {digest_word():08x}: build and flash it anew"),
    )


def _interlock(
    instrument: Instrument, move_interlock: Callable[[bool], bool], opened: bool
) -> Finding:
    name = f"interlock {'open' if opened else 'closed'}"
    if not move_interlock(opened):
        return Finding(name, None, "not checked, because nobody has moved it")
    instrument.write("acknowledge", Trip.EXTERNAL)
    seen = Trip.EXTERNAL in Trip(instrument.read("trip_cause"))
    if seen == opened:
        return Finding(name, True, "trips" if opened else "does not trip")
    if opened:
        return Finding(
            name,
            False,
            "reads closed: it is on another pin, or tied to 3.3 V; connect no driver until that is mended",
        )
    return Finding(
        name, False, "reads open: no 3.3 V at its pin; look at its switch, its wire and its pin"
    )


def _watchdog(instrument: Instrument) -> Finding:
    """Nothing is driven meanwhile: there is no train."""
    instrument.write("watchdog", round(BITE * CLOCK_HZ))
    instrument.write("enable", 1)
    until = instrument.link.clock() + PATIENCE
    while instrument.link.clock() < until:
        instrument.frames(PATIENCE / 5)
    bitten = Trip.WATCHDOG in Trip(instrument.read("trip_cause"))
    instrument.write("enable", 0)
    instrument.write("acknowledge", Trip.WATCHDOG)
    if bitten:
        return Finding("watchdog", True, f"bites after {format_si(BITE, 's')} of silence")
    return Finding("watchdog", False, "does not bite; please report this")


def _loopback(instrument: Instrument) -> Finding:
    name = "gate to photon"
    if Feature.COUNTING not in instrument.identity.features:
        return Finding(name, None, "this instrument counts no photons")
    settings = CaptureRequest(
        VOLTS[0], width=WIDTH, window=LOOP_WINDOW, bin=1e-9, pulses=PULSES, counting=True
    ).plan(instrument.identity.depth)
    average = new_average(settings, instrument.link.front_end)
    acquisition = Acquisition(instrument, settings, average)
    while not acquisition.done:
        acquisition.poll(0.1)
    words = loopback.judge(settings.times(), average.state().sums[LIGHT], PULSES)
    return Finding(name, not words, words or "one photon a pulse, all at the launch")


def _driven(instrument: Instrument) -> Iterator[Finding]:
    depth = instrument.identity.depth
    for volts in VOLTS:
        request = CaptureRequest(volts, width=WIDTH, window=WINDOW, pulses=PULSES, counting=False)
        light, drive = _traces(instrument, request.plan(depth))
        name = f"drive at {volts:g} V"
        words = judge(light, drive, volts, WIDTH)
        yield Finding(name, not words, words or "level and both edges are where they should be")
        if words:
            return
    settings = phases.request(PHASE_PULSES).plan(depth)
    before, after = (_traces(instrument, settings)[1] for _ in range(2))
    yield _launch_phases(before)
    yield _launch_stays(before, after)


def _launch_phases(drive: Trace) -> Finding:
    try:
        table = phases.phases(drive, (0.0, phases.WIDTH)).table
    except CalibrationError as error:
        return Finding("launch phases", None, str(error))
    wrong = ", ".join(map(str, table.far_off))
    words = f"phase {wrong}: off by more than a step of the PLL" if wrong else "within a step"
    return Finding("launch phases", not wrong, words)


def _launch_stays(before: Trace, after: Trace) -> Finding:
    """Whether the PLL has missed steps: each pulse of these captures takes some, and a missed one shifts all later
    launches."""
    late, error = phases.shift(before, after)
    if not error < phases.STEP / 8:
        words = "not known: the drive monitor's edges are too faint, or too noisy"
        return Finding("launch stays", None, words)
    if abs(late) < phases.STEP / 2:
        return Finding("launch stays", True, f"to {format_si(error, 's')}, after {STEPS} steps")
    return Finding(
        "launch stays",
        False,
        f"it moved by {format_si(late, 's')} between two captures: steps of the PLL are missed, and times that are not"
        " held against the drive monitor's edge are wrong by as much",
    )


def _traces(instrument: Instrument, settings: Settings) -> tuple[Trace, Trace]:
    acquisition = Acquisition(instrument, settings)
    while not acquisition.done:
        acquisition.poll(0.1)
    return acquisition.traces()
