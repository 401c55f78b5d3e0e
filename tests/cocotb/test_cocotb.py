"""The instrument's Verilog in Icarus, driven by `tb_instrument`."""

import re
import shutil
from pathlib import Path

import pytest
from amaranth.back import verilog
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from gateware.instrument import Instrument

from .tb_instrument import DEPTH

TESTS = 13
ROOT = Path(__file__).parents[2]
CONSTANT_BITS = re.compile(r"always @\*(\s+\S+ = \d+'[bdh][0-9a-f]+;)")
"""Yosys' assignment to those bits of a signal that never change. It waits for an event that never comes: in Icarus,
as in the Verilog standard, these bits would stay X. A synthesiser takes it as it is meant."""


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)")
def test_instrument_verilog(tmp_path):
    source = tmp_path / "instrument.v"
    instrument = Instrument(depth=DEPTH, fast_forward=False)
    text = verilog.convert(instrument, name="instrument", strip_internal_attrs=True)
    source.write_text(CONSTANT_BITS.sub(r"initial\1", text))
    runner = get_runner("icarus")
    timescale = ("1ns", "1ps")
    # The runner's own -g2012 would leave the blocks without inputs at X: Amaranth writes Verilog-2005.
    runner.build(
        sources=[source],
        hdl_toplevel="instrument",
        build_dir=tmp_path,
        build_args=["-g2005"],
        timescale=timescale,
    )
    results = runner.test(
        hdl_toplevel="instrument",
        test_module="tests.cocotb.tb_instrument",
        build_dir=tmp_path,
        test_dir=tmp_path,
        timescale=timescale,
        extra_env={"PYTHONPATH": str(ROOT), "COCOTB_ANSI_OUTPUT": "0"},
        results_xml=str(tmp_path / "results.xml"),
    )
    assert get_results(results) == (TESTS, 0)
