"""What cannot be read, or has to be said first, is one line."""

from pathlib import Path

import pytest

from tests.host.foreign.instruments import DRIVE, LIGHT, T, rows
from trelscope.host.cli import main

TABLE = "time (s),light (V)\n" + rows(T[:100], LIGHT[:100])
WIDE = "\n".join(",".join(["1.5"] * 10_001) for _ in range(30))

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty.csv": ("", "is empty"),
    "blank.csv": (" \n\n", "is empty"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a picture (PNG)"),
    "noise.csv": (bytes(range(256)) * 40, "no text and no binary format"),
    "words.csv": ("a letter\nof words\n", "no table of numbers"),
    "wide.csv": (WIDE, "has 10001 columns"),
    "word.csv": (TABLE + "1e-6,oops\n" + rows(T[:9], LIGHT[:9]), "line 102: 'oops' is no number"),
    "cut.csv": (
        "time (s),a (V),b (V)\n" + rows(T[:50], T[:50], T[:50]) + "1e-6,0.1",
        "perhaps cut off",
    ),
    "few.csv": ("time (s),light (V)\n" + rows(T[:5], LIGHT[:5]), "too few to be measured"),
    "bare.csv": (rows(LIGHT), "--interval"),
    "unit.csv": ("time,light\n" + rows(T * 1e9, LIGHT), "--time-unit"),
    "two.csv": ("time (s),CH1 (V),CH2 (V)\n" + rows(T, LIGHT, DRIVE), "say which one is the light"),
    "commas.csv": ("t;x\n" + "0,5,1,25\n" * 20, "separate the columns by ;"),
    "a.ptu": ("no such thing", "cannot be read by ptufile"),
    "a.mat": ("no such thing", "cannot be read as a MATLAB file"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", ["measure", "export", "decay"])
def test_one_line(
    name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name.endswith(".ptu"):
        pytest.importorskip("ptufile")
    content, words = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    more = ["-o", str(tmp_path / "x.h5")] if command == "export" else []
    assert main([command, str(path), *more]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_folder_and_a_file_beyond_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(2_100_000_000)  # a hole: nothing is written
    assert main(["measure", str(large)]) == 1
    assert "has 2.1 GB, at most 200 MB" in capsys.readouterr().err
    assert main(["measure", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err


def test_a_reader_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ptufile", "sdtfile", "lecroyparser", "RigolWFM.wfm"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for suffix in ("ptu", "sdt", "trc", "wfm"):
        path = tmp_path / f"a.{suffix}"
        path.write_text("x")
        assert main(["measure", str(path)]) == 1
        assert 'pip install "trelscope[files]"' in capsys.readouterr().err


def test_what_is_said_of_a_recording_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    assert main(["export", str(path), "-o", str(tmp_path / "a.h5"), "--unit", "V"]) == 0
    assert main(["measure", str(tmp_path / "a.h5"), "--light", "CH1"]) == 1
    assert "is a recording of trelscope" in capsys.readouterr().err
    assert main(["decay", "emulator:trpl-bmim3", "--invert"]) == 2
    assert "is no file" in capsys.readouterr().err
