"""Recordings: read back as they were written, and refused in one line where they cannot be."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.host.recordings import a_recording
from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.recording import Recording
from trelscope.host.files import formats
from trelscope.host.files.columns import Column
from trelscope.host.files.failures import FileError
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
    values, about = formats.read(path)
    columns = {name: Column(value) for name, value in values.items()}
    formats.write(path, columns, about | {"version": 3})


def changed(path: Path) -> None:
    save(path, a_recording())
    with h5py.File(path, "a") as file:
        about = json.loads(file.attrs["about"])
        about["settings"]["volts"] = "five"
        file.attrs["about"] = json.dumps(about)


def elsewhere(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["time"] = np.arange(3.0)


def crafted(path: Path, time: Callable[[h5py.File], None]) -> None:
    save(path, a_recording())
    with h5py.File(path, "a") as file:
        del file["time"]
        time(file)


def declares_tebibytes(path: Path) -> None:
    crafted(path, lambda file: file.create_dataset("time", (10**12,), "f8", chunks=(1024,)))


def leads_elsewhere(path: Path) -> None:
    save(path.with_name("other.h5"), a_recording())

    def link(file: h5py.File) -> None:
        file["time"] = h5py.ExternalLink("other.h5", "time")

    crafted(path, link)


def reads_another_file(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_bytes(bytes(2400))
    raw = [(str(secret), 0, 2400)]
    crafted(path, lambda file: file.create_dataset("time", (300,), "f8", external=raw))


def zipped(path: Path, header: bytes, megabytes: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("time.npy", header + bytes(megabytes << 20))


def declares_tebibytes_in_numpy(path: Path) -> None:
    shape = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, shape)
    zipped(path, header.getvalue(), 0)


def unpacks_to_gigabytes(path: Path) -> None:
    shape = {"descr": "<U70000000", "fortran_order": False, "shape": ()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, shape)
    zipped(path, header.getvalue(), 1)


def many_large_columns(path: Path) -> None:
    """Each as large as a column may be: gigabytes together, in a file of kilobytes."""

    def columns(file: h5py.File) -> None:
        for n in range(200):
            file.create_dataset(f"c{n}", (1 << 24,), "f8", chunks=(1 << 20,), compression="gzip")

    crafted(path, columns)


def many_large_arrays(path: Path) -> None:
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (1 << 23,)}
    np.lib.format.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for n in range(3):
            archive.writestr(f"c{n}.npy", header.getvalue() + bytes(64 << 20))


def wide(path: Path) -> None:
    crafted(path, lambda file: file.create_dataset("time", (1 << 20,), "V100000", chunks=(1,)))


def nested(path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    path.write_text(f'# {{"a": {deep}}}\n# time\n1\n')


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("none.h5", lambda path: None, "no such file"),
        ("dir.h5", Path.mkdir, "cannot be read"),
        ("kind.txt", Path.touch, "unknown kind of file"),
        ("image.h5", lambda path: path.write_bytes(b"\x89PNG" * 9), "not written by trelscope"),
        ("scope.csv", lambda path: path.write_text("Time,CH1\n0,1\n"), "not written by trelscope"),
        ("array.npz", lambda path: np.savez(path, a=np.arange(3)), "not written by trelscope"),
        (
            "pickle.npz",
            lambda path: np.savez(path, about=np.array([{}])),
            "not written by trelscope",
        ),
        ("other.h5", elsewhere, "not written by trelscope"),
        ("newer.h5", newer, "update trelscope"),
        ("changed.h5", changed, "damaged"),
        ("huge.h5", declares_tebibytes, "not written by trelscope"),
        ("huge.npz", declares_tebibytes_in_numpy, "not written by trelscope"),
        ("bomb.npz", unpacks_to_gigabytes, "not written by trelscope"),
        ("many.h5", many_large_columns, "not written by trelscope"),
        ("many.npz", many_large_arrays, "not written by trelscope"),
        ("wide.h5", wide, "not written by trelscope"),
        ("link.h5", leads_elsewhere, "not written by trelscope"),
        ("raw.h5", reads_another_file, "not written by trelscope"),
        ("nested.csv", nested, "damaged"),
        ("pipe.csv", os.mkfifo, "not a file"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, name: str, make, says: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / name)
    with pytest.raises(FileError, match=says) as refused:
        load(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def version_1(path: Path, recording: Recording) -> None:
    """As version 0.1.0 of the program wrote it."""
    light, drive = recording.light, recording.drive
    about: dict[str, object] = {"format": "trelscope recording", "version": 1, **recording.about()}
    del about["incomplete"]
    names = ("time", "light", "light_se", "drive", "drive_se")
    columns = dict(zip(names, (light.t, light.y, light.se, drive.y, drive.se), strict=True))
    text = json.dumps(about)
    if path.suffix == ".csv":
        header = f"{text}\ntime (s),light (V),light_se (V),drive (V),drive_se (V)"
        np.savetxt(path, np.stack(list(columns.values()), 1), "%.9g", ",", header=header)
    elif path.suffix == ".npz":
        np.savez_compressed(path, about=np.array(text), **columns)
    else:
        with h5py.File(path, "w") as file:
            file.attrs["about"] = text
            for name, values in columns.items():
                file.create_dataset(name, data=values, compression="gzip").attrs["unit"] = "V"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_version_1_is_still_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    version_1(path, a_recording())
    assert same(load(path), a_recording(), rel=6e-9 if suffix == ".csv" else 0.0)


def test_the_checksum_can_be_left_out_of_version_1_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save(path, a_recording())
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays.pop("about")))
    del about["checksum"]
    np.savez(path, about=np.array(json.dumps(about)), **arrays)
    with pytest.raises(FileError, match="damaged"):
        load(path)


def test_a_recording_of_several_windows_is_for_a_newer_program(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save(path, a_recording())
    values, about = formats.read(path)
    about["segments"] *= 2
    formats.write(path, {name: Column(value) for name, value in values.items()}, about)
    with pytest.raises(FileError, match="has 2 windows, this program reads one"):
        load(path)


def test_what_a_newer_program_knows_beside_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    told = replace(a_recording(), metadata={"operator": "Ada", "notes": "µ"}, incomplete="why")
    save(path, told)
    save(tmp_path / "y.csv", load(path))
    again = load(tmp_path / "y.csv")
    assert again.metadata == told.metadata
    assert again.incomplete == "why"
    assert again.about()["incomplete"] == "why"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A recording in every format."""
    folder = tmp_path_factory.mktemp("whole")
    for suffix in SUFFIXES:
        save(folder / f"x{suffix}", a_recording())
    return {suffix: folder / f"x{suffix}" for suffix in SUFFIXES}


