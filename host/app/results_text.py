"""Results as text, for a notebook or a message."""

from trelscope.host.app.conditions import conditions
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.measure.statistics import Summary
from trelscope.host.units import format_with_error


def results_text(data: AverageData) -> str:
    """Settings, then a line for each quantity: title, value ± standard error, n, definition and flags between tabs."""
    m = data.measurements
    lines = [
        conditions(data),
        f"zero of time: {m.reference}; {m.levels()}",
        "quantity\tvalue ± standard error\tn\tdefinition\tflags",
    ]
    for name, definition in DEFINITIONS.items():
        quantity = m.quantities()[name]
        value = quantity.reason or format_with_error(quantity.value, quantity.se, definition.unit)
        count = data.statistics.get(name, Summary()).count
        meaning, flags = definition.words(m.options), " ".join(quantity.flags)
        lines.append(f"{definition.title}\t{value}\t{count}\t{meaning}\t{flags}".rstrip())
    return "\n".join(lines) + "\n"
