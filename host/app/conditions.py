"""What an average was measured on and how, in one line: for captions, notebooks and the banner."""

from trelscope.host.app import source
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.units import format_si


def conditions(data: AverageData) -> str:
    """Board, device, voltage, rate, width, pulses and the kind of average."""
    settings = data.settings
    volts, rate, width = (
        format_si(settings.volts, "V"),
        format_si(settings.rate, "Hz"),
        format_si(settings.width, "s"),
    )
    pulses = f"{data.accounting.pulses_averaged:,}".replace(",", "\u2009")
    return (
        f"{source.title(data.source, data.board)}, {volts}, {rate}, width {width},"
        f" {pulses} pulses, {data.averaging.value}"
    )
