"""The check-up of a board names what is wrong with it: emulated boards with one fault each."""

import numpy as np
import pytest

from trelscope.host.bringup import checkup, loopback
from trelscope.host.bringup.checkup import Finding, check_up
from trelscope.host.cli import main
from trelscope.host.link.urls import open_link
from trelscope.host.measure.trace import Trace

from . import faulty
from .faulty import FaultyLink, Wiring


def look(link: FaultyLink, drive: bool = True) -> list[Finding]:
    def move(opened: bool) -> bool:
        link.trip(opened)
        return True

    try:
        return list(check_up(link, move, drive))
    finally:
        link.close()


def names(findings: list[Finding], good: bool | None) -> list[str]:
    return [finding.name for finding in findings if finding.good is good]


def test_a_board_that_is_right() -> None:
    findings = look(FaultyLink())
    assert names(findings, False) == []
    assert {"interlock open", "interlock closed", "watchdog", "drive at 3 V", "drive at 7 V"} <= {
        *names(findings, True)
    }
    assert [finding.name for finding in findings[-2:]] == ["launch phases", "launch stays"]


@pytest.mark.parametrize(
    ("wiring", "says"),
    [
        (faulty.swapped_channels, "channels A and B are swapped"),
        (faulty.no_driver, "the drive monitor stays at"),
        (faulty.inverting_driver, "the switch inverts; build with --gate-active-low"),
        (faulty.low_reference, "2.4 V instead of 3 V"),
        (faulty.switch_leaks, "between the pulses, where 0 V should be"),
    ],
)
def test_a_front_end_that_is_wired_wrongly(wiring: Wiring, says: str) -> None:
    findings = look(FaultyLink(wiring))
    assert names(findings, False) == ["drive at 3 V"], "and nothing higher is tried"
    assert says in findings[-1].words


@pytest.mark.parametrize(
    ("reads_open", "name", "says"),
    [
        (False, "interlock open", "reads closed: it is on another pin, or tied to 3.3 V"),
        (True, "interlock closed", "reads open: no 3.3 V at its pin"),
    ],
)
def test_an_interlock_that_is_stuck(reads_open: bool, name: str, says: str) -> None:
    findings = look(FaultyLink(interlock=reads_open))
    assert names(findings, False) == [name]
    assert says in next(finding.words for finding in findings if finding.good is False)
    assert not any(f.name.startswith(("drive", "watchdog")) for f in findings), "nothing is driven"


def test_nothing_is_driven_unless_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> None:
        raise AssertionError("a train")

    monkeypatch.setattr(checkup, "Acquisition", started)
    assert look(FaultyLink(), drive=False)[-1].name == "watchdog"


@pytest.mark.parametrize("asked", ["drive", "loopback"])
@pytest.mark.parametrize("moved", [None, True, False])
def test_nothing_is_driven_unless_the_interlock_was_moved(
    asked: str, moved: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moved: the only way in which it was moved: opened, closed, or None for neither."""

    def started(*_: object) -> None:
        raise AssertionError("a train")

    monkeypatch.setattr(checkup, "Acquisition", started)
    link = FaultyLink()

    def move(opened: bool) -> bool:
        link.trip(opened if opened is moved else False)
        return opened is moved

    findings = list(check_up(link, move, asked == "drive", asked == "loopback"))
    link.close()
    assert findings[-1].name == "drive"
    assert findings[-1].good is None
    assert "give --interlock-checked" in findings[-1].words


@pytest.mark.parametrize("late", [0.0, 250e-12, -250e-12, 100e-12])
def test_a_launch_that_moves(late: float) -> None:
    rng = np.random.default_rng(1)
    t = np.arange(-200, 1800) * 1e-9
    se = np.full(t.size, 1e-3)

    def seen(at: float) -> Trace:
        rise = 5 / (1 + np.exp(-(t - at - 20e-9) / 5e-9))
        return Trace(t, rise + rng.normal(0, 1e-3, t.size), se, 4096)

    finding = checkup._launch_stays(seen(0.0), seen(late))
    assert finding.good == (abs(late) < 125e-12), finding.words
    assert ("steps of the PLL are missed" in finding.words) == (not finding.good)


def test_a_monitor_that_shows_no_edge_tells_nothing_of_the_launch() -> None:
    flat = Trace(np.arange(100) * 1e-9, np.zeros(100), np.full(100, 1e-3), 64)
    assert checkup._launch_stays(flat, flat).good is None


def test_a_loop_that_is_not_wired() -> None:
    link = open_link(f"emulator:{faulty.PRESET}?detector=pmt", seed=1, paced=False)
    try:
        findings = list(
            check_up(link, lambda opened: False, drive=False, loopback=True, interlock_checked=True)
        )
    finally:
        link.close()
    assert names(findings, False) == ["gate to photon"]
    assert "`gate` is not wired to both `photon` pins" in findings[-1].words


@pytest.mark.parametrize(
    ("at", "counts", "says"),
    [
        ([3], [256], ""),
        ([3, 4], [100, 156], ""),
        ([3], [128], "128 photons of 256 pulses"),
        ([3, 30], [256, 256], "512 photons of 256 pulses"),
        ([3, 7], [128, 128], "photons from 3 ns to 7 ns after the launch"),
        ([-8], [256], "photons come -8 ns after the launch"),
        ([30], [256], "photons come 30 ns after the launch"),
    ],
)
def test_what_a_loop_shows(at: list[int], counts: list[int], says: str) -> None:
    t = np.arange(-50, 50)
    seen = np.zeros(t.size, np.int64)
    seen[np.searchsorted(t, at)] = counts
    words = loopback.judge(t * 1e-9, seen, 256)
    assert words.startswith(says)
    assert bool(words) == bool(says)


def test_a_watchdog_that_does_not_bite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "PATIENCE", checkup.BITE / 2)
    assert names(look(FaultyLink(), drive=False), False) == ["watchdog"]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    source = f"emulator:{faulty.PRESET}"
    assert main(["doctor", "--board", source]) == 0
    said = capsys.readouterr().out
    assert "ok  watchdog" in said
    assert "drive at" not in said
    assert "give --drive" in said
    assert main(["doctor", "--board", source, "--drive"]) == 0
    assert "ok  drive at 7 V" in capsys.readouterr().out


def test_driving_needs_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--drive"]) == 1
    assert "need a board: give --board SOURCE" in capsys.readouterr().err


def test_whoever_leaves_the_terminal_has_moved_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from trelscope.host.commands import doctor

    def leave(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", leave)
    assert not doctor._person(True)


def test_the_command_fails_where_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trelscope.host.commands import doctor

    monkeypatch.setattr(doctor, "open_link", lambda *_, **__: FaultyLink(interlock=False))
    assert main(["doctor", "--board", "emulator:whatever"]) == 1
    said = capsys.readouterr()
    assert "NO  interlock open" in said.out
    assert said.err == "trelscope: interlock open: see above for what to do\n"
