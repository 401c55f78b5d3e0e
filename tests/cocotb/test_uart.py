"""Runs `tb_uart` in Icarus: instrument and UART with a model of the host's UART."""

from pathlib import Path

from .icarus import run
from .tb_uart import Serial

TESTS = 3


def test_uart(tmp_path: Path) -> None:
    assert run("tb_uart", Serial(), tmp_path) == (TESTS, 0)
