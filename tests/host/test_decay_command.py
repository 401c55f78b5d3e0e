"""`trelscope decay`: photons of the pulsed-light presets, counted by the gateware, give the paper's lifetimes back."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.host.recordings import a_recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.cli import main
from trelscope.host.commands import crash_copy
from trelscope.host.files import journal
from trelscope.host.files.recordings import load, save
from trelscope.host.link import emulator
from trelscope.sim.physics.detector import DriveMonitor
from trelscope.sim.physics.photon_counter import PhotonCounter

QUIET = "detector=pmt&filter=2e-5&afterpulse=0"


@pytest.mark.parametrize(("name", "published"), [("control", 14.26e-9), ("bmim3", 29.84e-9)])
def test_the_papers_average_lifetimes(
    name: str, published: float, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"emulator:trpl-{name}?{QUIET}"
    assert main(["decay", source, "--pulses", "150k", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    average = said["intensity_average"]
    assert abs(average["value"] - published) < 3.5 * average["se"]
    assert average["se"] < 0.03 * published
    assert len(said["components"]) >= 2
    assert said["photons"] > 3_000


def test_the_table_names_both_averages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decay", f"emulator:trpl-bmim3?{QUIET}", "--pulses", "20k"]) == 0
    said = capsys.readouterr().out
    assert "amplitude average" in said
    assert "intensity average" in said
    assert " by BIC; " in said


def test_a_measured_response_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The emulated detector's own pole as a file, 100 ns late on its axis."""
    t = np.arange(80, 130, 0.1)
    rate = np.where(t >= 100, np.exp(-(t - 100) / 0.3), 0.0)
    file = tmp_path / "irf.csv"
    file.write_text(
        "t,counts\n" + "".join(f"{x}e-9,{1e6 * y:.0f}\n" for x, y in zip(t, rate, strict=True))
    )
    source = f"emulator:trpl-bmim3?{QUIET}"
    said = []
    for how in (["--irf", str(file)], []):
        options = ["--pulses", "20k", "--model", "stretched", "--json"]
        assert main(["decay", source, *options, *how]) == 0
        said.append(json.loads(capsys.readouterr().out))
    read, pole = said
    se = pole["intensity_average"]["se"]
    assert read["intensity_average"]["value"] == pytest.approx(
        pole["intensity_average"]["value"], abs=0.3 * se
    )
    assert read["t0"]["value"] == pytest.approx(pole["t0"]["value"] - 100e-9, abs=0.1e-9)
    assert read["model"] == "stretched"
    assert 0 < read["components"][0]["stretch"]["value"] < 1


