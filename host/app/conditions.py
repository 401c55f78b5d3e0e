"""What an average was measured on and how, in one line: for captions, notebooks and the banner."""

import re

from trelscope.host.app import source
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.units import format_si


def conditions(data: AverageData) -> str:
    """Board, device, voltage, rate, width, pulses and the kind of average."""
    settings = data.settings
    volts, rate = format_si(settings.volts, "V"), format_si(settings.rate, "Hz")
    width, board = format_si(settings.width, "s"), source.title(data.source, data.board)
    return f"{board}, {volts}, {rate}, width {width}, {_pulses(data)}, {data.averaging.value}"


def brief(data: AverageData) -> str:
    """Device, voltage and pulses."""
    volts = format_si(data.settings.volts, "V")
    return f"{data.source.removeprefix('emulator:')}, {volts}, {_pulses(data)}"


def file_name(data: AverageData) -> str:
    """A name for files: device, voltage and the day, as in "hr-1mm2_5V_2026-11-30"."""
    device = re.sub(r"[^\w.=-]+", "-", data.source.removeprefix("emulator:")).strip("-")
    when = str(data.metadata.get("when", ""))[:10]
    return "_".join(filter(None, (device, f"{data.settings.volts:g}V", when)))


def _pulses(data: AverageData) -> str:
    return f"{data.accounting.pulses_averaged:,} pulses".replace(",", "\u2009")
