"""A capture that is cut short keeps what it has: measured, marked, saved, with the output off before anything else."""

import json
import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import pytest

from tests.host.recordings import a_recording
from trelscope.gateware import protocol
from trelscope.gateware.digest import digest_word
from trelscope.gateware.protocol import REGISTERS, Kind
from trelscope.host.acquisition.recording import Recording
from trelscope.host.cli import main
from trelscope.host.commands import common, interruption
from trelscope.host.commands.crash_copy import CrashCopy
from trelscope.host.files import journal, recordings
from trelscope.host.link import Link, LinkError, framed
from trelscope.host.link.codec import Decoder
from trelscope.host.link.urls import open_link

PULSES = 2048
ASKED = ["capture", "emulator:hr-1mm2", "--flat-out", "--pulses", str(PULSES), "--rate", "15k"]
ASKED += ["--window=-1u:10u", "--width", "8u"]
Run = Callable[..., int]


class Spy:
    """A link that takes down what is asked of it, and is lost when it is told so."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.lost = False
        self.requests: list[tuple[Kind, int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def write(self, data: bytes) -> None:
        """Of the link."""
        for packet in Decoder().feed(data):
            request = protocol.REQUEST.unpack(packet.payload)
            self.requests.append((packet.kind, request["address"], request["value"]))
        self._link.write(data)

    def read(self, timeout: float) -> bytes:
        """Of the link."""
        if self.lost:
            raise LinkError("the cable is out")
        return self._link.read(timeout)

    @property
    def off(self) -> bool:
        """Whether the last that was written has switched the output off."""
        writes = [request for request in self.requests if request[0] is Kind.WRITE]
        return writes[-1] == (Kind.WRITE, REGISTERS["enable"].address, 0)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where crash copies are kept."""
    folder = tmp_path / "state"
    monkeypatch.setattr(journal, "default_directory", lambda: folder)
    return folder


