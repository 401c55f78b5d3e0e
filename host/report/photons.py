"""A run of stamps as text: where its photons went, and what their statistics say."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trelscope.host.acquisition.photon_run import PhotonRun
from trelscope.host.acquisition.provenance import NOTES
from trelscope.host.photons.correlation import Correlation
from trelscope.host.photons.counter import Counter
from trelscope.host.photons.per_pulse import PerPulse
from trelscope.host.report.text import printable
from trelscope.host.units import format_si, format_with_error

SHOWN = (0, 1, 2, 5, 10)  # lags whose g2 is printed


@dataclass(frozen=True, eq=False)
class Statistics:
    """lags, counter: None while a run is taken; they are looked at in its file."""

    per_pulse: PerPulse
    lags: Correlation | None = None
    counter: Counter | None = None

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types in SI units; None where nothing is known."""
        found = self.per_pulse
        values: dict[str, Any] = {
            "photons_per_pulse": _value(found.mean, found.se),
            "fano": _value(found.fano, found.fano_se),
        }
        if self.lags is not None:
            pairs = zip(self.lags.g2, self.lags.se, strict=True)
            values["g2"] = [_value(g2, se) for g2, se in pairs]
        if self.counter is not None:
            values["dead_time"] = _value(self.counter.dead_time, self.counter.dead_time_se)
            values["afterpulse"] = _value(self.counter.afterpulse, self.counter.afterpulse_se)
        return values


def table(run: PhotonRun, statistics: Statistics) -> str:
    """Settings, account and statistics, a line each."""
    s, account, said = run.settings, run.accounting, run.summary()
    lines = [
        f"{printable(run.source)}   {s.volts:g} V   {format_si(s.rate, 'Hz')}   width {format_si(s.width, 's')}"
    ]
    lines += [
        f"{name}: {printable(str(run.metadata[name]))}" for name in NOTES if name in run.metadata
    ]
    lines += [
        "",
        f"photons: {account.photons_seen} seen = {account.photons_stamped} stamped"
        f" + {account.photons_missed} missed, for the queue was full + {account.photons_lost} lost on the link",
        f"pulses: {account.pulses_emitted}; CRC errors {run.crc_errors}; packets refused {account.packets_refused}",
        f"rate: {format_si(said['rate'] or 0.0, 'photons/s')}",
        *_lines(statistics),
    ]
    if run.incomplete:
        lines.append(f"incomplete: {printable(run.incomplete)}")
    if run.realtime_factor is not None:
        lines.append(f"EMULATOR at {run.realtime_factor:.2f} × real time")
    return "\n".join(lines)


def _lines(statistics: Statistics) -> list[str]:
    found = statistics.per_pulse
    if not np.isfinite(found.fano):
        return []
    lines = [
        f"photons per pulse: {found.mean:.4g} ± {found.se:.2g}",
        f"Fano factor: {found.fano:.4f} ± {found.fano_se:.4f} (independent photons: 1)",
    ]
    if statistics.lags is not None:
        lags = statistics.lags
        shown = [n for n in SHOWN if n < lags.g2.size and np.isfinite(lags.g2[n])]
        if shown:
            each = ", ".join(f"{lags.g2[n]:.4f} ± {lags.se[n]:.4f} ({n})" for n in shown)
            lines.append(f"g2 by pulses apart: {each}")
    if statistics.counter is not None:
        counter = statistics.counter
        if np.isfinite(counter.dead_time):
            dead = format_with_error(counter.dead_time, counter.dead_time_se, "s")
            lines.append(f"dead time: {dead}")
        if np.isfinite(counter.afterpulse):
            chance = format_with_error(counter.afterpulse, counter.afterpulse_se, "")
            lines.append(f"afterpulses within the delays looked at: {chance}")
    return lines


def _value(value: float, se: float) -> dict[str, float] | None:
    known = np.isfinite(value) and np.isfinite(se)
    return {"value": float(value), "se": float(se)} if known else None
