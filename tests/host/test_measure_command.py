"""`trelscope measure` and `trelscope export`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.host.journalled import Fake, journal_of
from tests.host.recordings import a_recording
from trelscope.host.cli import main
from trelscope.host.files.recordings import load, save


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording, as a file."""
    path = tmp_path / "a.h5"
    save(path, a_recording())
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict:  # type: ignore[type-arg]
    assert main([*map(str, arguments), "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_it_measures_as_it_was_measured(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "measure", file) == json.loads(json.dumps(a_recording().about()))


def test_options_change_what_they_name(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = said(capsys, "measure", file)
    other = said(
        capsys,
        *("measure", file, "--levels", "20-80", "--top-fraction", "0.5", "--settle-band", "0.1"),
    )
    assert other["options"] == usual["options"] | {
        "low": 0.2,
        "high": 0.8,
        "top_fraction": 0.5,
        "settle_band": 0.1,
    }
    assert other["measurements"]["rise"]["definition"] == "20 to 80 %"
    for name in ("rise", "onset", "settling"):
        was, now = (x["measurements"][name]["value"] for x in (usual, other))
        assert (now > was) == (name == "onset")


def test_a_top_asked_for_replaces_one_that_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = a_recording()
    save(tmp_path / "a.npz", given.measured(replace(given.options, top=(0.4, 1e-3))))
    assert "as given" in said(capsys, "measure", tmp_path / "a.npz")["levels"]
    other = said(capsys, "measure", tmp_path / "a.npz", "--top", "extreme")
    assert "highest sample" in other["levels"]


def test_levels_can_be_given_and_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = a_recording()
    file = tmp_path / "a.npz"
    save(file, recording)
    for how, top, baseline in (
        (("--top", "400m"), (0.4, 0.0), None),
        (("--baseline", "10mV", "--top", "histogram"), None, (0.01, 0.0)),
        (("--baseline", "0.1"), None, (0.1, 0.0)),
    ):
        options = said(capsys, "measure", file, *how)["options"]
        assert options["top"] == (top and list(top))
        assert options["baseline"] == (baseline and list(baseline))
    given = replace(recording.options, top=(0.4, 1e-3), baseline=(0.1, 1e-3))
    save(file, recording.measured(given))
    kept = said(capsys, "measure", file)["options"]
    assert (kept["top"], kept["baseline"]) == ([0.4, 1e-3], [0.1, 1e-3])
    taken = said(capsys, "measure", file, "--top", "mean", "--baseline", "mean")["options"]
    assert taken["top"] is taken["baseline"] is None


def test_the_table_prints_the_options(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(file), "--levels", "20-80", "--top-fraction", "0.3"]) == 0
    out = capsys.readouterr().out
    assert "Rise (20 to 80 %)" in out
    assert "last 30 %" in out


def test_round_through_every_format(file: Path) -> None:
    for number, suffix in enumerate((".npz", ".csv", ".h5")):
        path = file.with_name(f"{number}{suffix}")
        assert main(["export", str(file), "-o", str(path)]) == 0
        file = path
    assert load(file).settings == a_recording().settings
    assert load(file).light.y == pytest.approx(a_recording().light.y, rel=1e-8)


def test_a_journal_is_a_recording_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = Fake(24)
    journal = journal_of(fake, tmp_path)
    assert main(["export", str(journal.path), "-o", str(tmp_path / "a.h5")]) == 1
    assert "nothing to recover" in capsys.readouterr().err
    fake.step()
    journal.write()
    assert main(["export", str(journal.path), "-o", str(tmp_path / "a.h5")]) == 0
    assert load(tmp_path / "a.h5").accounting == fake.accounting


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["measure", "none.h5"], 1, "no such file"),
        (["measure", "none.journal"], 1, "cannot be read"),
        (["measure", "FILE", "--levels", "90-10"], 2, "not LOW-HIGH"),
        (["measure", "FILE", "--levels", "low"], 2, "not LOW-HIGH"),
        (["measure", "FILE", "--top-fraction", "2"], 2, "not a part"),
        (["measure", "FILE", "--top", "best"], 2, "nor a level"),
        (["export", "FILE"], 2, "-o/--output"),
        (["export", "FILE", "-o", "x.foo"], 1, "unknown kind of file"),
    ],
)
def test_user_errors_are_one_line(
    file: Path, arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        exit_code = main([str(file) if a == "FILE" else a for a in arguments])
    except SystemExit as stopped:
        exit_code = int(stopped.code or 0)
    out, err = capsys.readouterr()
    assert exit_code == code
    assert out == ""
    assert len(err.splitlines()) == 1
    assert says in err
