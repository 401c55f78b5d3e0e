"""Every pulse counts: a train of a million, and one whose host looks away, through the compiled gateware."""

import numpy as np
import pytest

from trelscope.gateware.protocol import MAX_FRAME_PULSES, TraceFlag
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest

RATE = 15e3
DEPTH = 16384
VOLTS = 5.0


@pytest.mark.parametrize("pulses", [10**6, pytest.param(10**8, marks=pytest.mark.soak)])
def test_every_pulse_counts(pulses: int) -> None:
    """A host that reads all the time loses nothing."""
    instrument = Instrument(EmulatorLink("hr-1mm2", seed=1, paced=False))
    settings = CaptureRequest(
        volts=VOLTS,
        rate=RATE,
        width=0.8e-6,
        pulses=pulses,
        window=(-0.12e-6, 0.512e-6),
        bin=8e-9,
        frame_pulses=62_500,
    ).plan(DEPTH)
    acquisition = Acquisition(instrument, settings)
    frames: list[Frame] = []
    while not acquisition.done:
        frames += acquisition.poll(1.0)
    assert instrument.read("pulses") == pulses
    assert instrument.read("missed") == 0
    account = acquisition.accounting
    assert account.pulses_emitted == account.pulses_averaged == pulses
    assert account.pulses_missed == account.pulses_lost == account.frames_lost == 0
    assert account.crc_errors == account.clipped == 0
    assert [f.number for f in frames] == list(range(len(frames)))
    assert [f.first_pulse for f in frames] == np.cumsum(
        [0, *(f.pulses for f in frames[:-1])]
    ).tolist()
    _, drive = acquisition.traces()
    # A pulse too few or too many in the sums would shift the mean of its frame by this share of the level.
    assert np.abs(drive.y[drive.t > 0.1e-6].mean() - VOLTS) < VOLTS / settings.frame_pulses


def test_a_host_that_looks_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames grow to what their sums can hold; the pulses beyond are launched, kept out of them, and counted."""
    bin_shift, pulses = 10, 50_000
    capacity = MAX_FRAME_PULSES >> (bin_shift - 3)
    instrument = Instrument(link := EmulatorLink("hr-1mm2", seed=2, paced=False))
    settings = CaptureRequest(
        volts=VOLTS,
        rate=RATE,
        width=30e-6,
        pulses=pulses,
        window=(-1.024e-6, 6.144e-6),
        bin=1.024e-6,
        frame_pulses=8,
    ).plan(DEPTH)
    acquisition = Acquisition(instrument, settings)
    frames: list[Frame] = []

    def listen(seconds: float) -> None:
        until = link.clock() + seconds
        while link.clock() < until and not acquisition.done:
            frames.extend(acquisition.poll(0.01))

    listen(0.1)
    assert frames
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr("trelscope.sim.emulator.TX_ROOM", 0)  # the link takes no byte
            link._wait()
            link._board.run(round(1.2 * capacity / RATE * 125e6))
        listen(0.02)
    missed_by_then = frames[-1].missed
    while not acquisition.done:
        frames += acquisition.poll(0.1)

    account = acquisition.accounting
    assert account.pulses_emitted == pulses == instrument.read("pulses")
    assert account.pulses_missed == instrument.read("missed") == frames[-1].missed
    assert account.pulses_missed > 0.3 * capacity
    assert account.pulses_missed == missed_by_then, "an attentive host misses nothing again"
    assert account.pulses_averaged + account.pulses_missed == pulses
    assert account.pulses_lost == account.frames_lost == account.crc_errors == 0
    assert max(f.pulses for f in frames) == capacity
    assert [f.number for f in frames] == list(range(len(frames)))

    # No frame is a blend: what one holds follows on what the one before held and the pulses missed since.
    first = missed = 0
    for frame in frames:
        assert frame.first_pulse == first
        assert 0 < frame.pulses <= capacity
        first += frame.pulses + frame.missed - missed
        missed = frame.missed
        assert TraceFlag.SATURATED_DRIVE not in frame.flags
    assert first == pulses
    # And its sums are those of so many pulses, not one more or less.
    front_end = link.front_end
    for frame in frames:
        mean = frame.sums[1] / settings.counts(frame.pulses)[1]
        volts = mean * front_end.drive_volts_per_code + front_end.drive_volts_at_zero
        assert abs(volts[2:-1].mean() - VOLTS) < 0.4 * VOLTS / max(frame.pulses, 100)
