"""Launch phases from the drive monitor's edges, and their table, kept by serial number."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from trelscope.host.calibration import saved
from trelscope.host.calibration.level import CalibrationError, Level
from trelscope.host.calibration.phases import PhaseTable, phases
from trelscope.host.cli import main
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import CaptureRequest

from .pty_board import PtyBoard, plugged_in

SERIAL = "D00123"
WIDTH = 1004  # ns: the edges meet the phases 4 ns apart
RNG = np.random.default_rng(12)
TRUTH = RNG.normal(0.0, 100e-12, 8)
TRUTH -= TRUTH.mean()

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]


def pole(tau: float) -> Shape:
    return lambda t: 1 - np.exp(-np.maximum(t, 0) / tau)


def two_poles(slow: float, fast: float) -> Shape:
    """An RC behind a driver."""
    return lambda t: (slow * pole(slow)(t) - fast * pole(fast)(t)) / (slow - fast)


def gaussian(sigma: float) -> Shape:
    return lambda t: ndtr(t / sigma)


def ringing(t: Array) -> Array:
    t = np.maximum(t, 0)
    return 1 - np.exp(-t / 40) * np.cos(t / 6)


def monitor(
    shape: Shape, late: Array = TRUTH, se: float = 1e-3, width: int = WIDTH, seed: int = 0
) -> Trace:
    """A drive of 5 V, as sampled by pulses of which the k-th is launched with phase k, late by late[k] s."""
    settings = CaptureRequest(rate=15e3, width=width * 1e-9, window=(-0.2e-6, 2e-6), bin=1e-9).plan(
        4096
    )
    by_phase = np.array([settings.counts(k + 1)[1] - settings.counts(k)[1] for k in range(8)])
    assert np.array_equal(by_phase.sum(axis=0), np.ones(settings.bins))
    ns = (settings.times() - late @ by_phase) * 1e9
    y = 5 * (shape(ns - 0.3) - shape(ns - width - 0.3))
    noise = np.random.default_rng(seed).normal(0.0, se, y.size)
    return Trace(settings.times(), y + noise, np.full(y.size, se), 4096)


def edges(width: int = WIDTH) -> tuple[float, float]:
    return 0.0, width * 1e-9


@pytest.mark.parametrize("shape", [pole(5), two_poles(30, 5), gaussian(10)])
def test_offsets_are_recovered_within_their_errors(shape: Shape) -> None:
    """Pull over many captures: neither biased nor with wrong errors."""
    trials = 12
    pulls = []
    for seed in range(trials):
        table = phases(monitor(shape, seed=seed), edges()).table
        assert table.errors.max() < 5e-12
        assert table.offsets.sum() == pytest.approx(0, abs=1e-15)
        pulls.append((table.offsets - TRUTH) / table.errors)
    assert np.abs(np.mean(pulls, axis=0)).max() < 3.5 / np.sqrt(trials)
    # 7 of the 8 offsets are free.
    assert np.var(pulls) == pytest.approx(1.0, abs=4 * np.sqrt(2 / (7 * trials)))


def test_even_phases_fit_as_often_as_chance_has_it() -> None:
    chances = [phases(monitor(pole(8), 0 * TRUTH, seed=seed), edges()).p for seed in range(12)]
    assert np.mean(chances) == pytest.approx(0.5, abs=4 / np.sqrt(12 * 12))


def test_an_offset_lost_in_noise_is_not_known() -> None:
    """Of a fast edge some phases have samples near its end only, where little slopes."""
    result = phases(monitor(pole(2), se=0.03), edges())
    unknown = np.flatnonzero(np.isnan(result.table.offsets))
    assert 0 < unknown.size < 8
    assert f"phase {', '.join(map(str, unknown))}: known to no better than 125 ps" in result.why
    assert result.table.as_dict()["offsets"][unknown[0]] is None
    with pytest.raises(CalibrationError, match=r"phase 0, 1, 2, 3, 4, 5, 6, 7: known to no better"):
        phases(monitor(pole(1.5), width=1000), edges(1000))


@pytest.mark.parametrize(
    ("drive", "says"),
    [
        (monitor(ringing), "no smooth edge fits"),
        (monitor(gaussian(0.5)), "too fast; slow the monitor's edge"),
        (monitor(pole(1.2), width=1000), "too fast; slow the monitor's edge"),
        (monitor(pole(200)), "is an RC before it too slow"),
        (monitor(lambda t: 0 * t), "shows no edge"),
        (monitor(lambda t: pole(5)(t - 3000)), "shows no edge"),
    ],
)
def test_edges_that_tell_nothing_are_refused(drive: Trace, says: str) -> None:
    with pytest.raises(CalibrationError, match=says) as error:
        phases(drive, edges())
    assert "\n" not in str(error.value)


def test_traces_that_cannot_tell_are_refused() -> None:
    good = monitor(pole(5))
    for spoilt, says in (
        (Trace(2 * good.t, good.y, good.se, 1), "bins of 1 ns only"),
        (Trace(good.t, good.y, good.se * np.nan, 1), "noise is not known"),
        (Trace(good.t, good.y * np.nan, good.se, 1), "hold no number"),
        (Trace(good.t[:1210], good.y[:1210], good.se[:1210], 1), "window is too short"),
    ):
        with pytest.raises(CalibrationError, match=says):
            phases(spoilt, edges())


def test_more_than_a_step_off_is_pointed_out() -> None:
    late = np.array([0.0, 0.0, 350.0, 0.0, 0.0, -350.0, 0.0, 0.0]) * 1e-12
    assert phases(monitor(pole(20), late), edges()).table.far_off == [2, 5]
    assert phases(monitor(pole(20)), edges()).table.far_off == []


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder calibrations are kept in, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "trelscope" / "calibration"


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[PtyBoard]:
    """A running board with a USB serial number."""
    board = plugged_in(monkeypatch, SERIAL)
    board.start()
    yield board
    board.close()


def test_an_emulated_board_has_even_phases(capsys: pytest.CaptureFixture[str], kept: Path) -> None:
    assert main(["calibrate", "phases", "emulator:hr-1mm2", "--pulses", "4096", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    offsets, se = np.array(said["offsets"]), np.array(said["se"])
    assert se.max() < 1e-12
    assert np.abs(offsets / se).max() < 4.5
    assert said["p"] > 1e-3
    assert said["missing"] == ""
    assert not kept.exists()


def test_the_table_is_kept_by_serial_number_beside_the_level(
    board: PtyBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    saved.store(SERIAL, Level(0.97, 0.05))
    assert main(["calibrate", "phases", f"serial:{SERIAL}", "--pulses", "2048"]) == 0
    out = capsys.readouterr().out
    assert "phase 7" in out
    assert f"{SERIAL}.json" in out
    table = saved.load_phases(SERIAL)
    assert table is not None
    assert np.abs(table.offsets / table.errors).max() < 4.5
    assert saved.load(SERIAL) == Level(0.97, 0.05)
    saved.store(SERIAL, Level(0.98, 0.05))
    assert saved.load_phases(SERIAL) is not None
    assert saved.load_phases("D00124") is None


def test_what_is_not_known_comes_back_so_and_boards_shows_it(
    board: PtyBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    offsets = np.array([10, -10, np.nan, 0, 300, -300, 0, 0]) * 1e-12
    saved.store_phases(SERIAL, PhaseTable(offsets, np.abs(offsets)))
    table = saved.load_phases(SERIAL)
    assert table is not None
    np.testing.assert_array_equal(table.offsets, offsets)
    assert saved.load(SERIAL) == Level()
    assert main(["boards"]) == 0
    assert "launch phases 0 to 7 late by +10 -10 ? +0 +300 -300 +0 +0 ps" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"phases": {"offsets": [1]}}', '{"phases": {"offsets": "x", "se": 1}}']
)
def test_a_spoilt_table_is_one_line(kept: Path, text: str) -> None:
    kept.mkdir(parents=True)
    (kept / f"{SERIAL}.json").write_text(text)
    with pytest.raises(CalibrationError, match="delete it, and calibrate again"):
        saved.load_phases(SERIAL)


def test_a_fast_edge_is_one_line_with_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    source = "emulator:hr-1mm2?tau_drv=0.5"
    assert main(["calibrate", "phases", source, "--pulses", "1024"]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "slow the monitor's edge with an RC" in err
