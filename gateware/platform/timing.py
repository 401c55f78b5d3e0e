"""What the router says of a bitstream's timing, and whether it is good enough. Reads nextpnr's report, a JSON object.

nextpnr checks every path within a clock. Paths from one clock to another it only reports, and a clock that nobody has
constrained it checks against a slow default: both are looked at here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARGIN_NS = 0.5
"""Of every crossing's budget, for what the report leaves out: the clocks' own difference in arrival."""

# What the nets of a clock end in, as they are named in the netlist.
NETS = {
    "sync": ("clk_sync", "sync_clk", "clk"),
    "early": ("clk_early", "early_clk"),
    "late": ("clk_late", "late_clk"),
    "launch": ("clk_launch", "launch_clk"),
    "board": ("board_clk", "pin.i"),
}
ASYNC = "<async>"


class ReportError(Exception):
    """The report is not what it should be; the message says how in one line."""


@dataclass(frozen=True)
class Budget:
    """Clocks (MHz) that a design must have, and the crossings (ns) it may have, by edges' domains."""

    clocks: Mapping[str, float]
    crossings: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Crossing:
    """The slowest path from one clock to another."""

    launched: str
    captured: str
    delay: float  # ns
    path: str


@dataclass(frozen=True)
class Timing:
    """A report. fmax: (achieved, constraint) MHz by clock; slowest: the path that limits it, by clock."""

    fmax: Mapping[str, tuple[float, float]]
    slowest: Mapping[str, str]
    crossings: tuple[Crossing, ...]
    utilisation: Mapping[str, tuple[int, int]]  # (used, available)

    def failures(self, budget: Budget) -> list[str]:
        """What does not close, one sentence each; none if everything does."""
        found = []
        for clock, needed in budget.clocks.items():
            if clock not in self.fmax:
                found.append(f"clock {clock} is not in the router's report")
                continue
            achieved, constraint = self.fmax[clock]
            if abs(constraint - needed) > 0.01 * needed:
                found.append(f"clock {clock} is constrained to {constraint:g} MHz, not {needed:g}")
            elif achieved < needed:
                found.append(
                    f"clock {clock} reaches {achieved:.1f} MHz of {needed:g}:"
                    f" {self.slowest.get(clock, 'unknown path')}"
                )
        for crossing in self.crossings:
            way = f"{crossing.launched} -> {crossing.captured}"
            limit = budget.crossings.get((crossing.launched, crossing.captured))
            if limit is None:
                found.append(f"crossing {way} has no budget: {crossing.path}")
            elif crossing.delay > limit - MARGIN_NS:
                found.append(
                    f"crossing {way} takes {crossing.delay:.2f} ns of {limit - MARGIN_NS:g}: {crossing.path}"
                )
        return found


def read(report: Mapping[str, Any]) -> Timing:
    """A report as it comes from nextpnr's --report. Raises ReportError."""
    try:
        fmax = {
            domain(net): (float(f["achieved"]), float(f["constraint"]))
            for net, f in report["fmax"].items()
        }
        slowest, crossings = {}, []
        for path in report["critical_paths"]:
            launched, captured = (_edge(path[end]) for end in ("from", "to"))
            delay = sum(float(step["delay"]) for step in path["path"])
            words = _words(path["path"])
            if launched == captured or launched.split()[-1] == captured.split()[-1]:
                slowest[captured.split()[-1]] = words
            elif ASYNC not in (launched, captured):
                crossings.append(Crossing(launched, captured, delay, words))
        utilisation = {
            name: (int(n["used"]), int(n["available"])) for name, n in report["utilization"].items()
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ReportError(f"the router's report makes no sense: {error!r}") from None
    return Timing(fmax, slowest, tuple(crossings), utilisation)


def domain(net: str) -> str:
    """The clock domain of a net. Raises ReportError if there is no such clock."""
    name = net.removeprefix("$glbnet$")
    for clock, endings in NETS.items():
        if any(name == ending or name.endswith("." + ending) for ending in endings):
            return clock
    raise ReportError(f"the router found a clock that nobody has constrained: {name}")


def _edge(event: str) -> str:
    """'posedge NET' as 'CLOCK', 'negedge NET' as 'falling CLOCK'."""
    if event == ASYNC:
        return ASYNC
    edge, net = event.split(" ", 1)
    clock = domain(net)
    return f"falling {clock}" if edge == "negedge" else clock


def _words(path: list[Mapping[str, Any]]) -> str:
    """A path by the registers it begins and ends at."""
    return f"{_plain(path[0]['from']['cell'])} -> {_plain(path[-1]['to']['cell'])}"


def _plain(cell: str) -> str:
    """A cell's name without what synthesis has added to the signal's."""
    for mark in ("_TRELLIS_FF", "_LUT4", "_PFUMX", "_L6MUX21", "_CCU2C", "$"):
        cell = cell.split(mark)[0]
    return cell
