"""A train whose every photon is sent with its time: stamps as they come, and what has become of every photon."""

from collections.abc import Callable, Iterator, Sequence

from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.instrument import REPLY_PATIENCE, Instrument
from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.stream import PhotonAccounting, TagStream
from trelscope.host.photons.timing import Timing
from trelscope.host.settings import Settings

POLL = 0.1  # s


class StampAcquisition:
    """Starts a train on construction; `poll` until `done`.

    The train is averaged as well, in `acquisition`, which has the instrument's own histogram and the drive.
    """

    def __init__(self, instrument: Instrument, settings: Settings) -> None:
        """settings: with `time_tags`."""
        self.acquisition = Acquisition(instrument, settings)
        self.timing = Timing.of(settings)
        self.done = False
        self.end: tuple[int, int | None] | None = None
        """Pulses launched and photons seen (modulo 2**32; None: not known), once the train has ended."""
        self.keep: Callable[[Sequence[bytes]], None] = lambda payloads: None
        """Is given the packets' payloads before they are looked at."""
        self._instrument = instrument
        self._stream = TagStream(self.acquisition.train, self.timing)
        self._heard = instrument.link.clock()

    @property
    def accounting(self) -> PhotonAccounting:
        """Counts so far."""
        return self._stream.accounting

    def poll(self, timeout: float) -> list[Chunk]:
        """Take in what comes, waiting up to `timeout` seconds. Raises as `Acquisition.poll` does."""
        acquisition, clock = self.acquisition, self._instrument.link.clock
        if not acquisition.done:
            acquisition.poll(timeout)
        else:
            self._instrument.frames(timeout)
        payloads = self._instrument.tags()
        if payloads:
            self._heard = clock()
            self.keep(payloads)
        chunks = self._stream.add(payloads)
        if not acquisition.done:
            return chunks
        if self.end is None:
            self.end = self._instrument.read("pulses"), self._instrument.read("photons")
            self._heard = clock()
        late = clock() - self._heard > REPLY_PATIENCE  # what has not come by now is lost
        if late or self._stream.accounts_for(self.end[1]):
            chunks += self._finish()
        return chunks

    def chunks(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Chunk]:
        """All chunks of the train, which is ended as soon as `stop` says so."""
        stopping = False
        while not self.done:
            yield from self.poll(POLL)
            if not stopping and not self.acquisition.done and stop():
                stopping = True
                self._instrument.stop()

    def give_up(self) -> list[Chunk]:
        """What is known of the last pulses where the link or the instrument fails: the train is done."""
        if self.done:
            return []
        if self.end is None:
            self.end = self.acquisition.accounting.pulses_emitted, None
        return self._finish()

    def _finish(self) -> list[Chunk]:
        assert self.end is not None, "the train has ended"
        self.done = True
        return self._stream.finish(*self.end)
