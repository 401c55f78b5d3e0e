"""Measured responses as files have them: all that says the same gives the same, and the rest a reason at once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.host.recordings import a_recording
from trelscope.host.cli import main
from trelscope.host.commands import irf
from trelscope.host.errors import UserError
from trelscope.host.files import recordings

Array = NDArray[np.float64]

T = np.arange(0, 50, 0.05)  # ns
DELAY, POLE = 20.0, 0.3  # ns
DARK = 2.0
RATE = np.where(T >= DELAY, np.exp(-(T - DELAY) / POLE), 0.0)
COUNTS = np.random.default_rng(1).poisson(3000 * RATE + DARK).astype(float)
SUBTRACTED = COUNTS - COUNTS[:300].mean()


def plain(x: float) -> str:
    return f"{x:.9g}"


def comma(x: float) -> str:
    return plain(x).replace(".", ",")


def text(
    heading: str,
    counts: Array = COUNTS,
    t: Array = T,
    between: str = ",",
    number: Callable[[float], str] = plain,
) -> str:
    rows = (f"{number(a)}{between}{number(b)}\n" for a, b in zip(t, counts, strict=True))
    return heading + "".join(rows)


WHOLE = (T > 19.5) & (T < 23)
FILES = {
    "seconds": text("t,counts\n", t=T * 1e-9),
    "no heading": text("", t=T * 1e-9, between=" "),
    "nanoseconds": text("time (ns),counts\n"),
    "picoseconds": text("# t/ps;n\n", t=T * 1e3, between=";"),
    "cropped to its peak": text("time [ns],counts\n", COUNTS[WHOLE] - DARK, T[WHOLE]),
    "background subtracted": text("time (ns),counts\n", SUBTRACTED),
    "whole counts below zero": text("time (ns),counts\n", COUNTS - DARK),
    "counts of area 1": text("time (ns),counts\n", COUNTS / COUNTS.sum()),
    "background subtracted, of area 1": text("t_ns,n\n", SUBTRACTED / SUBTRACTED.sum() / 0.05),
    "a formula": text("time (ns),rate\n", RATE / RATE.sum()),
    "decimal commas": text("time (ns);counts\n", between=";", number=comma),
    "decimal commas and tabs": text("time (ns)\tcounts\n", between="\t", number=comma),
}


@pytest.mark.parametrize("name", FILES)
def test_the_same_response_in_many_ways(name: str, tmp_path: Path) -> None:
    file = tmp_path / "irf.csv"
    file.write_text(FILES[name])
    found = irf.read(file)
    assert found.mean == pytest.approx((DELAY + POLE) * 1e-9, abs=0.03e-9)
    assert found.start == pytest.approx(DELAY * 1e-9, abs=0.1e-9)
    assert found.weight.sum() == pytest.approx(1)
    assert found.weight.size < 160  # what is far from it does not count


def test_one_that_trelscope_has_recorded(tmp_path: Path) -> None:
    analog = a_recording()
    settings = replace(analog.settings, counting=True)
    peak = np.where(settings.times() >= 0, np.exp(-settings.times() / 1e-6), 0.0)
    counts = np.random.default_rng(2).poisson(5000 * peak + 1)
    light = replace(analog.light, y=counts / settings.bin / settings.counts(analog.light.pulses)[0])
    means = []
    for suffix in (".h5", ".npz", ".csv"):
        file = tmp_path / f"irf{suffix}"
        recordings.save(file, replace(analog, settings=settings, light=light))
        means.append(irf.read(file).mean)
    assert means == [pytest.approx(1e-6, rel=0.1)] * 3
    assert means[0] == means[1] == pytest.approx(means[2], rel=1e-6)
    recordings.save(file, analog)
    with pytest.raises(irf.ResponseError, match="sampled, not counted"):
        irf.read(file)


HARD = (T >= 20) & (T < 20.9)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(content, words, id=words[:20])
        for content, words in (
            ("", "no two columns"),
            ("time counts\n1e-9 3\n2e-9\n", "line 3: not two numbers"),
            ("1e-9 0\n2e-9 0\n", "too few for a response"),
            ("2e-9 500\n1e-9 500\n", "do not ascend"),
            ("1e-9 nan\n2e-9 500\n", "hold no count"),
            (text("time,counts\n"), "spans 49.95 s, no response does; name the unit in a heading"),
            (text("t (ns),n\n", COUNTS[HARD], T[HARD]), "down to 2 % of its peak"),
            (text("t (ns),n\n", -COUNTS), "below zero: turn it over"),
            (text("t (ns),n\n", number=comma), "with decimal commas, separate the columns by ;"),
            ("\xff".encode("latin-1"), "not a text file"),
            (None, "no such file"),
        )
    ],
)
def test_what_is_no_response(content: str | bytes | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "irf.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=words):
        irf.read(file)


def test_it_is_read_before_anything_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decay", "serial:/nonexistent", "--irf", "/dev/zero"]) == 1
    assert "/dev/zero: cannot be read (not a file)" in capsys.readouterr().err
