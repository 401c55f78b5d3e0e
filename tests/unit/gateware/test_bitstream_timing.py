"""Evaluation of the router's report: clock frequencies and delays of clock domain crossings."""

import copy
from dataclasses import replace

import pytest

from trelscope.gateware.platform import timing
from trelscope.gateware.platform.timing import Budget, ReportError


def path(launched: str, captured: str, *delays: float) -> dict:
    cells = [f"instrument.{name}_TRELLIS_FF_Q" for name in ("guard.run", "a", "guard.gate")]
    return {
        "from": launched,
        "to": captured,
        "path": [
            {"delay": d, "from": {"cell": cells[min(n, 1)]}, "to": {"cell": cells[n + 1 - (n > 1)]}}
            for n, d in enumerate(delays)
        ],
    }


REPORT = {
    "fmax": {
        "clocks.clk": {"achieved": 170.5, "constraint": 125},
        "$glbnet$clocks.board_clk": {"achieved": 105.0, "constraint": 25},
    },
    "critical_paths": [
        path("posedge clocks.clk", "posedge clocks.clk", 2.0, 3.5),
        path("<async>", "posedge clocks.clk", 99.0, 0.1),
        path("posedge clocks.clk", "<async>", 2.0, 1.5),
        path("posedge clocks.clk_late", "posedge clocks.clk_early", 1.0, 0.5),
        path("negedge clocks.clk", "posedge clocks.clk_launch", 1.5, 0.5),
    ],
    "utilization": {"TRELLIS_COMB": {"used": 5000, "available": 83640}},
}
BUDGET = Budget(
    clocks={"sync": 125.0, "board": 25.0},
    crossings={("late", "early"): 3.0, ("falling sync", "launch"): 4.0},
    outputs={"sync": 8.0},
)


def failures(change: dict | None = None, **budget: dict) -> list[str]:
    report = copy.deepcopy(REPORT) | (change or {})
    needs = replace(BUDGET, **budget)
    return timing.read(report).failures(needs)


def test_a_good_report_closes() -> None:
    assert failures() == []


def test_what_is_read() -> None:
    read = timing.read(REPORT)
    assert read.fmax == {"sync": (170.5, 125.0), "board": (105.0, 25.0)}
    assert read.slowest == {"sync": "instrument.guard.run -> instrument.guard.gate"}
    assert read.utilisation == {"TRELLIS_COMB": (5000, 83640)}
    assert [(c.launched, c.captured, c.delay) for c in read.crossings] == [
        ("late", "early", 1.5),
        ("falling sync", "launch", 2.0),
    ]


def test_a_slow_clock_is_named_with_its_path() -> None:
    slow = REPORT["fmax"] | {"clocks.clk": {"achieved": 124.9, "constraint": 125}}
    assert failures({"fmax": slow}) == [
        "clock sync reaches 124.9 MHz of 125: instrument.guard.run -> instrument.guard.gate"
    ]


def test_a_violated_budget_is_refused_although_the_router_passes_it() -> None:
    slow = [path("posedge clocks.clk_late", "posedge clocks.clk_early", 2.0, 0.51)]
    (failure,) = failures({"critical_paths": slow})
    assert failure.startswith("crossing late -> early takes 2.51 ns of 2.5: instrument.guard.run")


def test_a_pin_that_is_reached_late_is_refused() -> None:
    slow = [path("posedge clocks.clk", "<async>", 7.0, 1.01)]
    assert failures({"critical_paths": slow}) == [
        "output of sync takes 8.01 ns of 8: instrument.guard.run -> instrument.guard.gate"
    ]
    other = [path("posedge clocks.clk_early", "<async>", 1.0)]
    (failure,) = failures({"critical_paths": other})
    assert failure.startswith("clock early drives a pin without a budget: instrument.guard.run")


def test_a_crossing_without_a_budget_is_refused() -> None:
    (failure,) = failures(crossings={("late", "early"): 3.0})
    assert failure.startswith("crossing falling sync -> launch has no budget")


def test_a_clock_at_the_default_constraint_is_refused() -> None:
    default = REPORT["fmax"] | {"clocks.clk": {"achieved": 170.0, "constraint": 12}}
    assert failures({"fmax": default}) == ["clock sync is constrained to 12 MHz, not 125"]


def test_a_missing_clock_is_refused() -> None:
    clocks = {**BUDGET.clocks, "launch": 125.0}
    assert failures(clocks=clocks) == ["clock launch is not in the router's report"]


def test_an_unknown_clock_is_refused() -> None:
    report = REPORT | {"fmax": {"uart.rx": {"achieved": 300.0, "constraint": 12}}}
    with pytest.raises(ReportError, match=r"nobody has constrained: uart\.rx"):
        timing.read(report)


@pytest.mark.parametrize(
    "report",
    [{}, {"fmax": {}}, REPORT | {"critical_paths": [{"from": "<async>", "to": "<async>"}]}],
)
def test_a_report_that_is_none_is_refused(report: dict) -> None:
    with pytest.raises(ReportError, match="makes no sense"):
        timing.read(report)
