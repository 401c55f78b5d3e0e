"""Binary files, written here as their formats say, and read by the readers that others keep."""

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import io as scipy_io

from tests.host.foreign.instruments import DRIVE, LIGHT, RISE, START, STEP, TEN_TO_NINETY, T
from trelscope.host.files.failures import FileError
from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.load import load, read
from trelscope.host.measure.quantities import Quantity

CODES = np.rint(LIGHT / 4e-5).astype(np.int16)


def near(q: Quantity, value: float) -> bool:
    return abs(q.value - value) < 4 * q.se < 0.2 * value


def lecroy(path: Path, segments: int) -> None:
    """WAVEDESC of 346 bytes, little endian, 16 bits a sample."""
    head = bytearray(346)
    head[:8] = b"WAVEDESC"
    head[16:28] = b"LECROY_2_3\0\0"
    for offset, form, value in (
        (32, "h", 1),
        (34, "h", 1),
        (36, "i", 346),
        (60, "i", 2 * CODES.size * segments),
        (116, "i", CODES.size * segments),
        (144, "i", segments),
        (156, "f", 4e-5),
        (160, "f", 0.0),
        (176, "f", STEP),
        (180, "d", START),
    ):
        struct.pack_into("<" + form, head, offset, value)
    head[76:84] = b"LECROYXY"
    struct.pack_into("<dBBBBh", head, 296, 1.5, 2, 3, 4, 5, 2026)
    path.write_bytes(bytes(head) + np.tile(CODES, segments).astype("<i2").tobytes())


@pytest.mark.parametrize("segments", [1, 3])
def test_lecroy(segments: int, tmp_path: Path) -> None:
    pytest.importorskip("lecroyparser")
    path = tmp_path / "a.trc"
    lecroy(path, segments)
    found = read(path)
    assert found.t is not None
    assert found.t[: T.size] == pytest.approx(T, abs=1e-3 * STEP)
    assert len(found.breaks) == segments - 1
    assert load(path).light.y == pytest.approx(4e-5 * CODES, rel=1e-5)


def test_tektronix(tmp_path: Path) -> None:
    pytest.importorskip("RigolWFM")
    path = tmp_path / "a.isf"
    said = (
        ":WFMPRE:BYT_NR 2;BIT_NR 16;ENCDG BIN;BN_FMT RI;BYT_OR MSB;NR_PT 1600;"
        f'WFID "Ch1, DC coupling";PT_FMT Y;XINCR {STEP:.6E};PT_OFF 0;XZERO {START:.6E};XUNIT "s";'
        'YMULT 4.0E-5;YZERO 0.0;YOFF 0.0;YUNIT "V";:CURVE #43200'
    )
    path.write_bytes(said.encode() + CODES.astype(">i2").tobytes())
    found = read(path)
    assert found.t == pytest.approx(T, abs=1e-3 * STEP)
    assert found.channels[0].values == pytest.approx(4e-5 * CODES, abs=1e-6)
    assert near(load(path).measurements.rise, TEN_TO_NINETY * RISE)


def test_picoquant(tmp_path: Path) -> None:
    ptufile = pytest.importorskip("ptufile")
    path = tmp_path / "a.ptu"
    counts = np.random.default_rng(1).poisson(30 * np.exp(-np.arange(100) / 20)).astype(np.uint16)
    ptufile.imwrite(path, counts.reshape(1, 1, 1, 1, 100), 50e-9, 100e-12, record_type=None)
    recording = load(path)
    assert recording.settings.counting
    assert recording.settings.bin == pytest.approx(100e-12)
    seen = np.rint(recording.light.y * recording.settings.bin * recording.light.pulses)
    assert np.array_equal(seen, counts[: seen.size])
    assert not counts[seen.size :].any()
    assert recording.metadata["excitations"] > counts.sum() / 2


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("axis", ["time", "dt"])
def test_matlab(version: str, axis: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    times = {"t_ns": T * 1e9} if axis == "time" else {"dt": STEP, "tstart": START}
    values = {**times, "light_mV": LIGHT * 1e3, "drive_V": DRIVE, "note": 7.0}
    if version == "5":
        scipy_io.savemat(path, values)
    else:
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, value in values.items():
                file[name] = np.atleast_2d(value)
        with path.open("r+b") as head:
            head.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    recording = load(path)
    assert near(recording.measurements.response, RISE * np.log(10))
    assert recording.settings.light_unit == "V"
    assert recording.settings.volts == pytest.approx(5, rel=0.01)


def test_matlab_without_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy_io.savemat(path, {"light": LIGHT})
    with pytest.raises(FileError, match="no number dt"):
        load(path)
    scipy_io.savemat(path, {"time": T, "a": LIGHT, "b": LIGHT})
    with pytest.raises(FileError, match="no channel 'x'; --light can be a, b"):
        load(path, Choices(light="x"))
