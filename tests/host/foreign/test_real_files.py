"""Exports of real instruments, where they lie beside the project: they are not part of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from trelscope.host.cli import main

PROJECT = Path(__file__).resolve().parents[3]
FOLDERS = [folder / "shared" / "realfiles" for folder in PROJECT.parents]
REAL = next((folder for folder in FOLDERS if folder.is_dir()), None)

pytestmark = pytest.mark.skipif(REAL is None, reason="no ../shared/realfiles")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def measured(command: str, name: str, *options: str) -> dict[str, Any]:
        assert REAL is not None
        names = [str(REAL / each) if each.endswith((".asc", ".csv")) else each for each in options]
        assert main([command, str(REAL / name), *names, "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return measured


def test_an_led_that_is_switched_on(said: Any) -> None:
    m = said("measure", "keysight_led_b_on_1.csv", "--edge", "0")["measurements"]
    assert m["rise"]["value"] == pytest.approx(36.5e-9, abs=0.1e-9)
    assert m["rise"]["se"] < 0.2e-9
    assert m["onset"]["value"] == pytest.approx(-5.3e-9, abs=0.1e-9)


def test_an_led_that_is_faster_than_the_samples(said: Any) -> None:
    m = said("measure", "keysight_led_b_tru5v1khz7_1.csv")["measurements"]
    for name in ("rise", "fall"):
        assert m[name]["value"] is None
        assert m[name]["upper_bound"] <= 1.6e-6
        assert "UPPER_BOUND" in m[name]["flags"]


def test_one_of_three_channels(said: Any) -> None:
    found = said("measure", "keysight_led_off_3ch.csv", "--light", "1")
    assert 50e-9 < found["measurements"]["fall"]["value"] < 120e-9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tektronix_TBS1052B_F0000CH1.CSV", ()),
        ("rigol_DS1054Z-A.csv", ("--light", "CH3")),
        ("rohde_rtp_01.Wfm.csv", ("--interval", "1n")),
        ("lecroy_WS4054HD.csv", ()),
        ("metrotrpl_irf_520nm_negative.csv", ("--time-unit", "ns")),
    ],
)
def test_every_oscilloscope(said: Any, name: str, options: tuple[str, ...]) -> None:
    assert said("measure", name, *options)["understood"]


def test_lifetimes(said: Any) -> None:
    found = said("decay", "tcspc_data_1.csv", "--time-unit", "ns", "--irf", "tcspc_irf.csv")
    assert found["intensity_average"]["value"] == pytest.approx(3.58e-9, abs=0.05e-9)


def test_the_same_counts_as_text_and_as_binary(said: Any) -> None:
    pytest.importorskip("sdtfile")
    binary = said("decay", "bh_spc_15k9uw.sdt", "--light", "1", "--model", "1")
    text = said("decay", "bh_spc_15k9uw.asc", "--interval", "24.41406p", "--model", "1")
    assert text["photons"] == binary["photons"]
    a, b = (each["components"][0]["lifetime"]["value"] for each in (text, binary))
    assert a == pytest.approx(b, rel=1e-4)
