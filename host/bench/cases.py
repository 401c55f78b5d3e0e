"""What the whole instrument is measured with: the usual settings, and the ends of their ranges."""

from dataclasses import dataclass, replace

from trelscope.host.bench.compiled import PRESET
from trelscope.host.bench.workload import DEPTH
from trelscope.host.planning import RATES, CaptureRequest
from trelscope.host.settings import Settings
from trelscope.host.units import format_si
from trelscope.sim.physics.plant import Plant
from trelscope.sim.presets.presets import load_plant

FRAME_RATE = 30  # Hz: the window's
RATE = 10e3
FILTERS = {"counting": "3e-6", "counting3": "1e-5"}
"""Count one and three million photons a second from the default device, in the whole of a period."""
OTHER_RATES = {
    "rate500": RATES[0],
    "rate1k": 1e3,
    "rate2k": 2e3,
    "rate5k": 5e3,
    "rate15k": RATES[1],
}
BINS = {"bin1": 1e-9, "bin16": 16e-9, "bin128": 128e-9, "bin1024": 1024e-9}


@dataclass(frozen=True)
class Case:
    """What is acquired, from what."""

    what: str
    plant: Plant
    settings: Settings


def cases(everywhere: bool) -> dict[str, Case]:
    """By key. everywhere: with other rates, bin widths and counts, too."""
    analog = load_plant(PRESET)
    default = CaptureRequest(rate=RATE, pulses=0)
    short = replace(default, width=8e-6, window=(-1e-6, 20e-6))
    requests = {"window": short, "trace": default}
    if everywhere:
        requests |= {key: replace(default, rate=rate) for key, rate in OTHER_RATES.items()}
        brief = replace(default, width=8e-6, window=(-1e-6, 10e-6), bin=BINS["bin1"])
        requests["bin1"] = brief
        requests |= {key: replace(default, bin=bin) for key, bin in BINS.items() if key != "bin1"}
    found = {key: _case(analog, _planned(request)) for key, request in requests.items()}
    for key, filter_ in FILTERS.items():
        if everywhere or key == "counting":
            counter = load_plant(PRESET, {"detector": "pmt", "filter": filter_})
            found[key] = _case(counter, replace(_planned(default), counting=True))
    return found


def _planned(request: CaptureRequest) -> Settings:
    return replace(request, frame_pulses=round(request.rate / FRAME_RATE)).plan(DEPTH)


def _case(plant: Plant, settings: Settings) -> Case:
    rate, window, bin = (
        format_si(value, unit)
        for value, unit in (
            (settings.rate, "Hz"),
            (settings.window_length, "s"),
            (settings.bin, "s"),
        )
    )
    photons = ", photons" if settings.counting else ""
    return Case(f"{rate}, {window} in bins of {bin}{photons}", plant, settings)
