"""A recording of what a file of another instrument holds: it can be measured, shown and saved like a capture."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.provenance import program
from trelscope.host.acquisition.recording import EDGES, Recording
from trelscope.host.acquisition.sampled import Sampled
from trelscope.host.calibration.frontend import RANGES, FrontEnd
from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.pieces import Piece, piece_of
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.pulse import Placed, place
from trelscope.host.files.foreign.roles import roles
from trelscope.host.files.foreign.units import parse_unit
from trelscope.host.files.foreign.waveforms import Channel, Waveforms
from trelscope.host.measure import noise
from trelscope.host.measure.measure import Estimator, MeasureOptions
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]

BOARD = "file"
"""What stands for the board of a recording that no board has made."""
EXCITATIONS = "excitations"
"""Key of the metadata: after how many excitations photons were counted; None where that is not known."""
FOREIGN, UNDERSTOOD, SAYS = "foreign", "understood", "file_says"
"""Keys of the metadata: what kind of file it was, how it was understood, what it said beside its numbers."""


def recording(waveforms: Waveforms, choices: Choices, source: str) -> Recording:
    """Raises Unreadable for what has to be said first, or cannot be measured at all."""
    light, drive, how = roles(waveforms.channels, choices)
    light = _with_unit(light, choices)
    counted = waveforms.counted and light.unit in ("", "counts")
    if choices.invert:
        light = replace(light, values=-light.values)
        how = (*how, "light: turned over, as asked")
    piece = piece_of(waveforms, light, drive, counted)
    placed = place(piece, choices, counted, drive is not None)
    how = (*waveforms.how, *how, *piece.how, *placed.how)
    settings = _settings(placed, piece, counted, light.unit, drive, waveforms.excitations)
    pulses = settings.pulses
    t = settings.times()
    per_count = settings.bin * pulses if counted else 1.0
    light_trace = Trace(t, placed.light / per_count, placed.light_se / per_count, pulses)
    metadata: dict[str, Any] = {
        "program": program(),
        FOREIGN: waveforms.kind,
        UNDERSTOOD: list(how),
        SAYS: dict(waveforms.metadata),
        "time_zero": placed.zero,
        EDGES: asdict(placed.edges),
    }
    if counted:
        metadata[EXCITATIONS] = waveforms.excitations
    return Recording(
        source=source,
        board=BOARD,
        front_end=_front_end(placed),
        settings=settings,
        options=MeasureOptions(
            estimator=Estimator.BEST, top=_peak(light_trace) if counted else None
        ),
        light=light_trace,
        drive=Trace(t, placed.drive, placed.drive_se, pulses),
        accounting=Accounting(pulses, pulses, 0, 0, 0, 0, 0),
        realtime_factor=None,
        metadata=metadata,
    )


def _peak(light: Trace) -> tuple[float, float]:
    """The highest bin of a histogram and its standard error: it has no plateau that could be the top."""
    k = int(np.argmax(light.y))
    return float(light.y[k]), float(light.se[k])


def _with_unit(light: Channel, choices: Choices) -> Channel:
    if choices.unit is None:
        return light
    known = parse_unit(choices.unit)
    if known is None:
        raise Unreadable(
            f"--unit {choices.unit}: no unit of light that is known; write V, mV, A, W, counts or a.u."
        )
    factor = known[0] if not light.unit else 1.0
    return replace(light, unit=known[1], values=factor * light.values)


def _settings(
    placed: Placed,
    piece: Piece,
    counted: bool,
    unit: str,
    drive: Channel | None,
    excitations: int | None,
) -> Sampled:
    bins = placed.light.size
    return Sampled(
        volts=placed.volts if drive is not None and drive.unit == "V" else np.nan,
        rate=placed.rate,
        width=placed.width,
        pulses=(excitations or 1) if counted else placed.pulses,
        window_start=float(placed.t[0]) - piece.dt / 2,
        window_length=bins * piece.dt,
        bin=piece.dt,
        interleave=False,
        frame_pulses=1,
        counting=counted,
        unit="1/s" if counted else unit or "V",
    )


def _front_end(placed: Placed) -> FrontEnd:
    """What a step of the oscilloscope's converter is worth, as far as its samples show; and nothing else is known."""

    def step(name: str, y: Array) -> float:
        low, high, _ = RANGES[name]
        return float(np.clip(noise.quantum(y[np.isfinite(y)]) or low, low, high))

    return FrontEnd(
        light_volts_per_code=step("light_volts_per_code", placed.light),
        drive_volts_per_code=step("drive_volts_per_code", placed.drive),
        drive_volts_at_zero=0.0,
        detector_delay=0.0,
        dead_time=0.0,
    )
