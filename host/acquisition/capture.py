"""One capture from start to end, without a window."""

from collections.abc import Callable
from dataclasses import replace

from trelscope.gateware.protocol import Feature
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.recording import Recording
from trelscope.host.link import Link
from trelscope.host.link.record import RecordedLink
from trelscope.host.link.replay import ReplayLink
from trelscope.host.measure.measure import Estimator
from trelscope.host.settings import Settings


def capture(
    link: Link,
    settings_for: Callable[[int], Settings],
    progress: Callable[[int, int], None] = lambda done, total: None,
    counting: bool | None = None,
) -> Recording:
    """Run a counted train on `link` and average it.

    settings_for: settings for a given depth of trace memory (a replay has its own).
    progress: told pulses so far and in all.
    counting: photons instead of samples; None: if the instrument can.
    However it ends, by an exception of `progress` for one, the output is switched off.
    Raises LinkError, InstrumentError, AcquisitionError, SettingsError.
    """
    instrument = Instrument(link)
    try:
        settings = _settings(instrument, settings_for, counting)
        if isinstance(link, RecordedLink):
            link.note(settings)
        link.restart_clock()
        acquisition = Acquisition(instrument, settings)
        while not acquisition.done:
            acquisition.poll(timeout=0.1)
            progress(acquisition.accounting.pulses_emitted, settings.pulses)
        options = replace(acquisition.options, estimator=Estimator.BEST)
        return recording(instrument, acquisition).measured(options)
    finally:
        instrument.close()


def _settings(
    instrument: Instrument, settings_for: Callable[[int], Settings], counting: bool | None
) -> Settings:
    if isinstance(instrument.link, ReplayLink):
        return instrument.link.settings
    if counting is None:
        counting = Feature.COUNTING in instrument.identity.features
    return replace(settings_for(instrument.identity.depth), counting=counting)


def recording(instrument: Instrument, acquisition: Acquisition) -> Recording:
    """What `acquisition` has so far."""
    light, drive = acquisition.traces()
    return Recording(
        instrument.link.name,
        instrument.identity.board,
        instrument.link.front_end,
        acquisition.settings,
        acquisition.options,
        light,
        drive,
        acquisition.accounting,
        instrument.link.realtime_factor,
    )
