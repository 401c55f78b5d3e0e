"""Results as text, for a notebook or a message."""

from trelscope.host.app.session.snapshot import Data
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.measure.statistics import Summary
from trelscope.host.units import format_si, format_with_error


def results(data: Data) -> str:
    """Settings, then a line for each quantity: name, value ± standard error, definition, flags; tabs between."""
    s, m, a = data.settings, data.measurements, data.accounting
    lines = [
        f"{data.board} {data.source}, {format_si(s.volts, 'V')}, {format_si(s.rate, 'Hz')},"
        f" width {format_si(s.width, 's')}, {a.pulses_averaged} pulses, {data.averaging.value}",
        f"zero of time: {m.reference}; {m.levels()}",
        "quantity\tvalue ± standard error\tn\tdefinition\tflags",
    ]
    for name, definition in DEFINITIONS.items():
        quantity = m.quantities()[name]
        unit = definition.unit
        value = quantity.reason or format_with_error(quantity.value, quantity.se, unit)
        count = data.statistics.get(name, Summary()).count
        words, flags = definition.words(m.options), " ".join(quantity.flags)
        lines.append(f"{definition.title}\t{value}\t{count}\t{words}\t{flags}".rstrip())
    return "\n".join(lines) + "\n"
