"""Photon counting, and random settings, on the Verilog in Icarus."""

from pathlib import Path

from . import tb_counting, tb_random
from .icarus import run


def test_counting(tmp_path: Path) -> None:
    assert run("tb_counting", tb_counting.DEPTH, tmp_path, counting=True) == (25, 0)


def test_random_settings(tmp_path: Path) -> None:
    assert run("tb_random", tb_random.DEPTH, tmp_path) == (tb_random.CASES + 2, 0)