@how(max_examples=300, deadline=None)
@given(st.sampled_from(SUFFIXES), st.integers(0), st.integers(0, 7))
def test_a_flipped_bit_changes_no_number(
    whole: dict[str, Path], suffix: str, at: int, bit: int
) -> None:
    data = bytearray(whole[suffix].read_bytes())
    data[at % len(data)] ^= 1 << bit
    path = whole[suffix].with_name(f"flipped{suffix}")
    path.write_bytes(data)
    with suppress(FileError):
        assert same(load(path), load(whole[suffix]))


def semicolons(text: str) -> str:
    """As a spreadsheet in a language with decimal commas does it."""
    names, about, body = text.split("\n", 2)
    body = body.replace(",", ";").replace(".", ",")
    return "\n".join([names.replace(",", ";"), about, body])


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"# good device, 3rd try\n{text}",
        lambda text: text.replace("\n", "\n# good device\n", 2),
        lambda text: text + "# end\n",
        semicolons,
        lambda text: "\ufeff" + semicolons(text).replace("\n", "\r\n"),
    ],
)
def test_a_table_that_went_through_an_editor_is_read(
    whole: dict[str, Path], tmp_path: Path, edit: Callable[[str], str]
) -> None:
    path = tmp_path / "edited.csv"
    path.write_bytes(edit(whole[".csv"].read_text()).encode())
    assert same(load(path), load(whole[".csv"]))


@pytest.mark.parametrize("name", ["X.H5", "x.hdf5", "X.Npz", "x.CSV"])
def test_a_name_in_capitals_or_in_full_will_do(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, a_recording())
    assert load(tmp_path / name).settings == a_recording().settings


