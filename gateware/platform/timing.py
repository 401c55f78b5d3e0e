"""Timing of a bitstream: reads nextpnr's report, a JSON object, and decides whether the design closes.

nextpnr itself checks all paths within a clock domain. It reports paths between clock domains without checking them, and
it checks clocks without a constraint against a slow default. Both cases are checked here, and so are paths to pins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARGIN_NS = 0.5
"""Part of every crossing's budget that is reserved for clock skew, which the report does not include."""

# How the names of each clock's nets end in the netlist.
NETS = {
    "sync": ("clk_sync", "sync_clk", "clk"),
    "early": ("clk_early", "early_clk"),
    "late": ("clk_late", "late_clk"),
    "launch": ("clk_launch", "launch_clk"),
    "board": ("board_clk", "pin.i"),
}
ASYNC = "<async>"


class ReportError(Exception):
    """The report cannot be used; the message gives the reason in one line."""


@dataclass(frozen=True)
class Budget:
    """Timing that a design has to meet.

    Attributes
    ----------
    clocks : Mapping
        Lowest frequency of each clock in MHz.
    crossings : Mapping
        Longest delay in ns of paths from one clock to another, by the two clocks. Other crossings are not allowed.
    outputs : Mapping
        Longest delay in ns from a register to a pin, by the register's clock. Other clocks may not drive pins directly.
    """

    clocks: Mapping[str, float]
    crossings: Mapping[tuple[str, str], float]
    outputs: Mapping[str, float]


@dataclass(frozen=True)
class Crossing:
    """Slowest path from one clock to another."""

    launched: str
    captured: str
    delay: float  # ns
    path: str


@dataclass(frozen=True)
class Timing:
    """Timing that nextpnr reports.

    Attributes
    ----------
    fmax : Mapping
        Achieved and required frequency of each clock in MHz.
    slowest : Mapping
        Slowest path within each clock domain.
    crossings : tuple
        Slowest path between each pair of clock domains.
    outputs : tuple
        Slowest path from each clock domain to a pin, captured by ASYNC.
    utilisation : Mapping
        Number of cells of each type that are used, and that the FPGA has.
    """

    fmax: Mapping[str, tuple[float, float]]
    slowest: Mapping[str, str]
    crossings: tuple[Crossing, ...]
    outputs: tuple[Crossing, ...]
    utilisation: Mapping[str, tuple[int, int]]

    def failures(self, budget: Budget) -> list[str]:
        """One sentence for every requirement of `budget` that is not met."""
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
        for output in self.outputs:
            limit = budget.outputs.get(output.launched)
            if limit is None:
                found.append(
                    f"clock {output.launched} drives a pin without a budget: {output.path}"
                )
            elif output.delay > limit:
                found.append(
                    f"output of {output.launched} takes {output.delay:.2f} ns of {limit:g}: {output.path}"
                )
        return found


def read(report: Mapping[str, Any]) -> Timing:
    """Read the content of the file that nextpnr's option --report writes. Raises ReportError."""
    try:
        fmax = {
            domain(net): (float(f["achieved"]), float(f["constraint"]))
            for net, f in report["fmax"].items()
        }
        slowest: dict[str, str] = {}
        crossings, outputs = [], []
        for path in report["critical_paths"]:
            launched, captured = (_edge(path[end]) for end in ("from", "to"))
            delay = sum(float(step["delay"]) for step in path["path"])
            words = _words(path["path"])
            if launched == captured or launched.split()[-1] == captured.split()[-1]:
                slowest[captured.split()[-1]] = words
            elif ASYNC not in (launched, captured):
                crossings.append(Crossing(launched, captured, delay, words))
            elif launched != ASYNC:
                outputs.append(Crossing(launched, captured, delay, words))
        utilisation = {
            name: (int(n["used"]), int(n["available"])) for name, n in report["utilization"].items()
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ReportError(f"the router's report makes no sense: {error!r}") from None
    return Timing(fmax, slowest, tuple(crossings), tuple(outputs), utilisation)


def domain(net: str) -> str:
    """Clock domain of a net. Raises ReportError if the net belongs to none."""
    name = net.removeprefix("$glbnet$")
    for clock, endings in NETS.items():
        if any(name == ending or name.endswith("." + ending) for ending in endings):
            return clock
    raise ReportError(f"the router found a clock that nobody has constrained: {name}")


def _edge(event: str) -> str:
    """Translate 'posedge NET' to 'CLOCK' and 'negedge NET' to 'falling CLOCK'."""
    if event == ASYNC:
        return ASYNC
    edge, net = event.split(" ", 1)
    clock = domain(net)
    return f"falling {clock}" if edge == "negedge" else clock


def _words(path: list[Mapping[str, Any]]) -> str:
    """A path in words: the registers in which it begins and ends."""
    return f"{_plain(path[0]['from']['cell'])} -> {_plain(path[-1]['to']['cell'])}"


def _plain(cell: str) -> str:
    """Name of the signal that a cell was made from, without the suffixes that synthesis has added."""
    for mark in ("_TRELLIS_FF", "_LUT4", "_PFUMX", "_L6MUX21", "_CCU2C", "$"):
        cell = cell.split(mark)[0]
    return cell
