"""Tables for spreadsheets: tabs between columns, one plain line of headings, and below the table what is known of it.

Excel, Origin and LibreOffice open such a file as it is, whatever separators the system has.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from trelscope.host.acquisition.recording import Recording
from trelscope.host.acquisition.sweep import UNITS, Axis, Point, Sweep
from trelscope.host.measure.quantities import DEFINITIONS

Cell = str | float


def text(headings: Sequence[str], rows: Iterable[Sequence[Cell]], about: Mapping[str, Cell]) -> str:
    """The whole file. about: a line each, below the table."""
    lines: list[Sequence[Cell]] = [headings, *rows, [], *about.items()]
    return "".join("\t".join(_cell(each) for each in line).rstrip() + "\n" for line in lines)


def of_results(recording: Recording) -> str:
    """A row for each quantity."""
    m = recording.measurements
    headings = ("quantity", "value", "standard error", "unit", "definition", "flags")
    rows = [
        (
            definition.title,
            q.value,
            q.se,
            definition.unit,
            definition.words(m.options),
            " ".join(q.flags) or q.reason,
        )
        for (definition, q) in zip(DEFINITIONS.values(), m.quantities().values(), strict=True)
    ]
    s = recording.settings
    return text(
        headings,
        rows,
        {
            "source": recording.source,
            "board": recording.board,
            "voltage (V)": s.volts,
            "rate (Hz)": s.rate,
            "width (s)": s.width,
            "bin (s)": s.bin,
            "pulses": float(recording.accounting.pulses_averaged),
            "zero of time": m.reference,
            "levels": m.levels(),
            "begun": str(recording.metadata.get("when", "")),
        },
    )


def of_sweep(sweep: Sweep, done: Iterable[Point]) -> str:
    """A row for each point, in the order of the values."""
    unit = UNITS[sweep.axis]
    headings = [f"{sweep.axis} ({unit})" if unit else str(sweep.axis)]
    for definition in DEFINITIONS.values():
        of = f" ({definition.unit})" if definition.unit else ""
        headings += [f"{definition.title}{of}", f"{definition.title} standard error{of}"]
    headings += ["pulses", "failed because"]
    rows = []
    for point in sorted(done, key=lambda point: point.index):
        row: list[Cell] = [point.value]
        if point.recording is None:
            row += [math.nan] * (2 * len(DEFINITIONS)) + [0.0, point.error]
        else:
            for q in point.recording.measurements.quantities().values():
                row += [q.value, q.se]
            row.append(float(point.recording.accounting.pulses_averaged))
        rows.append(row)
    about: dict[str, Cell] = {"swept": str(sweep.axis)}
    if sweep.axis is not Axis.DEVICE:
        about["source"] = sweep.source
    if sweep.axis is not Axis.VOLTS:
        about["voltage (V)"] = sweep.asked.volts
    if sweep.axis is not Axis.RATE:
        about["rate (Hz)"] = sweep.asked.rate
    return text(headings, rows, about)


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return f"{value:.9g}" if math.isfinite(value) else ""