HOLD = """
import sys, h5py
file = h5py.File(sys.argv[1], sys.argv[2])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("mode", "says"), [("r", ""), ("a", ""), ("w", "open for writing")])
def test_what_another_program_has_open_is_read_or_that_is_said(
    whole: dict[str, Path], tmp_path: Path, mode: str, says: str
) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(whole[".h5"].read_bytes())
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    other.stdout.readline()
    try:
        if says:
            with pytest.raises(FileError, match=says):
                load(path)
        else:
            assert same(load(path), a_recording())
    finally:
        other.communicate()


def test_nothing_is_left_behind_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "x.h5").mkdir()
    with pytest.raises(FileError, match="is a directory"):
        save(tmp_path / "x.h5", a_recording())
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]


METADATA = {
    "when": "2026-05-04T10:11:12+00:00",
    "program": "trelscope 0.1.0",
    "gateware": "0123abcd",
    "sample": "S1 µ\x00\ud800",
    "decay": {"model": 1},
    "": "nameless",
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_known_beside_stays_and_is_part_of_the_checksum(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    save(path, replace(a_recording(), metadata=METADATA))
    assert load(path).metadata == METADATA
    values, about = formats.read(path)
    about["metadata"]["sample"] = "another"
    kind = formats.FORMATS[suffix]
    path.write_bytes(kind.encode({n: Column(v) for n, v in values.items()}, json.dumps(about)))
    with pytest.raises(FileError, match="damaged"):
        load(path)


def test_hdf5_is_laid_out_as_netcdf(tmp_path: Path) -> None:
    """What xarray and Panoply look for: a dimension scale, units, and attributes of the file."""
    path = tmp_path / "x.h5"
    save(path, replace(a_recording(), metadata=METADATA))
    with h5py.File(path) as file:
        assert file["time"].is_scale
        for name in ("light", "light_se", "drive", "drive_se"):
            assert file[name].dims[0][0] == file["time"]
            assert file[name].attrs["units"] == "V"
        assert file["time"].attrs["units"] == "s"
        assert file.attrs["sample"] == "S1 µ??"
        assert file.attrs["when"] == METADATA["when"]


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_hdf5_opens_with_labels(engine: Literal["h5netcdf", "netcdf4"], tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    path = tmp_path / "x.h5"
    recording = replace(a_recording(), metadata=METADATA)
    save(path, recording)
    with xarray.open_dataset(path, engine=engine) as found:
        assert list(found.coords) == ["time"]
        assert found.light.dims == ("time",)
        assert found.light.attrs["units"] == "V"
        assert found.light_se.attrs["long_name"] == "Standard error of the light"
        assert found.attrs["when"] == METADATA["when"]
        chosen = found.light.sel(time=slice(0, 1e-6))
        assert chosen.size == np.count_nonzero(
            (recording.light.t >= 0) & (recording.light.t <= 1e-6)
        )
        assert np.array_equal(found.drive, recording.drive.y)


def test_csv_begins_with_bare_names(tmp_path: Path) -> None:
    """As NumPy wants them, and spreadsheets, which take the first line for the heads of the columns."""
    path = tmp_path / "x.csv"
    save(path, a_recording())
    found = np.genfromtxt(path, delimiter=",", names=True)
    assert found["light"] == pytest.approx(a_recording().light.y, rel=1e-8)
    assert path.read_text().startswith("time,light,light_se,drive,drive_se\n#")
    assert "# time in s, light in V" in path.read_text()


def test_a_version_2_with_names_in_a_comment_is_read(tmp_path: Path) -> None:
    """As the first were written."""
    path = tmp_path / "x.csv"
    save(path, a_recording())
    names, about, _, rows = path.read_text().split("\n", 3)
    heads = ",".join(f"{name} (V)" for name in names.split(","))
    path.write_text(f"{about}\n# {heads}\n{rows}")
    assert same(load(path), a_recording(), rel=6e-9)


def test_a_version_2_without_scales_is_read(tmp_path: Path) -> None:
    """As the first were written: flat datasets, and nothing under metadata."""
    path = tmp_path / "x.h5"
    save(path, a_recording())
    with h5py.File(path) as file:
        columns = {name: file[name][()] for name in file}
        about = file.attrs["about"]
    with h5py.File(path, "w") as file:
        file.attrs["about"] = about
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip")
    assert same(load(path), a_recording())
    assert load(path).metadata == {}
