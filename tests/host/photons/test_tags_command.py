"""`trelscope tags`, and what other commands make of its files."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trelscope.host.acquisition.stamps import StampAcquisition
from trelscope.host.cli import main
from trelscope.host.commands import tags
from trelscope.host.commands.interruption import Interruption
from trelscope.host.files import photon_runs
from trelscope.host.link import LinkError
from trelscope.host.photons.chunk import Chunk

PULSES = 64
SOURCE = "bmim3-1mm2?detector=pmt&filter=2e-6"
ASKED = ["--pulses", str(PULSES), "--rate", "15k", "--width", "10u", "--flat-out"]
ASKED += ["--window=-1u:30u", "--bin", "64n"]
KEYS = {
    *("pulses_emitted", "photons_seen", "photons_stamped", "photons_missed", "photons_lost"),
    *("rate", "realtime_factor"),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with run.h5, and run.trel to play it again."""
    folder = tmp_path_factory.mktemp("run")
    given = ["tags", SOURCE, *ASKED, "-o", str(folder / "run.h5"), "--sample", "a film"]
    assert main([*given, "--record", str(folder / "run.trel")]) == 0
    return folder


def said(capsys: pytest.CaptureFixture[str], *given: object, code: int = 0) -> Any:
    assert main([*map(str, given), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_what_is_played_again_is_the_same_to_the_last_photon(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = f"replay:{recorded / 'run.trel'}"
    live = said(capsys, "tags", replay, "-o", tmp_path / "again.h5")
    assert live.keys() >= KEYS
    assert live["photons_seen"] == live["photons_stamped"] > 500
    assert live["pulses_emitted"] == PULSES
    assert live["rate"] == pytest.approx(live["photons_seen"] * 15e3 / PULSES)
    assert list(tmp_path.iterdir()) == [tmp_path / "again.h5"], "and no journal"
    one, two = (photon_runs.load(path) for path in (recorded / "run.h5", tmp_path / "again.h5"))
    for a, b in zip(one.chunks(), two.chunks(), strict=True):
        assert a.pulse.tolist() == b.pulse.tolist()
        assert a.ns.tolist() == b.ns.tolist()
    assert one.metadata["sample"] == "a film"
    kept = said(capsys, "tags", tmp_path / "again.h5")
    assert {key: kept[key] for key in live} == live
    assert len(kept["g2"]) == 11
    assert main(["tags", str(tmp_path / "again.h5")]) == 0
    assert "g2 by pulses apart" in capsys.readouterr().out


def test_measure_and_decay_choose_bins_and_window_afterwards(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded / "run.h5"
    usual = said(capsys, "measure", path)
    assert usual["settings"]["bin"] == 64e-9
    assert usual["accounting"]["pulses_averaged"] == PULSES
    other = said(capsys, "measure", path, "--window=-500n:12u", "--bin", "37n")
    assert other["settings"]["bin"] == 37e-9
    assert other["settings"]["window_start"] == -500e-9
    part = said(capsys, "measure", path, "--pulse-range", "10:30")
    assert part["accounting"]["pulses_averaged"] == 20
    assert main(["export", str(path), "-o", str(tmp_path / "a.npz")]) == 0
    capsys.readouterr()
    assert said(capsys, "measure", tmp_path / "a.npz")["measurements"] == usual["measurements"]
    assert main(["decay", str(path), "--window", "9u:20u", "--bin", "500n"]) in (0, 1)
    assert "not written by" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["tags", "bmim3-1mm2", *ASKED], "gives photons no times"),
        (["tags", "--mode", "analog"], "leave out --mode analog"),
        (["tags", "--seconds", "1", "--pulses", "8"], "not both"),
        (["tags", "-o", "x.csv"], "call it x.h5"),
        (["tags", "RUN/run.h5", "--volts", "4"], "is recorded"),
        (["tags", "replay:RUN/run.trel", "--volts", "4"], "is recorded"),
        (["measure", "RUN/run.h5", "--bin", "1.5n"], "whole number of ns"),
        (["measure", "RUN/run.h5", "--window=0:1n", "--bin", "2n"], "has 0 bins"),
        (["decay", "--bin", "1n"], "for photons that have stamps"),
    ],
)
def test_mistakes_are_named_in_one_line(
    recorded: Path, capsys: pytest.CaptureFixture[str], given: list[str], says: str
) -> None:
    assert main([word.replace("RUN", str(recorded)) for word in given]) in (1, 2)
    err = capsys.readouterr().err
    assert says in err
    lines = [line for line in err.splitlines() if line.startswith("trelscope:")]
    assert len(lines) == 1, "compiling may be told of before"
    assert err.endswith(lines[0] + "\n")


def chunks_until(cut: int, failing: Exception | None) -> Any:
    """Of `StampAcquisition.chunks`: the link fails, or the user stops, after so many pulses."""
    whole = StampAcquisition.chunks

    def chunks(self: StampAcquisition, stop: Any = None) -> Iterator[Chunk]:
        for chunk in whole(self, lambda: self.accounting.pulses_emitted >= cut and failing is None):
            yield chunk
            if failing is not None and chunk.end >= cut:
                raise failing

    return chunks


def test_a_link_that_is_lost_leaves_what_has_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StampAcquisition, "chunks", chunks_until(20, LinkError("the cable is out")))
    (tmp_path / "a.h5").touch()
    done = said(capsys, "tags", SOURCE, *ASKED, "-o", tmp_path / "a.h5", code=1)
    assert done["incomplete"] == "the cable is out"
    assert not (tmp_path / "a.h5").read_bytes(), "it replaces nothing"
    run = photon_runs.load(tmp_path / "a.incomplete.h5")
    assert run.incomplete == "the cable is out"
    assert run.accounting.photons_stamped == done["photons_stamped"] > 100
    assert 20 <= run.accounting.pulses_emitted < PULSES