def test_dead_time_and_afterpulses_are_those_of_the_detector(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """1.5 photons a pulse, and 20 ns after each in which there is no other: uncorrected it is 10.2 ns."""
    source = "emulator:trpl-bmim3?detector=pmt&filter=4e-4"
    assert main(["decay", source, "--pulses", "60k", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    truth = (0.35 * 4.0 + 0.45 * 15.0 + 0.20 * 44.992186) * 1e-9
    average = said["amplitude_average"]
    assert abs(average["value"] - truth) < 3 * average["se"]
    assert average["se"] < 0.5e-9
    assert said["flags"] == []
    assert said["corrected"] == {
        "dead_time": 20e-9,
        "afterpulse": 0.01,
        "afterpulse_time": pytest.approx(300e-9),
    }


def test_an_unknown_dead_time_is_flagged_where_it_matters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown(detector: PhotonCounter, monitor: DriveMonitor) -> FrontEnd:
        return replace(FrontEnd.of(detector, monitor), dead_time=None)

    monkeypatch.setattr(emulator, "FrontEnd", SimpleNamespace(of=unknown))
    source = "emulator:trpl-bmim3?detector=pmt&afterpulse=0&filter="
    weak, strong = [f"{source}1e-6", "--model", "1"], [f"{source}1e-4", "--model", "stretched"]
    for case, flags in ((weak, []), (strong, ["PILE_UP"])):
        assert main(["decay", *case, "--pulses", "40k", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["flags"] == flags
    assert main(["decay", *strong, "--pulses", "40k"]) == 0
    assert "PILE_UP: photons come so fast" in capsys.readouterr().out


def test_afterpulses_are_corrected_for(capsys: pytest.CaptureFixture[str]) -> None:
    source = f"emulator:trpl-control?{QUIET.replace('afterpulse=0', 'afterpulse=5')}"
    averages = []
    for how in (["--afterpulse", "0"], []):
        assert main(["decay", source, "--pulses", "60k", "--json", *how]) == 0
        averages.append(json.loads(capsys.readouterr().out)["intensity_average"])
    wrong, right = averages
    assert wrong["value"] > 1.5 * 14.26e-9
    assert right["value"] == pytest.approx(14.26e-9, rel=0.15)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("emulator:trpl-bmim3", "counts no photons"),
        ("emulator:trpl-bmim3?detector=pmt&filter=1e-12", "too few"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(
    source: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decay", source, "--pulses", "1k"]) == 1
    said = capsys.readouterr()
    assert words in said.err.splitlines()[-1]
    assert not said.out


def test_the_falling_light_of_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fall.h5"
    capture = ["capture", "emulator:bmim3-1mm2", "--pulses", "256", "--flat-out"]
    assert main([*capture, "-o", str(path)]) == 0
    decay = load(path).measurements.decay
    capsys.readouterr()
    assert main(["decay", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["source"] == str(path)
    # 1/e is reached after a little more than the mean lifetime: the light begins to fall late
    assert 0.7 < said["amplitude_average"]["value"] / decay.value < 1.1
    assert main(["decay", str(path), "--model", "1"]) == 0
    assert "mV" in capsys.readouterr().out
    upright = load(path)
    light = replace(upright.light, y=0.1 - upright.light.y)
    over = tmp_path / "inverted.h5"
    save(over, replace(upright, light=light))
    assert main(["decay", str(over), "--json"]) == 0
    turned = json.loads(capsys.readouterr().out)
    assert turned["amplitude_average"] == pytest.approx(said["amplitude_average"], rel=1e-3)
    first, mirrored = (each["components"][0]["amplitude"]["value"] for each in (said, turned))
    assert mirrored == pytest.approx(-first, rel=1e-2)
    assert main(["decay", str(path), "--dead-time", "20n"]) == 1
    assert "--dead-time is for photons" in capsys.readouterr().err
    assert main(["decay", str(path), "--irf", str(tmp_path / "none")]) == 1
    assert "none: no such file" in capsys.readouterr().err
    assert main(["decay", str(tmp_path / "none.h5")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_counted_photons_are_saved_and_fitted_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, again = tmp_path / "counted.h5", tmp_path / "again.csv"
    count = ["decay", f"emulator:trpl-bmim3?{QUIET}", "--pulses", "20k", "--json"]
    assert main([*count, "-o", str(path)]) == 0
    first = json.loads(capsys.readouterr().out)
    assert load(path).metadata["decay"] == first
    assert main(["decay", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**first, "source": str(path)}
    # with other corrections, as when they are counted
    asked = ["--model", "2", "--dead-time", "0", "--response", "1n", "--afterpulse", "0.01"]
    assert main(["decay", str(path), "--json", *asked, "-o", str(again)]) == 0
    other = json.loads(capsys.readouterr().out)
    assert len(other["components"]) == other["model"] == 2
    assert other["corrected"] == {
        "dead_time": 0.0,
        "afterpulse": 0.01,
        "afterpulse_time": pytest.approx(300e-9),
    }
    assert load(again).metadata["decay"] == other
    assert load(again).light.y == pytest.approx(load(path).light.y, rel=1e-8)
    assert main(["decay", str(path), "--pulses", "1k"]) == 2
    assert "leave out --pulses" in capsys.readouterr().err


def test_counted_light_of_a_driven_device_falls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Electroluminescence ends with the drive: photons or not, that is the edge after which it decays."""
    analog = a_recording()
    settings = replace(analog.settings, counting=True)
    late = settings.times() - settings.width
    rate = 50.0 * (settings.times() > 0) * np.exp(-np.maximum(late, 0) / 1e-6) + 0.01
    counts = np.random.default_rng(4).poisson(rate).astype(float)
    one = settings.bin * settings.counts(analog.light.pulses)[0]
    light = replace(analog.light, y=counts / one, se=np.sqrt(counts) / one)
    path = tmp_path / "el.h5"
    save(path, replace(analog, settings=settings, light=light))
    assert np.count_nonzero(counts == 0) > 30  # bins in which no photon ever came
    assert main(["decay", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    average = said["amplitude_average"]
    assert abs(average["value"] - 1e-6) < 4 * average["se"]
    assert average["se"] < 100e-9


def test_what_was_counted_outlives_a_fit_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journal, "default_directory", lambda: tmp_path / "journals")
    monkeypatch.setattr(crash_copy, "AFTER", 0.0)
    path = tmp_path / "few.h5"
    few = ["decay", "emulator:trpl-bmim3?detector=pmt&filter=1e-12", "--pulses", "1k"]
    assert main([*few, "-o", str(path)]) == 1
    assert load(path).accounting.pulses_averaged == 1000
    assert "decay" not in load(path).metadata
    assert journal.left_behind() == []
    assert main(few) == 1
    assert "too few" in (said := capsys.readouterr().err)
    assert "`trelscope recover` has what was counted" in said
    assert len(journal.left_behind()) == 1
    assert main(["decay", f"emulator:trpl-bmim3?{QUIET}", "--pulses", "5k", "--model", "1"]) == 0
    assert len(journal.left_behind()) == 1  # nothing of a fit that has been printed


def test_files_are_looked_at_before_anything_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.csv"
    notes.write_text("mine\n")
    for path, words in ((notes, "replace it with --force"), (tmp_path / "x.pdf", "unknown kind")):
        assert main(["decay", "serial:/nonexistent", "-o", str(path)]) == 1
        assert words in capsys.readouterr().err
    assert notes.read_text() == "mine\n"
