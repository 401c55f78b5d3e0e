"""Sweeps: the same results on any executor, real instruments one at a time, cancelling, and what fails alone."""

import json
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.host.recordings import a_recording
from trelscope.host.acquisition import sweep
from trelscope.host.acquisition.recording import Recording
from trelscope.host.acquisition.sweep import Axis, CancelToken, Point, Progress, Sweep, points
from trelscope.host.cli import main
from trelscope.host.errors import UserError
from trelscope.host.files.formats import read
from trelscope.host.planning import CaptureRequest, SettingsError

SOURCE = "emulator:hr-1mm2"
SMALL = CaptureRequest(pulses=32, width=4e-6, window=(-0.5e-6, 5e-6))
FLAGS = ["--pulses", "32", "--width", "4u", "--window=-0.5u:5u"]


def volts(*values: float, seed: int = 0) -> Sweep:
    """A small sweep."""
    return Sweep(Axis.VOLTS, values, SOURCE, SMALL, seed)


def by_value(done: list[Point]) -> dict[float | str, dict[str, object]]:
    return {point.value: point.as_dict() for point in done}


@pytest.mark.parametrize(
    "executor",
    [
        lambda: ThreadPoolExecutor(3),
        lambda: ProcessPoolExecutor(2, multiprocessing.get_context("spawn")),
    ],
    ids=["threads", "processes"],
)
def test_any_executor_gives_the_same_results(executor: Callable[[], Executor]) -> None:
    plan = volts(3.0, 5.0, 7.0, seed=3)
    with ThreadPoolExecutor(1) as one, executor() as many:
        alone, together = (by_value(list(points(plan, pool))) for pool in (one, many))
    assert list(alone) == [3.0, 5.0, 7.0]
    assert together == alone
    for value, point in alone.items():
        assert point["settings"]["volts"] == value  # type: ignore[index]
        assert point["accounting"]["pulses_averaged"] == 32  # type: ignore[index]


def test_every_point_has_noise_of_its_own_that_the_seed_decides() -> None:
    seeds = [volts(3.0, 4.0, seed=s).seed_of(k) for s in (-1, 0, 1) for k in (0, 1)]
    assert len(set(seeds)) == 6
    assert seeds[2:4] == [volts(3.0, 4.0).seed_of(k) for k in (0, 1)]


