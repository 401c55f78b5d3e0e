"""Runs of stamps whose photons are known, without an instrument."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.host.recordings import a_recording
from trelscope.host.acquisition.photon_run import PhotonRun
from trelscope.host.measure.trace import Trace
from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.stream import PhotonAccounting
from trelscope.host.photons.timing import Timing
from trelscope.host.planning import CaptureRequest

SETTINGS = CaptureRequest(
    rate=10e3, pulses=3000, width=10e-6, window=(-1e-6, 20e-6), bin=16e-9
).plan(16384)


def a_run(chunks: Sequence[Chunk], missed: int = 0, lost: int = 0) -> PhotonRun:
    """Of these photons."""
    photons = sum(chunk.pulse.size for chunk in chunks)
    t = np.arange(-1e-6, 19e-6, 16e-9)
    drive = Trace(t, 5.0 * ((t > 0) & (t < 10e-6)), np.full(t.size, 1e-3), 3000)
    settings = replace(SETTINGS, counting=True, time_tags=True, pulses=chunks[-1].end)
    return PhotonRun(
        source="emulator:trpl-bmim3",
        board="EMULATOR",
        front_end=a_recording().front_end,
        settings=settings,
        timing=Timing.of(settings),
        accounting=PhotonAccounting(chunks[-1].end, photons, missed, lost, 0),
        crc_errors=0,
        realtime_factor=1.5,
        drive=drive,
        chunks=lambda: iter(chunks),
        metadata={"sample": "a film", "program": "trelscope 0.1.0"},
    )
