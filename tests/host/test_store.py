"""Recordings: read back as they were written, and refused in one line where they cannot be."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.host.recordings import a_recording
from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.recording import Recording
from trelscope.host.files.formats import FileError
from trelscope.host.files.recordings import load, save
from trelscope.host.measure.measure import Estimator, MeasureOptions, Top
from trelscope.host.measure.trace import Trace

SUFFIXES = [".h5", ".npz", ".csv"]
NUMBERS = st.floats(-1e9, 1e9)
OPTIONS = st.builds(
    MeasureOptions,
    top=st.none() | st.tuples(NUMBERS, NUMBERS),
    top_method=st.sampled_from(Top),
    estimator=st.sampled_from(Estimator),
)


def same(a: Recording, b: Recording, rel: float = 0.0) -> bool:
    """Whether nothing differs; traces by no more than a part of `rel`."""
    plain = ("source", "board", "front_end", "settings", "options", "accounting", "realtime_factor")
    return all(getattr(a, name) == getattr(b, name) for name in plain) and all(
        np.allclose(getattr(x, name), getattr(y, name), rel, 0.0, equal_nan=True)
        and x.pulses == y.pulses
        for x, y in ((a.light, b.light), (a.drive, b.drive))
        for name in ("t", "y", "se")
    )


@how(max_examples=25, deadline=None)
@given(
    st.sampled_from(SUFFIXES),
    st.lists(NUMBERS | st.just(np.nan), min_size=1, max_size=50),
    st.text(),
    OPTIONS,
    st.builds(Accounting, *[st.integers(0, 2**40)] * 7),
    st.none() | st.floats(0, 1e3),
    st.booleans(),
)
def test_what_is_read_is_what_was_written(
    suffix: str,
    values: list[float],
    source: str,
    options: MeasureOptions,
    accounting: Accounting,
    factor: float | None,
    counting: bool,
) -> None:
    like = a_recording(len(values))
    y = np.array(values)
    pulses = accounting.pulses_averaged
    written = replace(
        like,
        source=source,
        settings=replace(like.settings, counting=counting),
        options=options,
        light=Trace(like.light.t, y, y[::-1].copy(), pulses),
        drive=Trace(like.light.t, y + 1, y[::-1] / 3, pulses),
        accounting=accounting,
        realtime_factor=factor,
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"x{suffix}"
        save(path, written)
        assert same(load(path), written, rel=6e-9 if suffix == ".csv" else 0.0)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_recording_measures_as_before(tmp_path: Path, suffix: str) -> None:
    written = a_recording()
    path = tmp_path / f"x{suffix}"
    save(path, written)
    response, was = load(path).measurements.response, written.measurements.response
    assert was.value == pytest.approx(2.3e-6, rel=0.1)
    assert response.value == pytest.approx(was.value, rel=1e-7 if suffix == ".csv" else 0)
    assert response.flags == was.flags


def test_losses_are_flagged_when_measured_again(tmp_path: Path) -> None:
    lossy = replace(a_recording(), accounting=Accounting(70, 64, 0, 6, 1, 1, 3))
    save(tmp_path / "x.npz", lossy)
    assert {"CLIPPED", "DROPPED"} <= set(load(tmp_path / "x.npz").measurements.rise.flags)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cut_anywhere_it_is_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    save(whole, a_recording())
    data = whole.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for length in {*range(0, len(data), len(data) // 60), *range(len(data) - 12, len(data))}:
        cut.write_bytes(data[:length])
        with pytest.raises(FileError, match=r"cut.*(damaged|not written by)") as refused:
            load(cut)
        assert "\n" not in str(refused.value)


def newer(path: Path) -> None:
    save(path, a_recording())
    with h5py.File(path, "a") as file:
        file.attrs["about"] = json.dumps(json.loads(file.attrs["about"]) | {"version": 2})


def changed(path: Path) -> None:
    save(path, a_recording())
    with h5py.File(path, "a") as file:
        about = json.loads(file.attrs["about"])
        about["settings"]["volts"] = "five"
        file.attrs["about"] = json.dumps(about)


def elsewhere(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["time"] = np.arange(3.0)


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("none.h5", lambda path: None, "no such file"),
        ("dir.h5", Path.mkdir, "cannot be read"),
        ("kind.txt", Path.touch, "unknown kind of file"),
        ("image.h5", lambda path: path.write_bytes(b"\x89PNG" * 9), "not written by trelscope"),
        ("scope.csv", lambda path: path.write_text("Time,CH1\n0,1\n"), "not written by trelscope"),
        ("array.npz", lambda path: np.savez(path, a=np.arange(3)), "not written by trelscope"),
        ("pickle.npz", lambda path: np.savez(path, about=np.array([{}])), "damaged"),
        ("other.h5", elsewhere, "not written by trelscope"),
        ("newer.h5", newer, "update trelscope"),
        ("changed.h5", changed, "damaged"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, name: str, make, says: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / name)
    with pytest.raises(FileError, match=says) as refused:
        load(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nothing_is_left_behind_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "x.h5").mkdir()
    with pytest.raises(FileError, match="is a directory"):
        save(tmp_path / "x.h5", a_recording())
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]
