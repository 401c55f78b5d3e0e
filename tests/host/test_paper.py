"""`trelscope paper`: its conditions, what it keeps, what it writes. The whole of it is a soak."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from trelscope.host.cli import main
from trelscope.host.commands import paper as command
from trelscope.host.paper import page, run
from trelscope.host.paper.conditions import Condition, conditions
from trelscope.host.paper.run import Row

FAST = (
    Condition("device-hr-1mm2", "5f", "9072 PPI, 1 mm²", "hr-1mm2", target=0.70e-6),
    Condition("fall-hr-1mm2", "2k", "falling edge", "hr-1mm2", quantity="fall"),
)


def rows(store: Path, wanted: Sequence[Condition] = FAST) -> list[Row]:
    return run.run(wanted, store, 1, 64, lambda condition, part: None, lambda line: None)


def test_every_number_of_the_papers_table_is_a_target() -> None:
    targets = [condition.target for condition in conditions() if condition.target]
    for quoted in (32.3, 7.55, 4.9, 3.4, 1.95, 0.70, 3.75, 2.25):
        assert any(target == pytest.approx(quoted * 1e-6) for target in targets)
    assert {c.rate for c in conditions() if c.volts == 4.0} >= {500.0, 15e3}
    assert len({condition.id for condition in conditions()}) == len(conditions())
    assert all(condition.doubt for condition in conditions())


def test_what_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rows(tmp_path, FAST[:1])
    assert first[0].measured == pytest.approx(0.70e-6, rel=0.02)

    def refuse(*_: object) -> Row:
        raise AssertionError("captured again")

    monkeypatch.setattr(run, "_measure", refuse)
    assert rows(tmp_path, FAST[:1]) == first
    with pytest.raises(AssertionError, match="captured again"):
        rows(tmp_path, FAST)


def test_a_half_written_result_is_captured_again(tmp_path: Path) -> None:
    first = rows(tmp_path, FAST[:1])
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text()[:100])
    assert rows(tmp_path, FAST[:1]) == first


@pytest.mark.parametrize(
    "condition",
    [
        Condition("first", "S10e", "first pulse", "hr-1mm2", target=0.70e-6, first=True),
        Condition("fine", "3i", "slow", "hr-1mm2", rate=500.0, target=0.70e-6, fine=True),
    ],
)
def test_first_pulses_and_a_fine_rise_give_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, condition: Condition
) -> None:
    monkeypatch.setattr(run, "WHOLE", 0.05)
    (row,) = run.run([condition], tmp_path, 1, 512, lambda *_: None, lambda line: None)
    assert row.error_percent is not None
    assert abs(row.error_percent) < 2.0
    assert 0 < row.se < 0.02 * row.measured


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = tuple(c for c in conditions() if not c.fine and not c.first)
    monkeypatch.setattr(command, "conditions", lambda: wanted)
    some = run.run(FAST, tmp_path / "some", 0, 64, lambda *_: None, lambda line: None)

    def pretend(conditions: Sequence[Condition], *_: object) -> list[Row]:
        kinds = {"response": some[0], "fall": some[1]}
        return [
            Row(**{**vars(kinds[c.quantity]), "id": c.id, "target": c.target, "volts": c.volts})
            for c in (*conditions, Condition("rate-1k", "3i", "", "", rate=1e3))
        ]

    monkeypatch.setattr(command, "run", pretend)
    out = tmp_path / "out"
    assert main(["paper", "--json", "-o", str(out)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"rows", "worst_percent"}
    keys = {"id", "condition", "target", "measured", "se", "error_percent"}
    assert all(keys <= set(row) for row in said["rows"])
    assert said["worst_percent"] == max(abs(row["error_percent"] or 0) for row in said["rows"])
    assert json.loads((out / "results.json").read_text()) == said
    assert len((out / "table.csv").read_text().splitlines()) == 1 + len(said["rows"])
    for figure in out.glob("*.svg"):
        ET.parse(figure)
        assert figure.with_suffix(".png").stat().st_size > 5_000
    assert len(list(out.glob("*.svg"))) == 5
    assert_self_contained((out / "index.html").read_text())


def assert_self_contained(text: str) -> None:
    drawings = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            drawings.append(tag)
            assert tag not in ("script", "link", "iframe", "object")
            for name, value in attrs:
                if name in ("src", "href", "xlink:href"):
                    assert (value or "").startswith(("#", "data:"))

    Page().feed(text)
    assert drawings.count("svg") == 5
    assert drawings.count("table") == 1


def test_worse_than_the_limit_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (good,) = rows(tmp_path / "store", FAST[:1])
    bad = Row(**{**vars(good), "error_percent": -2.5})
    monkeypatch.setattr(command, "run", lambda *_: [good, bad])
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path))
    assert main(["paper"]) == 1
    said = capsys.readouterr()
    assert "2.50 % from the paper" in said.err
    assert page.table([good, bad]) in said.out


def test_a_folder_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["paper", "-o", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.soak
def test_every_time_within_two_percent(tmp_path: Path) -> None:
    assert main(["paper", "--json", "-o", str(tmp_path)]) == 0
