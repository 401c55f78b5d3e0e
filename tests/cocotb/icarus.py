"""Instrument -> Verilog -> Icarus -> cocotb."""

import re
from pathlib import Path

from amaranth.back import verilog
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from gateware.instrument import Instrument

ROOT = Path(__file__).parents[2]
TIMESCALE = ("1ns", "1ps")
CONSTANT_BITS = re.compile(r"always @\*(\s+\S+ = \d+'[bdh][0-9a-f]+;)")
"""Yosys' assignment to those bits of a signal that never change. It waits for an event that never comes: in Icarus,
as in the Verilog standard, these bits would stay X. A synthesiser takes it as it is meant."""


def run(module: str, depth: int, folder: Path, counting: bool = False) -> tuple[int, int]:
    """Run `tests.cocotb.<module>` on an instrument with `depth` bins: how many tests there were, how many failed."""
    instrument = Instrument(depth=depth, counting=counting)
    text = verilog.convert(instrument, name="instrument", strip_internal_attrs=True)
    source = folder / "instrument.v"
    source.write_text(CONSTANT_BITS.sub(r"initial\1", text))
    runner = get_runner("icarus")
    # The runner's own -g2012 would leave the blocks without inputs at X: Amaranth writes Verilog-2005.
    runner.build(
        sources=[source],
        hdl_toplevel="instrument",
        build_dir=folder,
        build_args=["-g2005"],
        timescale=TIMESCALE,
    )
    results = runner.test(
        hdl_toplevel="instrument",
        test_module=f"tests.cocotb.{module}",
        build_dir=folder,
        test_dir=folder,
        timescale=TIMESCALE,
        extra_env={"PYTHONPATH": str(ROOT), "COCOTB_ANSI_OUTPUT": "0"},
        results_xml=str(folder / "results.xml"),
    )
    return get_results(results)
