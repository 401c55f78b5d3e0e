"""Drive level from two readings, kept by serial number and applied; widths of the photon lanes."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trelscope.gateware.protocol import LEVEL_LSB_V
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.calibration import saved
from trelscope.host.calibration.lanes import lanes
from trelscope.host.calibration.level import CalibrationError, Level, level
from trelscope.host.cli import main
from trelscope.host.commands.calibrate import lane_counts
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest

from .pty_board import PtyBoard, Stepped, plugged_in

SERIAL = "D00123"
STEADY = "emulator:hr-1mm2?detector=pmt&dark_rate=1e6&afterpulse=0&filter=1e-12"


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder calibrations are kept in, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "trelscope" / "calibration"


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[PtyBoard]:
    """A board with a USB serial number."""
    board = plugged_in(monkeypatch, SERIAL)
    yield board
    board.close()


def test_two_readings_make_gain_and_offset() -> None:
    truth = Level(1.013, -0.042)
    nominal = (3.5, 6.5)
    found = level(nominal, [truth.gain * volts + truth.offset for volts in nominal])
    assert found.gain == pytest.approx(truth.gain, rel=1e-12)
    assert found.offset == pytest.approx(truth.offset, rel=1e-9)
    assert truth.gain * found.nominal(5.0) + truth.offset == pytest.approx(5.0, rel=1e-12)
    assert truth.reachable() == pytest.approx((2.997, 7.049))


@pytest.mark.parametrize(
    ("nominal", "measured", "says"),
    [
        ((4, 4.5), (4, 4.5), "less than 1 V apart"),
        ((4, 4), (4, 4), "less than 1 V apart"),
        ((3, 7), (7, 3), "are they swapped"),
        ((3, 7), (0, 0), "gain of 0"),
        ((3, 7), (1.5, 3.5), "gain of 0.5"),
        ((3, 7), (4.5, 8.5), "offset of 1.5 V"),
        ((3, 7), (float("nan"), 7), "no finite number"),
    ],
)
def test_nonsense_is_refused(
    nominal: tuple[float, float], measured: tuple[float, float], says: str
) -> None:
    with pytest.raises(CalibrationError, match=says) as error:
        level(nominal, measured)
    assert "\n" not in str(error.value)


def test_a_calibration_is_kept_and_in_force(board: PtyBoard, kept: Path) -> None:
    plain = Stepped(board, f"serial:{SERIAL}")
    assert plain.front_end.level.code(5.0) == 10_000
    plain.close()
    assert main(["calibrate", "level", f"serial:{board.device}", "3.5:3.535", "6.5:6.505"]) == 0
    assert [path.name for path in kept.iterdir()] == [f"{SERIAL}.json"]
    gain, offset = 0.99, 0.07
    instrument = Instrument(Stepped(board, f"serial:{board.device}"))
    instrument.start(CaptureRequest(volts=5.0, pulses=1).plan(16384))
    assert instrument.read("level") == round((5.0 - offset) / gain / LEVEL_LSB_V)
    about = instrument.link.front_end.as_dict()
    assert about["level_gain"] == pytest.approx(gain)
    assert about["level_offset"] == pytest.approx(offset)


def test_the_next_calibration_knows_of_the_one_in_force(board: PtyBoard) -> None:
    """The output is then right already: reading what was asked for must change nothing."""
    saved.store(SERIAL, Level(0.97, 0.05))
    assert main(["calibrate", "level", SERIAL, "4:4", "6:6"]) == 0
    after = saved.load(SERIAL)
    assert (after.gain, after.offset) == pytest.approx((0.97, 0.05))


def test_what_the_output_cannot_reach_is_refused(board: PtyBoard) -> None:
    saved.store(SERIAL, Level(0.9, 0.0))
    instrument = Instrument(Stepped(board, f"serial:{SERIAL}"))
    with pytest.raises(InstrumentError, match=r"reaches 2.7 V to 6.3 V, not 6.5 V"):
        instrument.start(CaptureRequest(volts=6.5, pulses=1).plan(16384))
    assert instrument.read("enable") == 0


def test_the_url_overrides_what_is_kept(board: PtyBoard) -> None:
    saved.store(SERIAL, Level(0.9, 0.0))
    link = Stepped(board, f"serial:{SERIAL}?level_gain=1.1")
    assert link.front_end.level.gain == 1.1
    link.close()


def test_a_spoilt_file_is_one_line(
    board: PtyBoard, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.mkdir(parents=True)
    (kept / f"{SERIAL}.json").write_text('{"level": {"gain": "much"}}')
    assert main(["capture", f"serial:{SERIAL}"]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "delete it, and calibrate again" in err


@pytest.mark.parametrize(
    "text",
    [
        '{"level": {"gain": NaN, "offset": 0}}',
        '{"level": {"gain": 0, "offset": 0}}',
        '{"level": {"gain": 1, "offset": Infinity}}',
        '{"level": {"gain": 1, "offset": 2}}',
        pytest.param("[" * 100_000, id="nested"),
    ],
)
def test_a_kept_calibration_that_no_driver_has_is_refused(kept: Path, text: str) -> None:
    path = saved.path_of(SERIAL)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(CalibrationError, match="delete it, and calibrate again"):
        saved.load(SERIAL)


def test_odd_serial_numbers_reach_no_other_file() -> None:
    for serial in ("../../etc", "a b", "", "x" * 65):
        assert saved.load(serial) == Level()
        with pytest.raises(CalibrationError, match="letters, digits"):
            saved.store(serial, Level())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["level", "serial:/dev/nowhere", "4:4", "6:6"], 1, "no port with a USB serial number"),
        (["level", SERIAL, "4:4"], 2, "required: COMMANDED:MEASURED"),
        (["level", SERIAL, "4", "6"], 2, "not COMMANDED:MEASURED"),
        (["level", SERIAL, "4:4", "6:x"], 2, "not a number"),
        (["level", SERIAL, "4:6", "6:4"], 1, "are they swapped"),
        (["lanes", "emulator:hr-1mm2"], 1, "counts no photons"),
        ([], 2, "required"),
    ],
)
def test_user_errors_are_one_line(
    arguments: list[str],
    code: int,
    says: str,
    board: PtyBoard,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        exit_code = main(["calibrate", *arguments])
    except SystemExit as stopped:
        exit_code = stopped.code
    err = capsys.readouterr().err
    assert exit_code == code
    assert len(err.splitlines()) == 1
    assert says in err


def test_lane_widths_from_uncorrelated_photons() -> None:
    """Pull of the widths over many tests: neither biased nor with wrong errors."""
    rng = np.random.default_rng(3)
    widths = np.array([1.2, 0.9, 1.0, 1.1, 0.8, 1.05, 0.95, 1.0])
    pulls = []
    for _ in range(200):
        result = lanes(rng.poisson(40.0 * widths, (100, 8)))
        assert result.widths.sum() == pytest.approx(8.0)
        pulls.append((result.widths - widths) / result.errors)
        assert result.p < 1e-6, "these lanes are uneven"
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.3
    assert np.std(pulls) == pytest.approx(1.0, abs=0.06)


def test_even_lanes_look_even() -> None:
    rng = np.random.default_rng(4)
    chances = [lanes(rng.poisson(30.0, (100, 8))).p for _ in range(300)]
    assert np.mean(chances) == pytest.approx(0.5, abs=0.06)


def test_too_few_photons_and_photons_that_follow_the_pulse_are_refused() -> None:
    rng = np.random.default_rng(5)
    with pytest.raises(CalibrationError, match="too few"):
        lanes(rng.poisson(1.0, (100, 8)))
    fading = 60 * np.exp(-np.arange(100) / 100)
    with pytest.raises(CalibrationError, match="follows the pulses"):
        lanes(rng.poisson(fading[:, None], (100, 8)))


def test_lanes_through_the_instrument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "lanes", STEADY, "--pulses", "2000", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert 2e4 < said["photons"] < 4e4
    assert np.abs((np.array(said["widths"]) - 1e-9) / np.array(said["se"])).max() < 5
    assert main(["calibrate", "lanes", STEADY, "--pulses", "100"]) == 1
    assert "too few" in capsys.readouterr().err


def test_no_launch_is_delayed_or_every_bin_would_see_every_lane() -> None:
    link = EmulatorLink("hr-1mm2", {"detector": "pmt"}, paced=False)
    instrument = Instrument(link)
    assert lane_counts(instrument, 50, 20e-6).shape == (2000, 8)
    assert instrument.read("dither") == 1
    assert instrument.read("pulses") == 50
    assert instrument.read("window_start") % 8 == 0
    link.close()
