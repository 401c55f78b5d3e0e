"""`calibrate adc` finds the delays at which an ADC's codes are right, keeps the middle, and captures use it."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.bringup.adc import scan
from trelscope.host.calibration import saved
from trelscope.host.calibration.eye import SCANNED, TAP, carry, eye
from trelscope.host.calibration.level import CalibrationError
from trelscope.host.cli import main
from trelscope.host.link import emulator as emulator_link
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest
from trelscope.sim.emulator import EmulatedBoard

from .pty_board import PtyBoard, Stepped, plugged_in

SERIAL = "D00123"
SOURCE = "emulator:bmim3-1mm2"
EYE = range(30, 91)


@pytest.fixture
def with_an_eye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_link, "EmulatedBoard", partial(EmulatedBoard, eye=EYE))


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PtyBoard]:
    """A board with a USB serial number; calibrations are kept in an empty folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    board = plugged_in(monkeypatch, SERIAL)
    yield board
    board.close()


@pytest.mark.usefixtures("with_an_eye")
def test_the_emulated_board_s_eye_is_found() -> None:
    link = open_link(SOURCE, seed=1, paced=False)
    usual = link.front_end
    said: list[str] = []
    found = eye(*scan(Instrument(link), said.append))
    assert link.front_end == usual, "nothing is changed by looking"
    link.close()
    step = SCANNED.step
    assert EYE[0] <= found.first < EYE[0] + step
    assert EYE[-1] - step < found.last <= EYE[-1]
    assert not found.goes_on
    assert "where its ADC's code is 8192" in said[0]


@pytest.mark.usefixtures("with_an_eye")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "adc", SOURCE, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["adc_delay"] == pytest.approx((EYE[0] + EYE[-1]) / 2 * TAP, abs=2 * TAP)


def test_an_eye_without_edges_is_said_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "adc", SOURCE]) == 0
    said = capsys.readouterr().out
    assert "one of its edges was not seen" in said
    assert "not kept" in said


def test_what_is_kept_is_in_force(board: PtyBoard) -> None:
    def delay() -> int:
        instrument = Instrument(Stepped(board, f"serial:{SERIAL}"))
        instrument.start(CaptureRequest(pulses=1).plan(16384))
        set_to = instrument.read("adc_delay")
        instrument.close()
        return set_to

    assert delay() == 50, "as the gateware has it"
    saved.store_adc_delay(SERIAL, 61 * TAP)
    assert delay() == 61


def test_a_file_that_says_nonsense_is_refused(board: PtyBoard) -> None:
    saved.store_adc_delay(SERIAL, 1.0)
    with pytest.raises(CalibrationError, match="not a calibration"):
        saved.load_adc_delay(SERIAL)


def test_the_widest_stretch_counts() -> None:
    noise = [3.0] * 2 + [900.0] * 3 + [3.0] * 10 + [900.0] * 5
    found = eye(range(0, 80, 4), noise)
    assert (found.first, found.last, found.middle) == (20, 56, 38)
    assert found.goes_on, "to shorter delays"


@pytest.mark.parametrize(
    ("noise", "says"),
    [
        ([500.0] * 20, "scatter by 500 at every delay"),
        ([900.0] * 8 + [3.0] * 3 + [900.0] * 9, "the eye is only 200 ps wide"),
    ],
)
def test_eyes_that_are_none(noise: list[float], says: str) -> None:
    with pytest.raises(CalibrationError, match=says):
        eye(range(0, 80, 4), noise)


def test_all_bits_change_around_the_code_that_is_looked_at() -> None:
    link = EmulatorLink("bmim3-1mm2", paced=False)
    code, volts = carry(link.front_end)
    link.close()
    assert code == 1 << 13
    assert volts == pytest.approx(4.8)
