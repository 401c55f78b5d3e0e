"""The link to an emulated board: what it sends depends on the calls alone, not on how fast either side is."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from trelscope.host.acquisition.acquisition import Acquisition, AcquisitionError
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.link import LinkError
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest


class _Done(Future[Any]):
    """What a board that is faster than its reader gives: the batch is over before anybody asks for it."""

    def __init__(self, evaluate: Callable[[], Any]) -> None:
        super().__init__()
        self.set_result(evaluate())


class _Late(Future[Any]):
    """What a board that is slower than its reader gives: the batch runs when somebody waits for it."""

    def __init__(self, evaluate: Callable[[], Any]) -> None:
        super().__init__()
        self._evaluate: Callable[[], Any] | None = evaluate

    def result(self, timeout: float | None = None) -> Any:
        if self._evaluate is not None:
            evaluate, self._evaluate = self._evaluate, None
            self.set_result(evaluate())
        return super().result(timeout)


class _Thread(ThreadPoolExecutor):
    """None: batches run when `kind` says."""

    def __init__(self, kind: type[_Done] | type[_Late]) -> None:
        super().__init__(1)
        self._kind = kind

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._kind(lambda: fn(*args, **kwargs))


class _Noted(EmulatorLink):
    """Keeps everything that comes, and the board's time at which it was read."""

    def __init__(self, kind: type[_Done] | type[_Late] | None) -> None:
        super().__init__("hr-1mm2", seed=4, paced=False)
        if kind is not None:
            self._thread = _Thread(kind)
        self.heard: list[tuple[float, bytes]] = []

    def read(self, timeout: float) -> bytes:
        sent = super().read(timeout)
        self.heard.append((self.clock(), sent))
        return sent


def _session(link: _Noted) -> list[tuple[float, bytes]]:
    """Frames, requests in the midst of them, a stop, a new train, and a trip."""
    instrument = Instrument(link)
    settings = CaptureRequest(pulses=0, frame_pulses=100, rate=15e3).plan(instrument.identity.depth)
    acquisition = Acquisition(instrument, settings)
    for timeout in (0.005, 0.1, 0.0, 0.02, 0.1):
        acquisition.poll(timeout)
        instrument.read("pulses")
    instrument.stop()
    acquisition = Acquisition(instrument, settings)
    acquisition.poll(0.1)
    link.trip(True)
    with pytest.raises(AcquisitionError, match="interlock"):
        _finish(acquisition)
    instrument.close()
    return link.heard


def _finish(acquisition: Acquisition) -> None:
    while not acquisition.done:
        acquisition.poll(0.1)


def test_what_comes_does_not_depend_on_who_is_faster() -> None:
    done, late, thread = (_session(_Noted(kind)) for kind in (_Done, _Late, None))
    assert sum(len(sent) for _, sent in done) > 500_000
    assert done == late == thread


def test_the_board_runs_ahead_while_its_stream_is_read() -> None:
    link = _Noted(_Done)
    instrument = Instrument(link)
    settings = CaptureRequest(pulses=0).plan(instrument.identity.depth)
    acquisition = Acquisition(instrument, settings)
    acquisition.poll(0.1)
    assert link._board.time > link.clock()
    instrument.close()
    with pytest.raises(LinkError, match="the link is closed"):
        link.read(0.1)
    with pytest.raises(LinkError, match="the link is closed"):
        link.trip(True)
    link.close()


def test_a_link_whose_board_has_failed_is_closed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = _Noted(None)

    def fail(cycles: int, rx: bytes) -> tuple[bytes, int]:
        raise MemoryError

    monkeypatch.setattr(link._board, "run", fail)
    link._ahead = link._thread.submit(link._evaluate, 1, b"")
    with pytest.raises(MemoryError):
        link.read(0.1)
    link.close()
    with pytest.raises(LinkError, match="the link is closed"):
        link.read(0.1)
