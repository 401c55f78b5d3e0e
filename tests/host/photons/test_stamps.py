"""Stamps from the emulated board: every photon of the instrument's own histogram, and none besides."""

from dataclasses import replace

import numpy as np
import pytest

from tests.host.test_serve import UNPACED, Stepped
from trelscope.gateware.protocol import Kind
from trelscope.host.acquisition.acquisition import LIGHT
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.acquisition.stamps import StampAcquisition
from trelscope.host.link import Link, tcp
from trelscope.host.link.codec import Decoder
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.urls import open_link
from trelscope.host.photons.chunk import Chunk, joined
from trelscope.host.photons.histogram import Bins, Histogram
from trelscope.host.photons.stream import TagStream
from trelscope.host.planning import CaptureRequest
from trelscope.host.serve.faults import Faults, FaultyLink, parse_faults
from trelscope.host.serve.server import Server
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import load_plant

SOURCE = "emulator:bmim3-1mm2?detector=pmt&filter=2e-6"
PULSES = 96
REQUEST = CaptureRequest(
    rate=15e3, pulses=PULSES, width=10e-6, window=(-1e-6, 30e-6), bin=64e-9, frame_pulses=16
)


class Seen:
    """An acquisition, all that came of it, and the frames of the instrument's own histogram."""

    def __init__(self, link: Link, request: CaptureRequest = REQUEST) -> None:
        instrument = Instrument(link)
        settings = replace(request.plan(instrument.identity.depth), counting=True, time_tags=True)
        self.frames: list[Frame] = []
        taking = instrument.frames
        instrument.frames = lambda timeout: self._note(taking(timeout))  # type: ignore[method-assign]
        try:
            self.taken = StampAcquisition(instrument, settings)
            self.chunks = list(self.taken.chunks())
        finally:
            instrument.close()
        self.bins = Bins(
            round(settings.window_start * 1e9), round(settings.bin * 1e9), settings.bins
        )

    def _note(self, frames: list[Frame]) -> list[Frame]:
        self.frames += frames
        return frames

    def histogram(self, chunk: Chunk) -> Histogram:
        found = Histogram(self.taken.timing, self.bins)
        found.add(chunk)
        return found


class Tapped(EmulatorLink):
    """A link that remembers what the board has sent."""

    def __init__(self) -> None:
        super().__init__("bmim3-1mm2", {"detector": "pmt", "filter": "2e-6"}, seed=1, paced=False)
        self.sent = b""

    def read(self, timeout: float) -> bytes:
        data = super().read(timeout)
        self.sent += data
        return data

    def photons(self, taken: StampAcquisition) -> Chunk:
        """All that the board has sent of a train."""
        stream = TagStream(taken.acquisition.train, taken.timing)
        packets = [each for each in Decoder().feed(self.sent) if each.kind is Kind.TIME_TAGS]
        chunks = stream.add([packet.payload for packet in packets])
        assert stream.accounting.photons_lost == 0
        return joined(chunks + stream.finish(PULSES, stream.accounting.photons_seen))


@pytest.mark.parametrize("rate", [15e3, 7e3])
def test_the_histogram_of_the_stamps_is_the_instruments_own(rate: float) -> None:
    link = open_link(SOURCE, seed=1, paced=False)
    seen = Seen(link, replace(REQUEST, rate=rate))
    whole = joined(seen.chunks)
    account = seen.taken.accounting
    assert account.photons_missed == account.photons_lost == account.packets_refused == 0
    assert account.photons_seen == whole.pulse.size > 500
    assert account.pulses_emitted == whole.end == whole.whole_pulses == PULSES
    own = sum(frame.sums[LIGHT] for frame in seen.frames)
    assert own.sum() > 300
    assert seen.histogram(whole).counts.tolist() == own.tolist()
    for frame in seen.frames:  # pulse by pulse, too
        part = whole.between(frame.first_pulse, frame.first_pulse + frame.pulses)
        assert seen.histogram(part).counts.tolist() == frame.sums[LIGHT].tolist()


