"""Every writer and every fault of a disk: one line, the old file as it was, and nothing left beside it."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtWidgets import QApplication, QGraphicsView

from tests.host.recordings import a_recording
from trelscope.host import atomic
from trelscope.host.acquisition.sweep import Axis, Point, Sweep
from trelscope.host.app.plots.picture import write_picture
from trelscope.host.calibration import saved
from trelscope.host.calibration.level import Level
from trelscope.host.errors import UserError
from trelscope.host.files import recordings, sweeps, user_presets
from trelscope.host.files.recordings import load
from trelscope.host.planning import CaptureRequest
from trelscope.host.report.png import write_png

ROOT = Path(__file__).parents[2]
Write = Callable[[Path], None]
RECORDING, LARGE = a_recording(), a_recording(1400)
LIMIT = 16384  # bytes: less than the larger one takes in any format
FAULTS = ["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EACCES"]
STEPS = ["mkstemp", "write", "fsync", "chmod", "replace"]


def a_sweep(path: Path) -> None:
    plan = Sweep(Axis.VOLTS, (5.0,), "emulator:hr-1mm2", CaptureRequest(), 0)
    sweeps.save(path, plan, [Point(0, 5.0, "emulator:hr-1mm2", 0, RECORDING)])


def a_picture(path: Path) -> None:
    _ = QApplication.instance() or QApplication(["trelscope", "-platform", "offscreen"])
    write_picture(path, QGraphicsView(), "a caption")


def a_preset(path: Path) -> None:
    user_presets.save("mine", "hr-1mm2", {"area": "2"})


def a_calibration(path: Path) -> None:
    saved.store("serial", Level(1.01, 0.0))


WRITERS: dict[str, Write] = {
    "a.h5": lambda path: recordings.save(path, RECORDING),
    "a.npz": lambda path: recordings.save(path, RECORDING),
    "a.csv": lambda path: recordings.save(path, RECORDING),
    "sweep.h5": a_sweep,
    "sweep.csv": a_sweep,
    "capture.png": lambda path: write_png(RECORDING, path),
    "view.png": a_picture,
    "view.svg": a_picture,
    "view.pdf": a_picture,
    "presets.toml": a_preset,
    "serial.json": a_calibration,
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for whatever is written."""
    monkeypatch.setattr("trelscope.sim.presets.userfile.path", lambda: tmp_path / "presets.toml")
    monkeypatch.setattr(saved, "path_of", lambda serial: tmp_path / f"{serial}.json")
    return tmp_path


class Failing:
    """A file that takes nothing."""

    def __init__(self, number: int, error: OSError) -> None:
        self._number, self._error = number, error

    def __enter__(self) -> "Failing":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._number)

    def write(self, content: bytes) -> None:
        """Fail."""
        raise self._error


def inject(monkeypatch: pytest.MonkeyPatch, step: str, error: OSError) -> None:
    """Have this step of every write fail."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    if step == "mkstemp":
        monkeypatch.setattr(atomic.tempfile, "mkstemp", fail)
    elif step == "write":
        monkeypatch.setattr(atomic, "open", lambda n, _: Failing(n, error), raising=False)
    else:
        monkeypatch.setattr(os, step, fail)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_fault_costs_nothing_but_the_new_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    path = place / name
    WRITERS[name](path)
    before = path.read_bytes()
    code = getattr(errno, fault)
    for step in STEPS:
        with monkeypatch.context() as patch:
            inject(patch, step, OSError(code, os.strerror(code)))
            with pytest.raises(UserError) as refused:
                WRITERS[name](path)
        assert os.strerror(code) in str(refused.value)
        assert name in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
        assert path.read_bytes() == before
        assert list(place.iterdir()) == [path]


OTHERS: dict[str, Write] = {
    "a.h5": lambda path: recordings.save(path, LARGE),
    "a.npz": lambda path: recordings.save(path, LARGE),
    "a.csv": lambda path: recordings.save(path, LARGE),
    "presets.toml": lambda path: user_presets.save("other", "hr-1mm2", {"area": "3"}),
    "serial.json": lambda path: saved.store("serial", Level(1.02, 0.0)),
}
"""What each writes in the place of what `WRITERS` have written. Not pictures: Qt does not outlive a fork."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", OTHERS)
def test_killed_anywhere_the_old_file_is_whole(place: Path, name: str, step: str) -> None:
    path = place / name
    WRITERS[name](path)
    before = path.read_bytes()
    child = os.fork()
    if not child:
        die = pytest.MonkeyPatch()
        where: Any = {"mkstemp": atomic.tempfile, "write": atomic}.get(step, os)
        die.setattr(
            where, "open" if step == "write" else step, lambda *_: os._exit(9), raising=False
        )
        OTHERS[name](path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert path.read_bytes() == before
    OTHERS[name](path)  # and what has been left does not stand in its way
    assert path.read_bytes() != before


def limited(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The command where no file may grow beyond LIMIT: the kernel says EFBIG, and libraries meet it unprepared."""
    return subprocess.run(
        [sys.executable, "-m", "trelscope.host.cli", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".csv"])
def test_an_export_that_does_not_fit_is_one_line(tmp_path: Path, suffix: str) -> None:
    recordings.save(tmp_path / "good.h5", LARGE)
    done = limited(["export", "good.h5", "-o", f"y{suffix}"], tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"trelscope: y{suffix}: cannot be written (File too large); make room, or choose another place\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["good.h5"]


def test_a_small_file_system_that_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        recordings.save(disk / "old.h5", RECORDING)
        with (disk / "filler").open("wb", 0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(4096))
        with pytest.raises(UserError, match="No space left"):
            recordings.save(disk / "old.h5", LARGE)
        load(disk / "old.h5")
        assert {path.name for path in disk.iterdir()} == {"old.h5", "filler"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_standard_output_costs_only_what_is_printed(tmp_path: Path) -> None:
    recordings.save(tmp_path / "good.h5", RECORDING)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trelscope.host.cli", "measure", "good.h5"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "trelscope: the results cannot be printed: No space left on device\n"
