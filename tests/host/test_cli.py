"""The command line: what it prints, where it exits, and that no user ever sees a traceback."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from trelscope.host.cli import main

FAST = [
    "capture",
    "emulator:hr-1mm2",
    "--pulses",
    "64",
    "--window=-1u:16u",
    "--width",
    "8u",
    "--flat-out",
]


def test_json_is_the_object_of_the_design(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FAST, "--json", "--seed", "2"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["source"] == "emulator:hr-1mm2"
    assert said["settings"]["volts"] == 5.0
    assert set(said["measurements"]) == {"onset", "rise", "response", "fall", "settling"}
    response = said["measurements"]["response"]
    assert response["value"] == pytest.approx(0.70e-6, rel=0.05)
    assert response["flags"] == []
    accounting = said["accounting"]
    assert accounting["pulses_emitted"] == accounting["pulses_averaged"] == 64
    assert accounting["frames_lost"] == accounting["crc_errors"] == 0
    assert said["realtime_factor"] > 0


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".h5"])
def test_every_format_holds_the_same_numbers(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"capture{suffix}"
    assert main([*FAST, "--seed", "4", "-o", str(path)]) == 0
    if suffix == ".csv":
        table = np.genfromtxt(path, delimiter=",", names=True)
        columns = [table[k] for k in ("time", "light", "light_se", "drive", "drive_se")]
        about = json.loads(path.read_text().splitlines()[1].removeprefix("# "))
    elif suffix == ".npz":
        with np.load(path) as file:
            columns = [file[k] for k in ("time", "light", "light_se", "drive", "drive_se")]
            about = json.loads(str(file["about"]))
    else:
        with h5py.File(path) as file:
            columns = [file[k][:] for k in ("time", "light", "light_se", "drive", "drive_se")]
            about = json.loads(file.attrs["about"])
    time, light, _, drive, _ = columns
    assert time[0] == pytest.approx(-1e-6, abs=1e-9)
    assert np.diff(time) == pytest.approx(about["settings"]["bin"], rel=1e-3)
    assert light[time < -0.1e-6].mean() == pytest.approx(20e-3, rel=0.01)
    assert drive[(time > 1e-6) & (time < 7e-6)].mean() == pytest.approx(5.0, abs=0.01)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["capture", "emulator:nonsense"], 1, "bmim3-1mm2"),
        (["capture", "--volts", "2.9"], 2, "3 V to 7 V"),
        (["capture", "--volts", "7.1"], 2, "3 V to 7 V"),
        (["capture", "--volts", "five"], 2, "not a number"),
        (["capture", "--volts", "5Hz"], 2, "not a number in V: '5Hz'"),
        (["capture", "--volts", "6,5"], 2, "write a decimal point: 6.5"),
        (["capture", "--pulses", "2 dozens"], 2, "not a number: '2 dozens'"),
        (["capture", "--pulses", "1T"], 2, "out of range"),
        (["capture", "--pulses", "1e400"], 2, "not a number"),
        (["capture", "--seed", "1_0"], 2, "not a whole number: '1_0'"),
        (["capture", "--window", "-2u:9"], 2, "longer than the memory"),
        (["capture", "emulator:hr-1mm2?area="], 1, "'area=' says nothing"),
        (["capture", "emulator:hr-1mm2?area"], 1, "'area' says nothing"),
        (["capture", "emulator:hr-1mm2?area=1&area=2"], 1, "'area' is there twice"),
        (["capture", "emulator:hr-1mm2?area=1_0"], 1, "'1_0' is not possible"),
        (["capture", "emulator:hr-1mm2#2"], 1, "nothing may come after a #"),
        (["serve", "emulator:hr-1mm2?area"], 1, "'area' says nothing"),
        (["capture", "--rate", "100"], 2, "500 Hz to 15 kHz"),
        (["capture", "--width", "0"], 2, "width"),
        (["capture", "--width", "200u"], 2, "width"),
        (["capture", "--window", "0:30u", "--bin", "1n"], 2, "longer than the memory"),
        (["capture", "--window", "30u"], 2, "START:LENGTH"),
        (["ftp://board"], 1, "unknown source 'ftp://board'"),
        (["emulator:nonsense"], 1, "unknown device 'nonsense'"),
        (["emulator:hr-1mm2", "--volts", "5"], 2, "invalid choice"),
        (["capture", "--pulses", "0"], 2, "pulses"),
        (["capture", "-o", "/nowhere/at/all.csv"], 1, "no directory"),
        (["capture", "-o", "/proc/capture.csv"], 1, "cannot write there"),
        (["capture", "-o", "file.xyz"], 1, "unknown kind of file"),
        (["capture", "--nonsense"], 2, "unrecognized"),
        (["nonsense"], 2, "invalid choice"),
    ],
)
def test_user_errors_are_one_line(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        exit_code = main(arguments)
    except SystemExit as stopped:  # argparse's own way out
        exit_code = stopped.code
    out, err = capsys.readouterr()
    assert exit_code == code
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("trelscope: ")
    assert says in err


def test_without_a_display_it_captures_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert "no display" in err
    assert "response" in out
    assert (tmp_path / "trelscope.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "source"),
    [
        (["emulator:hr-1mm2?area=2"], "emulator:hr-1mm2?area=2"),
        (["hr-1mm2?area=2"], "emulator:hr-1mm2?area=2"),  # as in the window's field
        ([], "emulator:bmim3-1mm2"),
    ],
)
def test_a_source_alone_is_what_the_window_shows(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], source: str
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    opened: list[str] = []
    monkeypatch.setattr(
        "trelscope.host.commands.window._headless", lambda source: opened.append(source) or 0
    )
    assert main(arguments) == 0
    assert opened == [source]
