"""The scripts in examples/ do what their first lines say."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from trelscope.host.files import recordings

EXAMPLES = Path(__file__).parents[2] / "examples"
MICROSECONDS = re.compile(r"([\d.]+) ± ([\d.]+) µs")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said_by(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, float]:
    """µs in each line that has a time, by what stands before it."""
    monkeypatch.setattr(sys, "argv", [name])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    found = {line: MICROSECONDS.search(line) for line in lines}
    return {line[: m.start()].strip(" :"): float(m[1]) for line, m in found.items() if m}


def test_capture_and_measure_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = said_by("capture.py", capsys, monkeypatch)
    assert times["response"] == pytest.approx(3.36, abs=0.02)
    recording = recordings.load(Path("capture.h5"))
    assert recording.accounting.pulses_averaged == 512
    again = said_by("measure_again.py", capsys, monkeypatch)
    assert again["rise, 10 to 90 %"] == times["rise"]
    assert again["rise, 20 to 80 %"] < 0.8 * times["rise"]


def test_sweep(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    response = said_by("sweep.py", capsys, monkeypatch)
    assert list(response) == ["4.0 V", "5.0 V", "6.0 V"]
    assert response["4.0 V"] > response["5.0 V"] > response["6.0 V"]


def test_every_example_is_tested() -> None:
    mentioned = Path(__file__).read_text()
    assert [p.name for p in EXAMPLES.glob("*.py") if f'"{p.name}"' not in mentioned] == []