@pytest.mark.parametrize(
    ("faults", "seed"), [(["drop=1e-4"], 3), (["drop=1e-4", "corrupt=1e-4", "stall=10k:0.5"], 6)]
)
def test_faults_change_no_stamp_and_every_photon_is_accounted_for(
    faults: list[str], seed: int
) -> None:
    board = Tapped()
    seen = Seen(FaultyLink(board, parse_faults(faults), seed=seed))
    truth = board.photons(seen.taken)
    found, account = joined(seen.chunks), seen.taken.accounting
    assert account.photons_seen == truth.pulse.size
    assert account.photons_lost > 0
    assert account.photons_stamped == found.pulse.size
    both = np.stack((truth.pulse, truth.ns)).T.tolist()
    assert all(stamp in both for stamp in np.stack((found.pulse, found.ns)).T.tolist())
    whole = found.whole()
    kept = np.ones(truth.pulse.size, bool)
    for first, last in found.broken:
        kept &= (truth.pulse < first) | (truth.pulse > last)
    assert whole.pulse.tolist() == truth.pulse[kept].tolist()
    assert whole.ns.tolist() == truth.ns[kept].tolist()
    compared = 0
    for frame in seen.frames:
        part = found.between(frame.first_pulse, frame.first_pulse + frame.pulses)
        if part.whole_pulses == frame.pulses:
            assert seen.histogram(part).counts.tolist() == frame.sums[LIGHT].tolist()
            compared += 1
    assert compared > 0


def test_a_train_that_is_stopped_has_all_its_photons() -> None:
    faint = SOURCE.replace("2e-6", "2e-7")
    instrument = Instrument(open_link(faint, seed=2, paced=False))
    settings = replace(REQUEST, pulses=0).plan(instrument.identity.depth)
    taken = StampAcquisition(instrument, replace(settings, counting=True, time_tags=True))
    chunks: list[Chunk] = []
    for chunk in taken.chunks(lambda: bool(chunks) and chunks[-1].end > 50):
        chunks.append(chunk)
    instrument.close()
    assert taken.accounting.photons_lost == 0
    assert taken.accounting.photons_seen == joined(chunks).pulse.size
    assert 50 < taken.accounting.pulses_emitted == chunks[-1].end < 5000


def test_a_source_that_gives_no_times_says_so() -> None:
    instrument = Instrument(open_link("emulator:bmim3-1mm2", paced=False))
    settings = replace(REQUEST.plan(instrument.identity.depth), time_tags=True, counting=True)
    with pytest.raises(InstrumentError, match="gives photons no times"):
        StampAcquisition(instrument, settings)
    instrument.close()


def test_more_light_than_the_queue_takes_is_counted_as_missed() -> None:
    source = "emulator:bmim3-1mm2?detector=pmt&filter=1&dead_time=1"
    seen = Seen(open_link(source, seed=1, paced=False), replace(REQUEST, pulses=3))
    account = seen.taken.accounting
    assert account.photons_missed > 0
    assert account.photons_lost == 0
    assert account.photons_seen == account.photons_stamped + account.photons_missed
    assert seen.taken.end is not None
    assert account.photons_seen % 2**32 == seen.taken.end[1]


def test_a_served_board_with_faults_accounts_for_every_photon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "UNANSWERED", 3600)  # time is the board's
    board = EmulatedBoard(load_plant("bmim3-1mm2", {"detector": "pmt", "filter": "2e-6"}), 1)
    faults = Faults(drop=5e-4)
    server = Server(board, "127.0.0.1", 0, UNPACED, faults, seed=5, clock=lambda: board.time)
    try:
        seen = Seen(Stepped(server))
    finally:
        server.close()
    account = seen.taken.accounting
    assert seen.taken.end is not None
    assert account.photons_seen == seen.taken.end[1], "as the instrument has counted them"
    assert account.photons_stamped == joined(seen.chunks).pulse.size > 300
    assert account.photons_lost == sum(gap.photons or 0 for c in seen.chunks for gap in c.gaps) > 0
