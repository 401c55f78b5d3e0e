"""What an average was measured on and how, in one line: for captions, notebooks and the banner."""

import math
import re
from collections.abc import Sequence

from trelscope.host.acquisition.sweep import Axis, Sweep
from trelscope.host.app import source
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.units import format_concise, format_si

AXES = {Axis.VOLTS: "Voltage", Axis.RATE: "Rate", Axis.DEVICE: "Device"}


def conditions(data: AverageData) -> str:
    """Board, device, voltage, rate, width, pulses and the kind of average."""
    settings = data.settings
    volts, rate = format_si(settings.volts, "V"), format_si(settings.rate, "Hz")
    width, board = format_si(settings.width, "s"), source.title(data.source, data.board)
    return f"{board}, {volts}, {rate}, width {width}, {_pulses(data)}, {data.averaging.value}"


def brief(data: AverageData) -> str:
    """Device, voltage, and the pulses that have been measured: while an average grows, not quite all."""
    volts = format_si(data.settings.volts, "V")
    return f"{data.source.removeprefix('emulator:')}, {volts}, {_count(data.measurements.pulses)}"


def caption(data: AverageData, name: str, references: Sequence[str] = ()) -> str:
    """For a picture: conditions, the result of quantity `name` with its definition, and what else is in the picture."""
    q, definition = data.measurements.quantities()[name], DEFINITIONS[name]
    words = definition.words(data.measurements.options)
    result = format_concise(q.value, q.se, definition.unit)
    flags = f" [{' '.join(q.flags)}]" if q.flags else ""
    lines = [f"{conditions(data)}.", f"{definition.title} ({words}): {result}{flags}."]
    if source.is_excited(data.source):
        del lines[1]
    if references:
        lines.append(f"References: {', '.join(references)}.")
    when = str(data.metadata.get("when", ""))
    if when:
        lines.append(f"Begun {when}.")
    return " ".join(lines)


def file_name(data: AverageData) -> str:
    """A name for files: device, voltage and the day, as in "hr-1mm2_5V_2026-11-30"."""
    when, volts = str(data.metadata.get("when", ""))[:10], data.settings.volts
    driven = f"{volts:g}V" if math.isfinite(volts) else ""  # another instrument's file may not say
    return "_".join(filter(None, (_device(data.source), driven, when)))


def sweep_name(sweep: Sweep) -> str:
    """The same for a sweep: "hr-1mm2_sweep-volts"; of devices without one."""
    device = "" if sweep.axis is Axis.DEVICE else _device(sweep.source)
    return "_".join(filter(None, (device, f"sweep-{sweep.axis}")))


def sweep_caption(sweep: Sweep, name: str, pulses: int) -> str:
    """For a picture of a sweep: what was swept of what, and what is drawn."""
    asked, definition = sweep.asked, DEFINITIONS[name]
    parts = [f"{definition.title} against {AXES[sweep.axis].lower()}"]
    if sweep.axis is not Axis.DEVICE:
        parts.append(sweep.source.removeprefix("emulator:"))
    if sweep.axis is not Axis.VOLTS:
        parts.append(format_si(asked.volts, "V"))
    if sweep.axis is not Axis.RATE:
        parts.append(format_si(asked.rate, "Hz"))
    count = f"{pulses:,}".replace(",", "\u2009")
    return f"{', '.join(parts)}, {count} pulses a point; bars: ± 1 standard error."


def _device(url: str) -> str:
    return re.sub(r"[^\w.=-]+", "-", url.removeprefix("emulator:")).strip("-")


def _pulses(data: AverageData) -> str:
    return _count(data.accounting.pulses_averaged)


def _count(pulses: int) -> str:
    return f"{pulses:,} pulses".replace(",", "\u2009")