def test_whoever_stops_it_has_all_until_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StampAcquisition, "chunks", chunks_until(10, None))
    monkeypatch.setattr(tags, "Interruption", lambda: stopped)
    stopped = Interruption()
    stopped.why = "interrupted"
    given = [*ASKED, "--pulses", "100k", "-o", tmp_path / "a.h5"]
    done = said(capsys, "tags", SOURCE, *given, code=1)
    assert done["incomplete"] == "interrupted"
    assert done["photons_lost"] == 0
    assert photon_runs.load(tmp_path / "a.h5").accounting.photons_seen == done["photons_seen"] > 100


def test_whoever_is_killed_finds_the_photons_again(
    recorded: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(photon_runs.Recorder, "finish", killed)
    replay = f"replay:{recorded / 'run.trel'}"
    assert main(["tags", replay, "-o", str(tmp_path / "a.h5")]) == 1
    journal = tmp_path / "a.tags"
    assert [*tmp_path.iterdir()] == [journal]
    capsys.readouterr()
    assert said(capsys, "measure", journal)["incomplete"] == photon_runs.INCOMPLETE
    assert main(["tags", replay, "-o", str(tmp_path / "a.h5")]) == 1
    assert "trelscope recover" in capsys.readouterr().err, "and nothing has moved"
    row = said(capsys, "recover", journal, "-o", tmp_path / "a.h5")["journals"][0]
    assert row["pulses"] >= PULSES - 1
    assert [*tmp_path.iterdir()] == [tmp_path / "a.h5"]
    kept, whole = (photon_runs.load(path) for path in (tmp_path / "a.h5", recorded / "run.h5"))
    assert kept.accounting.photons_stamped == whole.accounting.photons_stamped


def test_a_full_disk_keeps_what_was_written(recorded: Path, tmp_path: Path) -> None:
    code = f"""
import resource, sys
from trelscope.host.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
sys.exit(main(["tags", "replay:{recorded / "run.trel"}", "-o", "{tmp_path / "a.h5"}", "--json"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    lines = done.stderr.splitlines()
    assert "cannot be written (File too large); make room" in lines[0]
    assert lines[-1].endswith(f"for `trelscope recover {tmp_path / 'a.tags'} -o FILE`")
    assert "Traceback" not in done.stderr
    assert [*tmp_path.iterdir()] == [tmp_path / "a.tags"]
    stamped = photon_runs.load(tmp_path / "a.tags").accounting.photons_stamped
    assert 100 < stamped <= json.loads(done.stdout)["photons_stamped"]


def test_kill_9_loses_nothing_that_had_been_kept(recorded: Path, tmp_path: Path) -> None:
    code = f"""
import os, signal
from trelscope.host.cli import main
from trelscope.host.files import photon_runs
photon_runs.Recorder.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(["tags", "replay:{recorded / "run.trel"}", "-o", "{tmp_path / "a.h5"}"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    kept, whole = (photon_runs.load(at) for at in (tmp_path / "a.tags", recorded / "run.h5"))
    assert kept.accounting.photons_stamped == whole.accounting.photons_stamped
