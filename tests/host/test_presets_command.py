"""`trelscope presets`: what is there, and what one keeps."""

import json
import shlex
from pathlib import Path

import pytest

from trelscope.host.cli import main
from trelscope.sim.presets import userfile
from trelscope.sim.presets.presets import builtin_names, detectors


@pytest.fixture(autouse=True)
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "presets.toml"
    monkeypatch.setattr(userfile, "path", lambda: path)
    return path


def run(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str, str]:
    try:
        code = main(["presets", *shlex.split(line)])
    except SystemExit as left:
        code = int(left.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_saved_listed_and_removed(capsys: pytest.CaptureFixture[str], user_file: Path) -> None:
    code, out, _ = run(capsys, "save mine 'emulator:bmim3-4mm2?area=2.5&x_Nt=1.4&detector=apd'")
    assert code == 0
    assert out.startswith("emulator:mine: BMIM-3")
    code, out, _ = run(capsys, "")
    assert code == 0
    (line,) = (line for line in out.splitlines() if line.split()[0] == "mine")
    assert "2.5 mm²" in line
    assert "x_Nt 1.4" in line
    assert "avalanche" in line
    assert line.endswith("(yours)")
    _, out, _ = run(capsys, "--json")
    said = json.loads(out)
    assert [row["name"] for row in said["presets"]] == [*builtin_names(), "mine"]
    assert [row["origin"] for row in said["presets"]] == ["built-in"] * len(builtin_names()) + [
        "user"
    ]
    assert {row["name"] for row in said["detectors"]} == set(detectors())
    assert all(row["description"] for row in (*said["presets"], *said["detectors"]))
    assert said["file"] == str(user_file)
    assert run(capsys, "remove mine")[0] == 0
    assert "yours" not in run(capsys, "")[1]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("save mine emulator:bmim3-4mm2?x_Nt=-1", 1, "x_Nt '-1' is not possible: give a number"),
        ("save mine emulator:bmim3-4mm2?area=", 1, "'area=' says nothing"),
        ("save mine emulator:bmim4-4mm2", 1, "unknown device 'bmim4-4mm2'; known: control-4mm2"),
        ("save hr-1mm2 emulator:bmim3-4mm2", 1, "comes with trelscope"),
        ("save mine tcp://localhost:7070", 1, "is not emulated"),
        ("save mine bmim3-4mm2", 1, "is not emulated"),
        ("remove mine", 1, "unknown preset of your own 'mine'; known: none"),
        ("save mine", 2, "SOURCE"),
        ("keep mine", 2, "invalid choice"),
    ],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], user_file: Path, line: str, code: int, says: str
) -> None:
    left, out, err = run(capsys, line)
    assert left == code
    assert out == ""
    assert err.startswith("trelscope: ")
    assert says in err
    assert err.count("\n") == 1
    assert not user_file.exists()


def test_a_broken_file_is_one_line(capsys: pytest.CaptureFixture[str], user_file: Path) -> None:
    user_file.parent.mkdir()
    user_file.write_text('[devices.mine]\nmaterial = "bmim3"\ngeometry = "hr"\n')
    code, _, err = run(capsys, "")
    assert code == 1
    assert err == f"trelscope: {user_file}: devices.mine.area: is missing; correct it\n"
