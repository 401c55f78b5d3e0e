"""The instrument's Verilog in Icarus, closed through the device-response model by `tb_instrument`."""

from pathlib import Path

from trelscope.gateware.instrument import Instrument

from .icarus import run
from .tb_instrument import DEPTH

TESTS = 13


def test_instrument_verilog(tmp_path: Path) -> None:
    assert run("tb_instrument", Instrument(DEPTH), tmp_path) == (TESTS, 0)
