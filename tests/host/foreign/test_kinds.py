"""One waveform in the manner of many instruments: the same numbers, whoever wrote them."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.host.foreign.instruments import (
    DRIVE,
    EDGE,
    FALL,
    FILES,
    LIGHT,
    RISE,
    STEP,
    TEN_TO_NINETY,
    WIDTH,
    T,
    light,
    rows,
)
from trelscope.host.cli import main
from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.load import load
from trelscope.host.files.foreign.table import table
from trelscope.host.files.recordings import load as load_own
from trelscope.host.measure.quantities import Flag, Quantity


def near(q: Quantity, value: float) -> bool:
    """Within four standard errors, which are not all too wide."""
    return abs(q.value - value) < 4 * q.se < 0.2 * value


@pytest.mark.parametrize("name", FILES)
def test_the_numbers_of_every_kind(name: str) -> None:
    found = table(FILES[name])
    assert found.t is not None
    known = np.isfinite(found.channels[0].values)
    assert found.t[known] == pytest.approx(T, abs=0.02 * STEP)
    assert found.channels[0].values[known] == pytest.approx(LIGHT, abs=2e-5)
    assert [c.unit for c in found.channels] == ["" if name in NO_UNIT else "V"]


COUNTS = np.random.default_rng(7).poisson(500 * np.exp(-np.arange(300) / 60) + 3)
BINS = 0.2 * np.arange(300)

COUNTERS = {
    "edinburgh.txt": "Labels,EmDecay,\nType,TCSPC Decay,\nStart,0.0,\nStop,60.0,\nStep,0.2,\nXaxis,Time(ns),\n"
    "Yaxis,Counts,\n\n" + rows(BINS, COUNTS, form="{:g}", end=","),
    "horiba.txt": "A title\nTime calibration: 2.0e-10 s/ch\nChan\tDecay\n"
    + rows(np.arange(1, 301), COUNTS, form="{:g}", between="\t"),
    "picoharp.dat": "#PicoHarp\n#channels per curve\n300\n#curve\n0\n#ns/channel\n0.2\n#counts\n"
    + rows(COUNTS, form="{:g}"),
    "two.csv": "time (ns),counts\n" + rows(BINS, COUNTS, form="{:g}"),
}


@pytest.mark.parametrize("name", COUNTERS)
def test_photon_counters(name: str) -> None:
    found = table(COUNTERS[name].encode())
    assert found.counted
    assert found.t is not None
    assert np.diff(found.t) == pytest.approx(0.2e-9, rel=1e-6)
    assert np.array_equal(found.channels[0].values, COUNTS)


def test_curves_of_becker_and_hickl_are_channels() -> None:
    curves = "".join(
        f"*BLOCK {k}\r\n" + "".join(f"{n}\r\n" for n in k * COUNTS) + "*END\r\n" for k in (1, 2)
    )
    found = table(
        ("  Title : x\r\n  Date : 1\r\n  \r\n" + curves).encode(), Choices(interval=1e-10)
    )
    assert [np.array_equal(c.values, k * COUNTS) for k, c in enumerate(found.channels, 1)] == [
        True
    ] * 2


NO_UNIT = {"blanks.dat", "matlab_old.txt"}


def test_light_alone_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "keysight.csv"
    path.write_bytes(FILES[path.name])
    recording = load(path)
    m = recording.measurements
    assert near(m.rise, TEN_TO_NINETY * RISE)
    assert near(m.fall, TEN_TO_NINETY * FALL)
    assert abs(m.t0 + recording.metadata["time_zero"] - EDGE) < 3 * m.onset.se < 30e-9
    assert Flag.LIGHT_EDGE in m.onset.flags
    assert Flag.LIGHT_EDGE not in m.rise.flags
    assert recording.settings.width == pytest.approx(WIDTH, rel=0.03)


def test_an_edge_that_is_given_may_lie_after_the_light(tmp_path: Path) -> None:
    path = tmp_path / "keysight.csv"
    path.write_bytes(FILES[path.name])
    late = EDGE + 50e-9
    m = load(path, Choices(edge=late, edge_se=2e-9, width=WIDTH)).measurements
    tenth = EDGE - RISE * np.log(0.9)
    assert abs(m.onset.value - (tenth - late)) < 4 * m.onset.se
    assert 2e-9 < m.onset.se < 3e-9
    assert near(m.rise, TEN_TO_NINETY * RISE)


def test_light_is_held_against_the_drive(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text("time (s),photodiode (V),gate (V)\n" + rows(T, LIGHT, DRIVE))
    recording = load(path)
    m = recording.measurements
    assert near(m.response, RISE * np.log(10))
    assert "50 %" in m.reference
    assert not m.response.flags
    assert recording.settings.volts == pytest.approx(5, rel=0.01)


@pytest.mark.parametrize("invert", [False, True])
def test_light_that_goes_down(invert: bool, tmp_path: Path) -> None:
    path = tmp_path / "pmt.csv"
    path.write_text("time (s),pmt (V)\n" + rows(T, -LIGHT))
    m = load(path, Choices(invert=invert)).measurements
    assert near(m.rise, TEN_TO_NINETY * RISE)
    assert (Flag.INVERTED in m.rise.flags) is not invert


def test_pulses_of_one_record_are_averaged(tmp_path: Path) -> None:
    path, period = tmp_path / "train.csv", 4.0007e-6
    t = STEP * np.arange(20_000)
    starts = 0.7e-6 + period * np.arange(9)
    rng = np.random.default_rng(3)
    y = sum(light(t, edge) - 0.02 for edge in starts) + rng.normal(0, 0.02, t.size)
    path.write_text("time (s),light (V)\n" + rows(t, np.asarray(y)))
    recording = load(path)
    assert recording.light.pulses == 9
    assert recording.settings.rate == pytest.approx(1 / period, rel=1e-3)
    assert float(np.median(recording.light.se)) == pytest.approx(0.02 / 3, rel=0.2)
    assert near(recording.measurements.rise, TEN_TO_NINETY * RISE)


def test_segments_are_averaged_by_their_own_times(tmp_path: Path) -> None:
    path, rng = tmp_path / "segments.csv", np.random.default_rng(4)
    parts = []
    for late in (0.0, 0.3 * STEP, -0.4 * STEP):
        parts.append(rows(T + late, light(T + late) + rng.normal(0, 0.01, T.size)))
    path.write_text("Segments,3,SegmentSize,1600\nTime,Ampl\n" + "".join(parts))
    recording = load(path, Choices(unit="V"))
    assert recording.light.pulses == 3
    assert near(recording.measurements.rise, TEN_TO_NINETY * RISE)


def test_what_falls_between_two_samples_is_at_most_so_long(tmp_path: Path) -> None:
    path = tmp_path / "fast.csv"
    t = 1e-6 * np.arange(400)
    y = np.where((t > 1e-4) & (t < 3e-4), 1.0, 0.0) + np.random.default_rng(5).normal(0, 1e-3, 400)
    path.write_text("time (s),light (V)\n" + rows(t, y))
    m = load(path).measurements
    for q in (m.rise, m.fall):
        assert np.isnan(q.value)
        assert q.most in (pytest.approx(1e-6), pytest.approx(2e-6))
        assert Flag.UPPER_BOUND in q.flags


def test_uneven_samples_keep_their_precision(tmp_path: Path) -> None:
    path, rng = tmp_path / "uneven.csv", np.random.default_rng(6)
    t = np.sort(rng.choice(T, 900, replace=False))
    path.write_text("time (s),light (V)\n" + rows(t, light(t) + rng.normal(0, 4e-3, t.size)))
    recording = load(path)
    assert near(recording.measurements.rise, TEN_TO_NINETY * RISE)
    assert any("not evenly spaced" in line for line in recording.metadata["understood"])
    plain = recording.measurements.amplitude_se  # of 900 samples, not of as many as the grid has
    assert plain > 0.8 * 4e-3 * np.sqrt(STEP * 1600 / 900 / (0.1 * WIDTH))


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".csv"])
def test_it_is_exported_and_measured_again(suffix: str, tmp_path: Path) -> None:
    path, out = tmp_path / "siglent.csv", tmp_path / f"out{suffix}"
    path.write_bytes(FILES[path.name])
    assert main(["export", str(path), "-o", str(out)]) == 0
    before, after = load(path), load_own(out)
    assert after.measurements.rise.value == pytest.approx(before.measurements.rise.value, rel=1e-6)
    assert after.measurements.onset.flags == before.measurements.onset.flags
    assert after.metadata["file_says"]["Model Number"] == "SDS9"


def test_several_files_make_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["siglent.csv", "rohde.csv"]
    for name in names:
        (tmp_path / name).write_bytes(FILES[name])
    paths = [str(tmp_path / name) for name in names]
    assert main(["measure", *paths]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:]] == names
    assert main(["measure", *paths, str(tmp_path / "none.csv"), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)["files"]
    assert [("error" in each) for each in said] == [False, False, True]
    assert said[0]["understood"]


@pytest.mark.parametrize("suffix", ["png", "svg", "html"])
def test_it_is_drawn(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, picture = tmp_path / "rohde.csv", tmp_path / f"a.{suffix}"
    path.write_bytes(FILES[path.name])
    assert main(["measure", str(path), "--plot", str(picture)]) == 0
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!DOCTYPE html>"}
    content = picture.read_bytes()
    assert content.startswith(begins[suffix])
    assert suffix != "html" or (b"<svg" in content and b"Rise (10 to 90 %)" in content)


def test_a_csv_in_another_encoding_is_no_damaged_recording(tmp_path: Path) -> None:
    for name in ("latin.txt", "wide.csv"):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(FILES[name])
        assert main(["export", str(path), "-o", str(tmp_path / "a.h5")]) == 0
