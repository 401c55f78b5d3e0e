"""One capture from start to end, without a window."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gateware.protocol import Feature
from host.acquire import Accounting, Acquisition
from host.frontend import FrontEnd
from host.instrument import Instrument
from host.link import Link
from host.measure import SECONDARY, Estimator, Measurements
from host.settings import Settings
from host.trace import Trace


@dataclass(frozen=True, eq=False)
class Capture:
    """What a capture gave."""

    source: str
    board: str
    front_end: FrontEnd
    settings: Settings
    light: Trace
    drive: Trace
    measurements: Measurements
    accounting: Accounting
    realtime_factor: float | None

    def about(self) -> dict[str, Any]:
        """Everything but the traces, as plain JSON types in SI units."""
        accounting = self.accounting.as_dict()
        return {
            "source": self.source,
            "board": self.board,
            "front_end": self.front_end.as_dict(),
            "settings": self.settings.as_dict(),
            "measurements": self.measurements.as_dict(),
            "secondary": self.measurements.as_dict(SECONDARY),
            "levels": self.measurements.options.levels(),
            "reference": self.measurements.reference,
            "accounting": accounting,
            "realtime_factor": self.realtime_factor,
        }


def capture(
    link: Link,
    settings_for: Callable[[int], Settings],
    progress: Callable[[int, int], None] = lambda done, total: None,
    counting: bool | None = None,
) -> Capture:
    """Run a counted train on `link` and measure its average.

    settings_for: settings for a given depth of trace memory; progress: told pulses so far and in all.
    counting: photons instead of samples; None: if the instrument can.
    Raises LinkError, InstrumentError, AcquisitionError, SettingsError.
    """
    instrument = Instrument(link)
    settings = settings_for(instrument.identity.depth)
    if counting is None:
        counting = Feature.COUNTING in instrument.identity.features
    settings = replace(settings, counting=counting)
    link.restart_clock()
    acquisition = Acquisition(instrument, settings)
    while not acquisition.done:
        acquisition.poll(timeout=0.1)
        progress(acquisition.accounting.pulses_emitted, settings.pulses)
    factor = link.realtime_factor
    light, drive = acquisition.traces()
    result = Capture(
        link.name,
        instrument.identity.board,
        link.front_end,
        settings,
        light,
        drive,
        acquisition.measure(Estimator.BEST),
        acquisition.accounting,
        factor,
    )
    instrument.close()
    return result
