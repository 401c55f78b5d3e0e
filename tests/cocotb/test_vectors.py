"""The timing cases of tests/vectors on the Verilog, in Icarus."""

from pathlib import Path

from gateware.instrument import Instrument
from tests import timing

from .icarus import run


def test_in_verilog(tmp_path: Path) -> None:
    assert run("tb_vectors", Instrument(timing.ENGINE_DEPTH), tmp_path) == (len(timing.load()), 0)
