"""Runs `tb_counting` and `tb_random` on the instrument's Verilog in Icarus."""

from pathlib import Path

from trelscope.gateware.instrument import Instrument

from . import tb_counting, tb_random
from .icarus import run


def test_counting(tmp_path: Path) -> None:
    assert run("tb_counting", Instrument(tb_counting.DEPTH, counting=True), tmp_path) == (26, 0)


def test_random_settings(tmp_path: Path) -> None:
    assert run("tb_random", Instrument(tb_random.DEPTH), tmp_path) == (tb_random.CASES + 2, 0)
