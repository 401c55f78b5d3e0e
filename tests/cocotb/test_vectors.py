"""The timing cases of tests/vectors in Icarus: on the Verilog, and on the netlist that synthesis makes of it."""

from pathlib import Path

from tests import timing
from trelscope.gateware.instrument import Instrument

from .icarus import run


def test_in_verilog(tmp_path: Path) -> None:
    assert run("tb_vectors", Instrument(timing.ENGINE_DEPTH), tmp_path) == (len(timing.load()), 0)


def test_after_synthesis(tmp_path: Path) -> None:
    instrument = Instrument(timing.ENGINE_DEPTH)
    done = run("tb_vectors", instrument, tmp_path, synthesised=True)
    assert done == (len(timing.load()), 0)
    netlist = (tmp_path / "instrument.v").read_text()
    assert netlist.count("module ") == 1, "flattened"
    assert " + " not in netlist, "gates, and no arithmetic left"
