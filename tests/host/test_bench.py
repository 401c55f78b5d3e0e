"""`trelscope bench`: that its figures are there and compare like with like. Never how large they are."""

import json
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from trelscope.host.bench import gateware, icarus, verilated
from trelscope.host.bench.cases import cases
from trelscope.host.bench.compiled import Compiled, blind_plant, board
from trelscope.host.bench.live import Live
from trelscope.host.bench.rows import BenchError, Row, measured, missing, table
from trelscope.host.bench.workload import FRAME, GIVEN, STEADY
from trelscope.host.cli import main
from trelscope.sim.compiler.specialise import VIEWS

WAYS = ("best", "fast", "boxcar", "first_crossing")
KINDS = ("window", "trace", "counting")
ALWAYS = {
    *(f"instrument.{kind}.{way}" for kind in KINDS for way in ("fast", "plain")),
    *("gateware.emulator", "gateware.amaranth", "start.imported", "start.shown", "start.drawn"),
    *("photons.decoded", "photons.plain", "photons.decoded.ratio"),
    *("window.drawn", "window.latency", "window.averaged", "window.share"),
    *("live.pace", "live.drawn", "live.latency", "live.share", "live.board"),
    *(f"precision.{case}.30.{way}" for case in ("exponential", "ringing") for way in WAYS),
}
PERHAPS = {
    *("gateware.verilator", "gateware.icarus"),
    *("instrument.window.verilator.fast", "instrument.window.verilator.plain"),
}


def test_a_board_goes_on_only_while_it_is_measured() -> None:
    case = cases(False)["window"]
    live = Live("window", case.plant, board(case.plant, True, print), case.settings)
    live.settle(1)
    live.measure(0.01)
    assert live._link._ahead is None
    live.close()


def test_every_figure_is_there_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--quick", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"processor", "cores", "compiler", "packages"} <= said["machine"].keys()
    rows = {row["id"]: row for row in said["rows"]}
    assert len(rows) == len(said["rows"])
    assert rows.keys() >= ALWAYS | PERHAPS
    for id, row in rows.items():
        assert set(row) == {"id", "what", "value", "unit", "note", "samples"}
        if row["value"] is None:
            assert id.removesuffix(".ratio") in PERHAPS or id == "precision.pulse_transitions"
            assert row["note"]
            assert not row["samples"]
        else:
            assert row["value"] > 0
            if row["samples"]:
                assert len(row["samples"]) == 2
                assert row["value"] == pytest.approx(np.median(row["samples"]))
            else:
                assert id.startswith("precision.")
                assert "bound" in row["note"]
    assert (rows["gateware.icarus"]["value"] is None) == (icarus.missing_tool() is not None)

    # Whatever is compared did the same.
    for group in ("gateware", *(f"instrument.{kind}" for kind in KINDS)):
        notes = [row["note"] for id, row in rows.items() if id.startswith(group) and row["value"]]
        prints = [match[1] for note in notes if (match := re.search(r"\(([0-9a-f]{12})\)$", note))]
        assert len(prints) >= 2
        assert len(set(prints)) == 1


def test_in_the_workload_something_happens() -> None:
    engine = Compiled("emulator", "the emulator", board(blind_plant(), False, lambda line: None))
    words = engine.watch(STEADY + 2 * FRAME)
    engine.close()
    steady = words[STEADY:]
    assert np.count_nonzero(steady & 3) > FRAME * 2 // 20  # the gate
    assert np.count_nonzero(steady >> 20 & 1) > FRAME * 2 // 6  # samples
    assert np.count_nonzero(steady >> GIVEN & 1) > 2 * 2 * 250 * 4  # both frames
    assert len(set((steady >> GIVEN + 1).tolist())) > 10


class Fake:
    """Shows `words`, whatever it is asked for."""

    key = name = "fake"
    block = 1

    def __init__(self, *words: int) -> None:
        self.words = np.array(words, np.uint32)

    def watch(self, cycles: int) -> NDArray[np.uint32]:
        return self.words[:cycles]

    def run(self, cycles: int) -> float:
        return 1.0

    def close(self) -> None:
        pass


def test_engines_that_differ_are_not_compared() -> None:
    assert gateware.agreed([Fake(1, 2, 3), Fake(1, 2, 4)], 2)
    with pytest.raises(BenchError, match="from cycle 2 on"):
        gateware.agreed([Fake(1, 2, 3), Fake(1, 2, 4)], 3)


def test_what_stands_in_for_the_translation_has_all_its_functions() -> None:
    text = verilated.adapter(["a", "b__c"], ["d", "ff__still", "ff__streaming"])
    functions = {"cycle", "count", "silent_cycle", "silent_rests", "link0", "link1_rests"}
    functions |= {*VIEWS, "silent_outlook", "light_sums", "drive_sums", "clipped"}
    assert functions <= set(re.findall(r"static inline \w+ [*&]?(\w+)\(", text))
    assert "model->b___05Fc = in.b__c;" in text
    assert "uint64_t ff__skip;" in text  # which this model has not
    assert "out.ff__still = model->ff___05Fstill;" in text
    assert "out.ff__streaming = 0;" in text  # its memories are out of reach


def test_a_table_shows_what_is_not_there() -> None:
    rows: list[Row] = [
        measured("a", "fast", [1.0, 2.0, 3.0], "x"),
        measured("b", "cycles", [2.5e7], "cycles/s", "why"),
        missing("c", "other", "x", "not installed"),
    ]
    assert [line.split() for line in table(rows).splitlines()] == [
        ["fast", "2.00", "×", "±", "50.0%"],
        ["cycles", "25", "Mcycles/s", "why"],
        ["other", "–", "not", "installed"],
    ]
