"""`trelscope decay`: photons of the pulsed-light presets, counted by the gateware, give the paper's lifetimes back."""

import json

import pytest

from host.cli import main

QUIET = "detector=pmt&filter=2e-5&afterpulse=0"


@pytest.mark.parametrize(("name", "published"), [("control", 14.26e-9), ("bmim3", 29.84e-9)])
def test_the_papers_average_lifetimes(
    name: str, published: float, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"emulator:trpl-{name}?{QUIET}"
    assert main(["decay", source, "--pulses", "150k", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    average = said["intensity_average"]
    assert abs(average["value"] - published) < 3.5 * average["se"]
    assert average["se"] < 0.03 * published
    assert len(said["components"]) >= 2
    assert said["photons"] > 3_000


def test_the_table_names_both_averages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decay", f"emulator:trpl-bmim3?{QUIET}", "--pulses", "20k"]) == 0
    said = capsys.readouterr().out
    assert "amplitude average" in said
    assert "intensity average" in said


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("emulator:trpl-bmim3", "counts no photons"),
        ("emulator:trpl-bmim3?detector=pmt&filter=1e-12", "too few"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(
    source: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decay", source, "--pulses", "1k"]) == 1
    said = capsys.readouterr()
    assert words in said.err.splitlines()[-1]
    assert not said.out
