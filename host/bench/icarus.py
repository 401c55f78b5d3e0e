"""The gateware's Verilog in Icarus, driven by cocotb: a process of its own, told over a socket what to do."""

import importlib.util
import shutil
import socket
import struct
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from trelscope.host.bench.rows import BenchError
from trelscope.host.bench.verilog import verilog
from trelscope.host.bench.workload import FRAME

ROOT = Path(__file__).parents[3]
"""Where `import trelscope` finds this program, for processes of their own."""
PATIENCE = 60.0  # s: for the simulator to start, and for any one block
TIMESCALE = ("1ns", "1ps")
REQUEST = struct.Struct("<Q")
ANSWER = struct.Struct("<dQ")


def missing_tool() -> str | None:
    """What is not installed, and how to get it; None if all is there."""
    if shutil.which("iverilog") is None:
        return "Icarus is not installed: apt install iverilog"
    if importlib.util.find_spec("cocotb") is None:
        return "cocotb is not installed: pip install cocotb"
    return None


class Icarus:
    """An `Engine` in another process, which inherits the core of the caller."""

    key, name = "icarus", "cocotb + Icarus"
    block = FRAME

    def __init__(self, folder: Path) -> None:
        """Compile and start in `folder`. Raises BenchError."""
        runner = _built(folder)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self._process = threading.Thread(
                target=_simulate, args=(runner, folder, port), daemon=True
            )
            self._process.start()
            server.settimeout(PATIENCE)
            try:
                connection, _ = server.accept()
            except TimeoutError:
                raise BenchError(f"the simulator does not start: see {_log(folder)}") from None
        connection.settimeout(PATIENCE)
        self._connection, self._log = connection, _log(folder)
        self._file = connection.makefile("rwb")

    def watch(self, cycles: int) -> NDArray[np.uint32]:
        """Run so many further cycles; what each showed. Raises BenchError."""
        return self._ask(cycles)[0]

    def run(self, cycles: int) -> float:
        """Run so many further cycles; the seconds it took of its core. Raises BenchError."""
        return self._ask(cycles)[1]

    def _ask(self, cycles: int) -> tuple[NDArray[np.uint32], float]:
        try:
            self._file.write(REQUEST.pack(cycles))
            self._file.flush()
            seconds, size = ANSWER.unpack(self._file.read(ANSWER.size))
            return np.frombuffer(self._file.read(size), np.uint32), seconds
        except (OSError, struct.error):
            raise BenchError(f"the simulator has stopped: see {self._log}") from None

    def close(self) -> None:
        """End the simulation."""
        self._file.close()
        self._connection.close()
        self._process.join(PATIENCE)


def _built(folder: Path) -> ModuleType:
    from cocotb_tools.runner import get_runner  # only where it is installed

    from trelscope.host.bench.pins import Pins

    source = folder / "pins.v"
    source.write_text(verilog(Pins(), "pins"))
    runner = get_runner("icarus")
    runner.build(
        sources=[source],
        hdl_toplevel="pins",
        build_dir=folder,
        build_args=["-g2005"],  # the runner's -g2012 would leave blocks without inputs at X
        timescale=TIMESCALE,
        log_file=_log(folder),
    )
    return runner  # type: ignore[return-value]


def _simulate(runner: ModuleType, folder: Path, port: int) -> None:
    environment = {"BENCH_PORT": str(port), "PYTHONPATH": str(ROOT), "COCOTB_ANSI_OUTPUT": "0"}
    runner.test(
        hdl_toplevel="pins",
        test_module="trelscope.host.bench.tb_pins",
        build_dir=folder,
        test_dir=folder,
        timescale=TIMESCALE,
        extra_env=environment,
        results_xml=str(folder / "results.xml"),
        log_file=_log(folder),
    )


def _log(folder: Path) -> Path:
    return folder / "simulator.log"
