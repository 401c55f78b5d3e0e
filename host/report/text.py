"""A capture as text and as a picture."""

from trelscope.host.acquisition.provenance import NOTES
from trelscope.host.acquisition.recording import Recording
from trelscope.host.measure.quantities import DEFINITIONS, Measurements, Quantity
from trelscope.host.units import format_si, format_with_error


def printable(text: str) -> str:
    """The text without control characters, which a file or a name may hold to play with the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def table(capture: Recording) -> str:
    """Settings, times and accounting, a line each."""
    s, m, a = capture.settings, capture.measurements, capture.accounting
    lines = [
        f"{printable(capture.source)}   {s.volts:g} V   {format_si(s.rate, 'Hz')}   width {format_si(s.width, 's')}",
        f"window {format_si(s.window_start, 's')} + {format_si(s.window_length, 's')},"
        f" bins of {format_si(s.bin, 's')}; times from: {m.reference}",
        "",
    ]
    noted = {name: capture.metadata[name] for name in NOTES if name in capture.metadata}
    lines[2:2] = [f"{name}: {printable(str(text))}" for name, text in noted.items()]
    lines += [_quantity(name, q, m) for name, q in m.quantities().items()]
    lines += ["", m.levels(), *methods(m)]
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


def _quantity(name: str, q: Quantity, m: Measurements) -> str:
    definition = DEFINITIONS[name]
    title = f"{definition.title} ({definition.words(m.options)})"
    text = q.reason or format_with_error(q.value, q.se, definition.unit)
    return f"  {title:<62} {text:<28} {' '.join(q.flags)}".rstrip()


def methods(m: Measurements) -> list[str]:
    """How the quantities were found, a line for those found alike."""
    by_method: dict[str, list[str]] = {}
    for name, q in m.quantities().items():
        if not q.reason:
            by_method.setdefault(q.method, []).append(DEFINITIONS[name].title.lower())
    return [f"{', '.join(names)}: {method}" for method, names in by_method.items()]
