"""A file is written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from trelscope.host import atomic


def test_what_is_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)  # longer than any name made of it could be
    atomic.write(target, b"first")
    atomic.write(target, "zwölf")
    assert target.read_text(encoding="utf-8") == "zwölf"
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_are_those_of_any_new_file_and_stay(tmp_path: Path) -> None:
    target, usual = tmp_path / "x", tmp_path / "usual"
    usual.touch()
    atomic.write(target, b"")
    assert target.stat().st_mode == usual.stat().st_mode
    target.chmod(0o640)
    atomic.write(target, b"")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    atomic.write(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"content"


def test_two_writers_of_one_file_do_not_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, real = tmp_path / "x", os.fsync

    def meanwhile(number: int) -> None:
        monkeypatch.setattr(os, "fsync", real)
        atomic.write(target, b"second" * 1000)
        assert target.read_bytes() == b"second" * 1000

    monkeypatch.setattr(os, "fsync", meanwhile)
    atomic.write(target, b"first")
    assert target.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failure_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        atomic.write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
