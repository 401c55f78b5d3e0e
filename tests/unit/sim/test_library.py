"""The cached library: loaded only as it was compiled, and compiled anew where it is not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from trelscope.sim.compiler import build
from trelscope.sim.compiler.build import CompileError, library

CONTENT = bytes(range(256)) * 100


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A cache of its own, and a compiler that is quick; what it has compiled."""
    done: list[bool] = []

    def compile_quickly(scratch: Path, counting: bool, report: Callable[[str], None]) -> Path:
        done.append(counting)
        (scratch / "emulator.so").write_bytes(CONTENT)
        return scratch / "emulator.so"

    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "_build", compile_quickly)
    return done


def test_it_is_compiled_once(tmp_path: Path, compiled: list[bool]) -> None:
    path = library()
    assert path.parent == tmp_path / "cache"
    assert path.read_bytes().startswith(CONTENT)
    assert library() == path
    assert compiled == [False]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x7fELF of somebody else" * 100),
        lambda path: path.write_bytes(path.read_bytes().replace(b"\x05", b"\x07", 1)),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
)
def test_what_is_not_as_it_was_compiled_is_moved_aside(
    compiled: list[bool], spoil: Callable[[Path], object]
) -> None:
    said: list[str] = []
    path = library()
    whole = path.read_bytes()
    spoil(path)
    assert library(report=said.append) == path
    assert path.read_bytes() == whole
    assert path.with_suffix(".bad").exists()
    assert compiled == [False, False]
    assert len(said) == 1
    assert "compiled anew" in said[0]


def test_a_cache_that_cannot_be_is_one_line_and_a_way(
    tmp_path: Path, compiled: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CompileError, match="set TRELSCOPE_CACHE to another folder") as refused:
        library()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("command", ['"', "no-such-compiler", "/", "true", "false"])
def test_a_compiler_that_is_none_is_one_line_and_a_way(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", command)
    monkeypatch.setattr(build, "_rtlil", lambda counting: "")
    monkeypatch.setattr(build, "_translation", lambda rtlil, counting: "")
    with pytest.raises(CompileError, match="unset CXX to use the bundled") as refused:
        library()
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_blank_compiler_is_the_bundled_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    bundled = build.compiler()
    monkeypatch.setenv("CXX", " ")
    assert build.compiler() == bundled
