"""Runs `tb_instrument` in Icarus: the instrument's Verilog in a closed loop with the model of the device."""

from pathlib import Path

from trelscope.gateware.instrument import Instrument

from .icarus import run
from .tb_instrument import DEPTH

TESTS = 13


def test_instrument_verilog(tmp_path: Path) -> None:
    assert run("tb_instrument", Instrument(DEPTH), tmp_path) == (TESTS, 0)