@pytest.fixture
def spies(monkeypatch: pytest.MonkeyPatch) -> list[Spy]:
    """The links that commands have opened."""
    opened: list[Spy] = []

    def spying(*arguments: Any) -> Spy:
        opened.append(Spy(open_link(*arguments)))
        return opened[-1]

    monkeypatch.setattr(common, "open_link", spying)
    return opened


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something done when the first pulses have been averaged, with a crash copy of them made."""

    def arrange(what: Callable[[], None]) -> None:
        watch, done = CrashCopy.watch, []

        def watching(self: CrashCopy, instrument: Any, acquisition: Any) -> None:
            watch(self, instrument, acquisition)
            if acquisition.accounting.pulses_averaged and not done:
                done.append(True)
                assert self.write()
                what()

        monkeypatch.setattr(CrashCopy, "watch", watching)

    return arrange


def assert_partial(recording: Recording, why: str) -> None:
    """Some of its pulses are there, all accounted for, and measured."""
    assert why in recording.incomplete
    accounting = recording.accounting
    assert 0 < accounting.pulses_averaged < PULSES
    assert accounting.pulses_averaged == accounting.pulses_emitted
    assert recording.measurements.response.value == pytest.approx(0.7e-6, rel=0.1)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (signal.SIGINT, "interrupted"),
        (signal.SIGTERM, "ended by SIGTERM"),
        (signal.SIGHUP, "ended by SIGHUP"),
    ],
)
def test_a_signal(
    tmp_path: Path,
    state: Path,
    spies: list[Spy],
    at_once: Any,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    why: str,
) -> None:
    before = signal.getsignal(number)
    at_once(lambda: os.kill(os.getpid(), number))
    assert main([*ASKED, "--json", "-o", str(tmp_path / "a.h5")]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["incomplete"] == why
    assert len(err.splitlines()) == 1
    assert err.startswith("trelscope: incomplete, ")
    assert err.endswith(f" of {PULSES} pulses: {why}\n")
    assert_partial(recordings.load(tmp_path / "a.h5"), why)
    assert spies[0].off
    assert list(state.iterdir()) == []
    assert signal.getsignal(number) == before


def twice() -> None:
    """What `timeout -s INT` does."""
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_that_comes_twice_is_one(
    tmp_path: Path, state: Path, at_once: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved(*args: Any, **more: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        save(*args, **more)

    save = recordings.save
    monkeypatch.setattr(recordings, "save", saved)
    monkeypatch.setattr(interruption, "ONE", math.inf)
    at_once(twice)
    assert main([*ASKED, "-o", str(tmp_path / "a.h5")]) == 1
    assert_partial(recordings.load(tmp_path / "a.h5"), "interrupted")
    assert list(state.iterdir()) == []


def test_a_second_signal_ends_it_and_the_crash_copy_stays(
    state: Path,
    spies: list[Spy],
    at_once: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(interruption, "ONE", 0.0)
    at_once(twice)
    assert main(ASKED) == 1
    assert capsys.readouterr().err == "trelscope: interrupted\n"
    assert spies[0].off
    (path,) = journal.left_behind(state)
    found = journal.recover(path)
    assert found is not None
    assert found.accounting.pulses_averaged > 0


def test_a_lost_link(
    tmp_path: Path, spies: list[Spy], at_once: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    at_once(lambda: setattr(spies[0], "lost", True))
    assert main([*ASKED, "-o", str(tmp_path / "a.npz")]) == 1
    out, err = capsys.readouterr()
    assert "incomplete: the cable is out" in out
    assert len(err.splitlines()) == 1
    assert_partial(recordings.load(tmp_path / "a.npz"), "the cable is out")


def test_a_link_that_is_lost_before_the_first_pulse_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Cut(Spy):
        """Lost as soon as the train begins."""

        def write(self, data: bytes) -> None:
            super().write(data)
            self.lost |= (Kind.WRITE, REGISTERS["run"].address, 1) in self.requests

    monkeypatch.setattr(common, "open_link", lambda *arguments: Cut(open_link(*arguments)))
    assert main([*ASKED, "-o", str(tmp_path / "a.npz")]) == 1
    assert capsys.readouterr().err == "trelscope: the cable is out\n"
    assert not (tmp_path / "a.npz").exists()


def test_a_full_disk_under_the_recorded_link(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spies: list[Spy],
    at_once: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = framed.append

    def full(file: Any, record: bytes) -> None:
        real(file, record[: len(record) // 2])
        file.truncate(file.tell() - len(record) // 2)
        raise OSError(28, "No space left on device")

    at_once(lambda: monkeypatch.setattr(framed, "append", full))
    path = tmp_path / "a.trel"
    assert main([*ASKED, "--record", str(path), "-o", str(tmp_path / "a.h5")]) == 1
    assert "No space left" in capsys.readouterr().err
    assert spies[0].off
    kept = recordings.load(tmp_path / "a.h5")
    assert_partial(kept, "No space left")
    monkeypatch.setattr(framed, "append", real)
    monkeypatch.setattr(common, "open_link", open_link)
    assert main(["capture", f"replay:{path}", "--json"]) == 1
    again = json.loads(capsys.readouterr().out)
    response = again["measurements"]["response"]
    assert response["value"] == kept.measurements.response.value


def test_what_is_incomplete_replaces_nothing(
    tmp_path: Path, at_once: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    old, link = tmp_path / "a.h5", tmp_path / "a.trel"
    assert main([*ASKED, "--pulses", "64", "-o", str(old), "--record", str(link)]) == 0
    before = old.read_bytes(), link.read_bytes()
    for _ in range(2):
        at_once(lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert main([*ASKED, "-o", str(old), "--record", str(link)]) == 1
        assert "a.h5 stays as it was" in capsys.readouterr().err
    assert (old.read_bytes(), link.read_bytes()) == before
    for name in ("a.incomplete.h5", "a.incomplete-2.h5"):
        assert_partial(recordings.load(tmp_path / name), "SIGTERM")
    assert (tmp_path / "a.incomplete-2.trel").exists()


@pytest.mark.parametrize("what", ["save", "print"])
def test_neither_print_nor_file_costs_the_other(
    tmp_path: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    path = tmp_path / "a.h5"

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if what == "print":
        monkeypatch.setattr("builtins.print", full)
        monkeypatch.setattr("trelscope.host.cli._print_no_more", lambda: None)
        monkeypatch.setattr("trelscope.host.cli.say", lambda line: None)
        assert main([*ASKED, "-o", str(path)]) == 1
        assert recordings.load(path).accounting.pulses_averaged == PULSES
        return
    monkeypatch.setattr("trelscope.host.atomic.os.replace", full)
    monkeypatch.setattr(journal.Journal, "_replace", _plain)
    assert main([*ASKED, "-o", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "response" in out
    assert len(err.splitlines()) == 1
    assert "`trelscope recover` has what was captured" in err
    monkeypatch.undo()
    (left,) = state.iterdir()
    assert main(["recover", str(left), "-o", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["journals"][0]["pulses"] == PULSES
    assert recordings.load(path).accounting.pulses_averaged == PULSES
    assert list(state.iterdir()) == []


def _plain(self: journal.Journal, record: bytes) -> Any:
    """A journal on another disk, which is not full."""
    file = self.path.open("wb", buffering=0)
    framed.append(file, record)
    return file


def test_recover_lists_saves_and_discards(
    tmp_path: Path,
    state: Path,
    at_once: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(interruption, "ONE", 0.0)
    assert main(["recover"]) == 0
    assert "nothing has been left behind" in capsys.readouterr().err
    for _ in range(2):
        at_once(twice)
        main(ASKED)
    capsys.readouterr()
    first, second = journal.left_behind(state)
    assert main(["recover"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [str(first), str(second)]
    assert "pulses of emulator:hr-1mm2" in lines[0]
    assert main(["recover", "-o", str(tmp_path / "one.h5")]) == 2
    assert main(["recover", "--discard"]) == 2
    assert main(["recover", str(first), "--discard"]) == 0
    assert not first.exists()
    assert main(["recover", "-o", str(tmp_path / "found")]) == 0
    (path,) = (tmp_path / "found").iterdir()
    assert recordings.load(path).incomplete == journal.INCOMPLETE
    assert journal.left_behind(state) == []


def test_a_journal_in_use_is_left_alone(
    tmp_path: Path, state: Path, at_once: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = []

    def meanwhile() -> None:
        (path,) = state.iterdir()
        codes.append(main(["recover", str(path), "--discard"]))
        codes.append(main(["recover", str(path), "-o", str(tmp_path / "x.h5")]))

    at_once(meanwhile)
    assert main(ASKED) == 0
    assert codes == [1, 1]
    assert capsys.readouterr().out.count("still writing it") == 2


def other_things(folder: Path) -> dict[str, Path]:
    """Files that a user would miss."""
    paths = {name: folder / name for name in ("notes.csv", "raw.npz", "thesis.trel")}
    for path in paths.values():
        path.write_text("irreplaceable")
    return paths


@pytest.mark.parametrize("name", ["notes.csv", "raw.npz", "thesis.trel"])
def test_something_else_is_replaced_by_force_alone(
    tmp_path: Path, spies: list[Spy], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = other_things(tmp_path)[name]
    option = "--record" if name.endswith("trel") else "-o"
    wanted = [*ASKED, "--pulses", "64", option, str(path)]
    assert main(wanted) == 1
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == "irreplaceable"
    assert spies == []  # nothing has moved
    assert main([*wanted, "--force"]) == 0
    assert path.read_bytes() != b"irreplaceable"
    assert main(wanted) == 0  # one of the same kind


def test_a_recorded_link_stays_where_the_capture_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.trel"
    assert main([*ASKED, "--pulses", "64", "--record", str(path)]) == 0
    before = path.read_bytes()
    assert main([*ASKED, "--window", "0:30u", "--bin", "1n", "--record", str(path)]) == 2
    assert path.read_bytes() == before
    assert [each for each in tmp_path.iterdir() if each.suffix == ".part"] == []


def test_one_file_cannot_be_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.h5").symlink_to("a.h5")
    for other in ("a.h5", "b.h5"):
        files = ["-o", str(tmp_path / "a.h5"), "--record", str(tmp_path / other)]
        assert main([*ASKED, *files]) == 2
        assert "a file each" in capsys.readouterr().err
    assert not (tmp_path / "a.h5").exists()


def test_a_name_that_is_too_long_is_known_before(
    tmp_path: Path, spies: list[Spy], capsys: pytest.CaptureFixture[str]
) -> None:
    for length in (256, 5000):
        assert main([*ASKED, "-o", str(tmp_path / ("n" * (length - 3) + ".h5"))]) == 1
        assert "File name too long" in capsys.readouterr().err
    assert spies == []
    assert main([*ASKED, "--pulses", "64", "-o", str(tmp_path / ("n" * 252 + ".h5"))]) == 0


def test_what_the_user_says_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.h5"
    said = ["--sample", "S1 \x1b[2J", "--operator", "me", "--note", "first, cold"]
    before = datetime.now(UTC).replace(microsecond=0)
    keyed = ["--note", "temperature=21.5 °C", "--note", "run=7"]
    assert main([*ASKED, "--pulses", "64", *said, *keyed, "-o", str(path)]) == 0
    known = recordings.load(path).metadata
    assert known["notes"] == {"temperature": "21.5 °C", "run": "7"}
    assert 0 < known["duration"] < 3600
    with h5py.File(path) as file:
        assert file.attrs["note_run"] == "7"
    assert [known[name] for name in ("sample", "operator", "note")] == said[1::2]
    assert before <= datetime.fromisoformat(known["when"]) <= datetime.now(UTC)
    assert known["program"].startswith("trelscope ")
    assert known["gateware"] == f"{digest_word():08x}"
    assert (
        "sample: S1 \\x1b[2J\noperator: me\nnote: first, cold\ntemperature: 21.5 °C\nrun: 7\n"
        in capsys.readouterr().out
    )


def test_control_characters_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "\x1b[2Jx.h5"
    recordings.save(path, replace(a_recording(), source="emulator:\x1b]0;gotcha\a"))
    assert main(["measure", str(path)]) == 0
    assert main(["measure", str(path.with_suffix(".npz"))]) == 1
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\\x1b]0;gotcha" in out
