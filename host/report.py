"""A capture as text and as a picture."""

import numpy as np

from host.capture import Capture
from host.measure import Quantity
from host.units import format_si, format_with_error


def table(capture: Capture) -> str:
    """Settings, times and accounting, a line each."""
    s, m, a = capture.settings, capture.measurements, capture.accounting
    lines = [
        f"{capture.source}   {s.volts:g} V   {format_si(s.rate, 'Hz')}   width {format_si(s.width, 's')}",
        f"window {format_si(s.window_start, 's')} + {format_si(s.window_length, 's')},"
        f" bins of {format_si(s.bin, 's')}; times from: {m.reference}",
        "",
    ]
    quantities = {
        "onset (10 %)": m.onset,
        "rise (10–90 %)": m.rise,
        "response (90 %)": m.response,
        "settling (±2 %)": m.settling,
        "fall (90–10 %)": m.fall,
    }
    lines += [f"  {name:<16} {_quantity(q)}" for name, q in quantities.items()]
    lines += [
        "",
        f"pulses: {a.pulses_averaged} averaged of {a.pulses_emitted} emitted, {a.pulses_missed} missed,"
        f" {a.pulses_lost} lost on the link; CRC errors {a.crc_errors}; clipped samples {a.clipped}",
    ]
    if capture.realtime_factor is not None:
        lines.append(f"EMULATOR at {capture.realtime_factor:.2f} × real time")
    return "\n".join(lines)


def _quantity(q: Quantity) -> str:
    text = q.reason if np.isnan(q.value) else format_with_error(q.value, q.se, "s")
    return f"{text:<28} {' '.join(q.flags)}".rstrip()
