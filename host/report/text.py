"""A capture as text and as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path

from trelscope.host.acquisition.provenance import KEYED, NOTES
from trelscope.host.acquisition.recording import Recording
from trelscope.host.files.foreign.pulse import AT_THE_END
from trelscope.host.files.foreign.recording import FOREIGN, UNDERSTOOD
from trelscope.host.measure.quantities import DEFINITIONS, PRIMARY, Measurements, Quantity
from trelscope.host.units import format_si, format_with_error


def printable(text: str) -> str:
    """The text without control characters, which a file or a name may hold to play with the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def table(capture: Recording) -> str:
    """Settings, times and accounting, a line each."""
    s, m, a = capture.settings, capture.measurements, capture.accounting
    if UNDERSTOOD in capture.metadata:
        return "\n".join([*_understood(capture), "", *_results(m)])
    lines = [
        f"{printable(capture.source)}   {s.volts:g} V   {format_si(s.rate, 'Hz')}   width {format_si(s.width, 's')}",
        f"window {format_si(s.window_start, 's')} + {format_si(s.window_length, 's')},"
        f" bins of {format_si(s.bin, 's')}; times from: {m.reference}",
        "",
    ]
    noted = {name: capture.metadata[name] for name in NOTES if name in capture.metadata}
    keyed = capture.metadata.get(KEYED)
    noted |= keyed if isinstance(keyed, dict) else {}
    lines[2:2] = [f"{printable(name)}: {printable(str(text))}" for name, text in noted.items()]
    lines += _results(m)
    lines += [
        "",
        f"pulses: {a.pulses_averaged} averaged of {a.pulses_emitted} emitted, {a.pulses_missed} missed,"
        f" {a.pulses_lost} lost on the link; CRC errors {a.crc_errors};"
        f" packets refused {a.packets_refused}; clipped samples {a.clipped}",
    ]
    if capture.incomplete:
        lines.append(f"incomplete: {printable(capture.incomplete)}")
    if capture.realtime_factor is not None:
        lines.append(f"EMULATOR at {capture.realtime_factor:.2f} × real time")
    return "\n".join(lines)


def _understood(capture: Recording) -> list[str]:
    """What was made of a file of another instrument, a line each."""
    m, zero = capture.measurements, capture.metadata["time_zero"]
    said = [printable(str(line)) for line in capture.metadata[UNDERSTOOD]]
    lines = [f"{printable(capture.source)}   {printable(str(capture.metadata[FOREIGN]))}", *said]
    passed = [
        f"{level:.0%} at {format_si(at + zero, 's', 7)}".replace("%", " %")
        for level, at in ((m.options.low, m.t_low), (m.options.high, m.t_high))
        if math.isfinite(at)
    ]
    edges = capture.edges
    if edges is None or not m.reference.endswith(AT_THE_END):
        lines.append(f"edge at {format_si(m.t0 + zero, 's', 7)} of the file's time ({m.reference})")
    else:
        lines.append(
            f"falling edge at {format_si(edges.end + zero, 's', 7)} of the file's time ({m.reference})"
        )
    if passed:
        lines.append(f"the light passes {', '.join(passed)} of the file's time")
    return lines


def _results(m: Measurements) -> list[str]:
    """Every quantity, and how they were found."""
    quantities = [_quantity(name, q, m) for name, q in m.quantities().items()]
    return [*quantities, "", m.levels(), *methods(m)]


def comparison(captures: Sequence[tuple[Path, Recording]]) -> str:
    """The times of several recordings, a line each."""
    width = max(len(printable(path.name)) for path, _ in captures)
    lines = [" " * width + "".join(f"  {DEFINITIONS[name].title:<22}" for name in PRIMARY)]
    for path, capture in captures:
        quantities = capture.measurements.quantities()
        cells = (f"  {_short(quantities[name]):<22}" for name in PRIMARY)
        lines.append(f"{printable(path.name):<{width}}{''.join(cells)}".rstrip())
    return "\n".join(lines)


def _short(q: Quantity) -> str:
    """A value with its error, or at most how much it is."""
    if q.most is not None:
        return f"≤ {format_si(q.most, 's')}"
    return format_with_error(q.value, q.se, "s")


def _quantity(name: str, q: Quantity, m: Measurements) -> str:
    definition = DEFINITIONS[name]
    title = f"{definition.title} ({definition.words(m.options)})"
    text = q.reason or format_with_error(q.value, q.se, definition.unit)
    if q.most is not None:
        text = f"at most {format_si(q.most, definition.unit)}: {q.reason}"
    return f"  {title:<62} {text:<28} {' '.join(q.flags)}".rstrip()


def methods(m: Measurements) -> list[str]:
    """How the quantities were found, a line for those found alike."""
    by_method: dict[str, list[str]] = {}
    for name, q in m.quantities().items():
        if not q.reason:
            by_method.setdefault(q.method, []).append(DEFINITIONS[name].title.lower())
    return [f"{', '.join(names)}: {method}" for method, names in by_method.items()]
