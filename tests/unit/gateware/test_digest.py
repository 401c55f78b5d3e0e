"""A digest of sources changes with every file that can matter, however deep it lies, and with no other."""

from pathlib import Path

import pytest

from trelscope.gateware.digest import tree_digest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with sources in a folder of their own, one of them behind a link."""
    (tmp_path / "real" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "real" / "deep" / "er" / "harness.h").write_text("int a;")
    (tmp_path / "linked").symlink_to("real")
    return tmp_path / "linked"


@pytest.mark.parametrize("name", ["deep/er/harness.h", "deep/presets.toml", "new.py"])
def test_every_source_counts(tree: Path, name: str) -> None:
    before = tree_digest(tree)
    (tree / name).write_text("int b;")
    assert tree_digest(tree) != before


def test_a_name_counts(tree: Path) -> None:
    before = tree_digest(tree)
    (tree / "deep" / "er" / "harness.h").rename(tree / "deep" / "er" / "other.h")
    assert tree_digest(tree) != before


def test_what_python_caches_does_not(tree: Path) -> None:
    before = tree_digest(tree)
    (tree / "deep" / "__pycache__").mkdir()
    (tree / "deep" / "__pycache__" / "x.pyc").write_bytes(b"0")
    assert tree_digest(tree) == before
