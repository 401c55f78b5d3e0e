"""The window's worker, whatever comes over the link and whatever goes wrong in it."""

import logging
import threading
from concurrent.futures import Future

import pytest

from tests.malformed import InjectingLink, misfits
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app.session import connection
from trelscope.host.app.session.machine import SessionMachine
from trelscope.host.app.session.output import Output
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.session.session import Session
from trelscope.host.app.session.snapshot import SessionState, Snapshot
from trelscope.host.app.session.worker import Worker
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest
from trelscope.host.settings import Settings

REQUESTED = RequestedSettings(start=-0.2e-6, length=4e-6)


class Bench:
    """A worker without its thread, and the link that its instrument is on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.link = InjectingLink(EmulatorLink("hr-1mm2", seed=1, paced=False))
        monkeypatch.setattr(connection, "open_link", lambda url, seed, report: self.link)
        self.output = Output(Snapshot("emulator:hr-1mm2", SessionState.OPENING, "opening"))
        self.machine = SessionMachine(self.output, connection.Connection(), REQUESTED, None)
        self.worker = Worker(self.machine)
        self.worker._attempt(lambda: self.machine.open("emulator:hr-1mm2"))

    @property
    def snapshot(self) -> Snapshot:
        """The newest."""
        return self.output.look()

    def turn(self) -> None:
        """What the thread does over and over."""
        self.worker._attempt(self.machine.take_frames)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_no_frame_stops_the_worker_or_alters_what_is_measured(bench: Bench) -> None:
    settings = bench.snapshot.settings
    assert settings is not None
    bench.link.frames = list(misfits(settings).values())
    while bench.link.frames:
        bench.turn()
        assert bench.snapshot.state is SessionState.RUNNING, bench.snapshot.message
    seen = bench.snapshot.data.accounting.pulses_averaged if bench.snapshot.data else 0
    while bench.snapshot.data is None or bench.snapshot.data.accounting.pulses_averaged <= seen:
        bench.turn()
    account = bench.snapshot.data.accounting
    assert account.packets_refused > 0
    assert account.pulses_lost >= 0
    assert (
        account.pulses_emitted
        == account.pulses_averaged + account.pulses_missed + account.pulses_lost
    )
    bench.machine.end()


def test_no_frame_alters_a_capture() -> None:
    def settings_for(depth: int) -> Settings:
        window = (-0.2e-6, 4e-6)
        return CaptureRequest(pulses=16_384, window=window, frame_pulses=8).plan(depth)

    settings = settings_for(16384)
    quiet = capture(EmulatorLink("hr-1mm2", seed=1, paced=False), settings_for)
    link = InjectingLink(EmulatorLink("hr-1mm2", seed=1, paced=False))
    wrong = misfits(settings)
    link.frames = list(wrong.values())
    result = capture(link, settings_for)
    assert not link.frames
    account = result.accounting
    assert account.packets_refused > len(wrong) // 2
    assert account.pulses_emitted == 16_384
    assert account.pulses_lost >= 0
    assert account.pulses_averaged == 16_384 - account.pulses_lost
    assert result.light.y.mean() == pytest.approx(quiet.light.y.mean(), rel=1e-3)


@pytest.mark.parametrize("closing", [True, False])
def test_an_internal_error_is_said_and_the_output_is_off_or_it_is_said_that_it_may_not_be(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, closing: bool
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Instrument, "frames", broken)
    if not closing:
        monkeypatch.setattr(Instrument, "write", broken)
    with caplog.at_level(logging.CRITICAL):
        bench.turn()
    newest = bench.snapshot
    assert newest.state is SessionState.FAILED
    assert newest.message.startswith("internal error, please report it: RuntimeError('a mistake")
    announced = "could not be switched off, the instrument does so after 5 s"
    assert (announced in newest.message) is not closing
    assert len(newest.message.splitlines()) == 1
    assert bench.output.events.get_nowait()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_has_died_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    died: Future[None] = Future()

    def broken(self: SessionMachine, *_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(SessionMachine, "open", broken)
    monkeypatch.setattr(SessionMachine, "fail", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: died.set_result(None))
    session = Session("emulator:hr-1mm2")
    died.result(30)
    session._worker._thread.join(30)
    assert session.snapshot.state is SessionState.FAILED
    assert "the session has died" in session.snapshot.message
    assert "switches its output off after 5 s" in session.snapshot.message
    session.close()
