"""One capture from start to end, without a window."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from trelscope.gateware.protocol import Feature
from trelscope.host.acquisition.acquisition import Acquisition, AcquisitionError
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.acquisition.recording import Recording
from trelscope.host.link import Link, LinkError
from trelscope.host.link.record import RecordedLink
from trelscope.host.link.replay import ReplayLink
from trelscope.host.measure.measure import Estimator
from trelscope.host.settings import Settings

ENDING = 50
"""Looks for the last frame of a train that has been ended before its time."""

Enough: TypeAlias = Callable[[Instrument, Acquisition], bool]
Watch: TypeAlias = Callable[[Instrument, Acquisition], None]


def capture(
    link: Link,
    settings_for: Callable[[int], Settings],
    progress: Callable[[int, int], None] = lambda done, total: None,
    counting: bool | None = None,
    stop: Callable[[], str] = lambda: "",
    watch: Watch = lambda instrument, acquisition: None,
    partial: bool = False,
    known: Mapping[str, Any] | None = None,
    enough: Enough = lambda instrument, acquisition: False,
) -> Recording:
    """Run a counted train on `link` and average it.

    settings_for: settings for a given depth of trace memory (a replay has its own).
    progress: told pulses so far and in all.
    counting: photons instead of samples; None: if the instrument can.
    stop: asked now and then whether to end now and give what there is: why, or "".
    watch: shown the acquisition now and then, and when it has ended.
    partial: if the link or the instrument fails, give what there is so far, if anything, marked as incomplete.
    known: more for the recording's metadata.
    enough: asked now and then whether what there is will do; then the capture ends, and is complete.
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
        acquisition.known |= known or {}
        incomplete = _run(instrument, acquisition, progress, stop, watch, partial, enough)
        averaged = recording(instrument, acquisition)
    finally:
        instrument.close()  # the output is off before anything else is done
    watch(instrument, acquisition)
    options = replace(acquisition.options, estimator=Estimator.BEST)
    return replace(averaged, options=options, incomplete=incomplete)


def _run(
    instrument: Instrument,
    acquisition: Acquisition,
    progress: Callable[[int, int], None],
    stop: Callable[[], str],
    watch: Watch,
    partial: bool,
    enough: Enough,
) -> str:
    """Take in frames to the end of the train. Returns why it ended before its time, or ""."""
    try:
        while not acquisition.done:
            acquisition.poll(timeout=0.1)
            progress(acquisition.accounting.pulses_emitted, acquisition.settings.pulses)
            watch(instrument, acquisition)
            if why := stop():
                _end(instrument, acquisition)
                return why
            if enough(instrument, acquisition):
                _end(instrument, acquisition)
                return ""
    except (LinkError, InstrumentError, AcquisitionError) as error:
        if not (partial and acquisition.accounting.pulses_averaged):
            raise
        return str(error)
    return ""


def _end(instrument: Instrument, acquisition: Acquisition) -> None:
    """Stop the train, and take in its last frame."""
    instrument.stop()
    for _ in range(ENDING):
        if acquisition.done:
            return
        acquisition.poll(timeout=0.1)


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
        metadata=acquisition.metadata,
    )