class Watched(ThreadPoolExecutor):
    """Says how many captures of real instruments were under way at each submission of one."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.real: list[Future[Point]] = []
        self.under_way: list[int] = []

    def submit(self, call, plan, index, *rest):  # type: ignore[no-untyped-def]
        future = super().submit(call, plan, index, *rest)
        if plan.source_of(index).startswith("tcp:"):
            self.under_way.append(sum(not each.done() for each in self.real))
            self.real.append(future)
        return future


def test_real_instruments_are_never_captured_in_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=60)  # of the emulators, which are
    released = threading.Event()

    def point(plan: Sweep, index: int, token: CancelToken) -> Point:
        if plan.source_of(index).startswith("emulator:"):
            meeting.wait()
        else:
            released.wait()
        return Point(index, plan.values[index], plan.source_of(index), 0, a_recording())

    monkeypatch.setattr(sweep, "_point", point)
    devices = ("emulator:a", "tcp://a:1", "tcp://b:1", "tcp://a:1", "emulator:b", "tcp://c:1")
    with Watched(6) as pool:
        iterator = points(Sweep(Axis.DEVICE, devices, "", SMALL), pool)
        done = [next(iterator)]
        released.set()
        done += iterator
    assert sorted(point.index for point in done) == [0, 1, 2, 3, 4, 5]
    assert pool.under_way == [0, 0, 0, 0]
    assert [point.index for point in done if point.index not in (0, 4)] == [1, 2, 3, 5]


@dataclass(frozen=True)
class FewLooks(CancelToken):
    """Cancels after so many looks."""

    looks: list[int] = field(default_factory=list)

    @property
    def cancelled(self) -> bool:
        self.looks.append(1)
        if len(self.looks) > 4:
            self.cancel()
        return super().cancelled


def test_cancelling_does_not_wait_for_the_end_of_a_point() -> None:
    token = FewLooks()
    endless = Sweep(Axis.VOLTS, (3.0, 4.0), SOURCE, CaptureRequest(pulses=2**31))
    with ThreadPoolExecutor(1) as pool:
        assert list(points(endless, pool, token)) == []
    assert len(token.looks) > 4
    assert not Path(token.path).exists()


def test_closing_cancels_what_is_to_come() -> None:
    plan = volts(3.0, 4.0, 5.0, 6.0, 7.0)
    token = CancelToken()
    with ThreadPoolExecutor(1) as pool:
        iterator = points(plan, pool, token)
        assert next(iterator).value == 3.0
        iterator.close()
    assert not Path(token.path).exists()


def test_a_point_that_fails_says_why_and_loses_no_other() -> None:
    plan = Sweep(Axis.DEVICE, (SOURCE, "emulator:nonsense"), "", SMALL)
    with ThreadPoolExecutor(2) as pool:
        done = by_value(list(points(plan, pool)))
    assert "unknown device" in str(done["emulator:nonsense"]["error"])
    assert "measurements" in done[SOURCE]


def test_a_width_too_long_for_the_last_rate_is_refused_beforehand() -> None:
    Sweep(Axis.RATE, (1e3, 10e3), SOURCE, CaptureRequest(width=80e-6)).check()
    with pytest.raises(SettingsError, match="at 15 kHz"):
        Sweep(Axis.RATE, (1e3, 10e3, 15e3), SOURCE, CaptureRequest(width=80e-6)).check()


def test_time_left_follows_the_rates() -> None:
    now = [0.0]
    progress = Progress(Sweep(Axis.RATE, (1e3, 2e3), SOURCE, SMALL), lambda: now[0])
    assert progress.left is None
    now[0] = 10.0
    progress.add(Point(0, 1e3, SOURCE, 0, a_recording()))
    assert progress.left == pytest.approx(5.0)


def failing(value: float) -> Callable[..., Recording]:
    """A capture that fails at one voltage."""
    real = sweep.capture

    def capture(link, settings_for, *rest):  # type: ignore[no-untyped-def]
        if settings_for(16384).volts == value:
            raise UserError("the interlock is open; close it")
        return real(link, settings_for, *rest)

    return capture


def test_json_and_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "v.h5"
    assert main(["sweep", "volts", "3:4:0.5", SOURCE, *FLAGS, "--json", "-o", str(file)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["axis"] == "volts"
    assert [point["value"] for point in said["points"]] == [3.0, 3.5, 4.0]
    assert said["points"][0]["source"] == SOURCE
    columns, about = read(file)
    assert about["points"] == said["points"]
    assert columns["response"].tolist() == [
        point["measurements"]["response"]["value"] for point in said["points"]
    ]

    monkeypatch.setattr(sweep, "capture", failing(3.5))
    assert main(["sweep", "volts", "3:4:0.5", SOURCE, *FLAGS, "--json", "-o", str(file)]) == 1
    out, err = capsys.readouterr()
    broken = json.loads(out)
    assert broken["points"][1]["error"] == "the interlock is open; close it"
    assert broken["points"][::2] == said["points"][::2]
    assert "1 of 3 points failed" in err
    assert np.isnan(read(file)[0]["response"]).tolist() == [False, True, False]


def test_the_table_and_the_csv_of_devices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "d.csv"
    assert main(["sweep", "device", f"hr-1mm2,{SOURCE}?area=2", *FLAGS, "-o", str(file)]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["device", "Onset", "Rise", "Response"]
    assert first.startswith(SOURCE)
    assert second.startswith(f"{SOURCE}?area=2")
    rows = [line for line in file.read_text().splitlines() if line.startswith(SOURCE)]
    assert [row.split(",")[0] for row in rows] == [SOURCE, f"{SOURCE}?area=2"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["volts", "3:8:1"], 2, "3 V to 7 V"),
        (["rate", "10k,20k"], 2, "500 Hz to 15 kHz"),
        (["volts", "3:7"], 2, "START:STOP:STEP"),
        (["volts", "3:7:0"], 2, "steps"),
        (["volts", "7:3:1"], 2, "steps"),
        (["volts", "3:7:1n"], 2, "steps"),
        (["volts", "3,five"], 2, "not a number"),
        (["volts", "3:5:1", "--volts", "4"], 2, "leave it out"),
        (["device", "hr-1mm2", SOURCE], 2, "leave out"),
        (["device", "hr-1mm2,,"], 2, "list of devices"),
        (["device", "hr-1mm2,nonsense"], 1, "known:"),
        (["colour", "1,2"], 2, "invalid choice"),
        (["volts", "3", "-o", "x.foo"], 1, "unknown kind of file"),
    ],
)
def test_user_errors_are_one_line(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        exit_code = main(["sweep", *arguments])
    except SystemExit as stopped:
        exit_code = int(stopped.code or 0)
    out, err = capsys.readouterr()
    assert exit_code == code
    assert out == ""
    assert len(err.splitlines()) == 1
    assert says in err
