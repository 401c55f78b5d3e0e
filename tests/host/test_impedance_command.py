"""`trelscope impedance`: its table, its file, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from trelscope.host.cli import main
from trelscope.sim.physics.impedance import capacitance, impedance
from trelscope.sim.presets.presets import load_plant


def test_json_is_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    source = "emulator:bmim3-4mm2?area=2.5"
    assert main(["impedance", source, "--bias", "3", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["source"] == source
    rows = said["rows"]
    frequency = np.array([row["frequency"] for row in rows])
    assert frequency[0] == pytest.approx(20.0)
    assert frequency[-1] >= 10e6
    assert {row["bias"] for row in rows} == {3.0}
    device = load_plant("bmim3-4mm2", {"area": "2.5"}).device
    z = np.array([complex(row["re"], row["im"]) for row in rows])
    assert z == pytest.approx(impedance(device, frequency, 3.0))
    c = np.array([row["capacitance"] for row in rows])
    assert c == pytest.approx(capacitance(device, frequency, 3.0))


def test_capacitance_over_bias(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["impedance", "--cv", "1k", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["frequency"] for row in rows} == {1e3}
    assert [row["bias"] for row in rows] == pytest.approx(np.linspace(0.0, 7.0, 71))
    assert rows[0]["capacitance"] == pytest.approx(
        load_plant("bmim3-1mm2").device.capacitance_off, rel=1e-3
    )


def test_table_and_file_hold_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "z.csv"
    assert main(["impedance", "-o", str(path)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    saved = np.loadtxt(path, delimiter=",", skiprows=1)
    assert np.array([[float(x) for x in line.split()] for line in lines]) == pytest.approx(
        saved, rel=1e-5
    )
    assert path.read_text().splitlines()[0].split(",")[3] == "im (ohm)"
    assert "im (ohm)" in head
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--bias", "8"], 2, "'8' is not from 0 to 7 V"),
        (["--bias", "x"], 2, "not a number"),
        (["--cv", "0"], 2, "Hz"),
        (["emulator:nonsense"], 1, "unknown device"),
        (["emulator:trpl-bmim3"], 1, "has no impedance"),
        (["tcp://localhost:1"], 1, "is not emulated"),
        (["-o", "z.txt"], 1, "use .csv"),
        (["-o", "/nowhere/at/all.csv"], 1, "no directory"),
    ],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    try:
        left = main(["impedance", *arguments])
    except SystemExit as error:
        left = int(error.code or 0)
    err = capsys.readouterr().err
    assert left == code
    assert says in err
    assert err.count("\n") == 1
