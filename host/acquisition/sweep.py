"""Captures over a range of voltages, rates or devices, on any executor: the same results, however many at a time."""

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.recording import Recording
from trelscope.host.errors import UserError
from trelscope.host.link.urls import is_emulated, open_link
from trelscope.host.planning import CaptureRequest


class Axis(StrEnum):
    """What is swept."""

    VOLTS = "volts"
    RATE = "rate"
    DEVICE = "device"


UNITS = {Axis.VOLTS: "V", Axis.RATE: "Hz", Axis.DEVICE: ""}


@dataclass(frozen=True)
class Sweep:
    """A capture for each of `values`: V, Hz or, of devices, sources. All else is as `asked` of `source`."""

    axis: Axis
    values: tuple[float | str, ...]
    source: str
    asked: CaptureRequest
    seed: int = 0

    def source_of(self, index: int) -> str:
        """Where a point is captured."""
        value = self.values[index]
        return value if isinstance(value, str) else self.source

    def asked_of(self, index: int) -> CaptureRequest:
        """What is asked for at a point."""
        match self.axis:
            case Axis.VOLTS:
                return replace(self.asked, volts=float(self.values[index]))
            case Axis.RATE:
                return replace(self.asked, rate=float(self.values[index]))
        return self.asked

    def seed_of(self, index: int) -> int:
        """Of a point's emulated noise: every point has its own, whoever captures it and when."""
        return int(np.random.SeedSequence([self.seed & (2**64 - 1), index]).generate_state(1)[0])

    def check(self) -> None:
        """Open every source, and plan every point: what cannot be is refused before anything has moved.

        Raises LinkError, InstrumentError, SettingsError.
        """
        depths: dict[str, int] = {}
        for index in range(len(self.values)):
            source = self.source_of(index)
            if source not in depths:
                link = open_link(source)
                try:
                    depths[source] = Instrument(link).identity.depth
                finally:
                    link.close()
            self.asked_of(index).plan(depths[source])


@dataclass(frozen=True, eq=False)
class Point:
    """One point of a sweep. recording: None where it failed; error: why, in one line."""

    index: int
    value: float | str
    source: str
    seed: int
    recording: Recording | None
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types in SI units."""
        head = {"value": self.value, "source": self.source, "seed": self.seed}
        if self.recording is None:
            return head | {"error": self.error}
        about = self.recording.about()
        return head | {
            key: about[key]
            for key in ("settings", "measurements", "secondary", "reference", "accounting")
        }


@dataclass(frozen=True)
class CancelToken:
    """Tells threads and processes alike to stop: a file that exists until then."""

    path: str = field(default_factory=lambda: _scratch())

    @property
    def cancelled(self) -> bool:
        """Whether the work is to stop."""
        return not os.path.exists(self.path)

    def cancel(self) -> None:
        """End whatever is at work after the frame that it waits for. May be called twice, and from any thread."""
        Path(self.path).unlink(missing_ok=True)


def points(
    sweep: Sweep, executor: Executor, token: CancelToken | None = None
) -> Generator[Point, None, None]:
    """Points as they are finished, in whatever order; `token.cancel()`, or closing the iterator, cancels the others.

    Emulated boards are captured as many at a time as `executor` likes, real ones one after the other.
    """
    token = CancelToken() if token is None else token
    todo = range(len(sweep.values))
    real = [index for index in todo if not is_emulated(sweep.source_of(index))]
    waiting = deque(real)

    def submit(index: int) -> Future[Point | None]:
        return executor.submit(_point, sweep, index, token)

    at_work = {submit(index): index for index in todo if index not in real}
    try:
        while at_work or waiting:
            if waiting and not set(real) & set(at_work.values()):
                index = waiting.popleft()
                at_work[submit(index)] = index
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                index = at_work.pop(future)
                point = _result(sweep, index, future)
                if point is not None:
                    yield point
            if token.cancelled:
                return
    finally:
        token.cancel()
        for future in at_work:
            future.cancel()
        wait(at_work)


class Progress:
    """How long a sweep will take, from what its points have taken."""

    def __init__(self, sweep: Sweep, clock: Callable[[], float] = time.monotonic) -> None:
        self.done, self.total = 0, len(sweep.values)
        self._weights = [1 / sweep.asked_of(index).rate for index in range(self.total)]
        self._finished = 0.0
        self._clock = clock
        self._began = clock()

    def add(self, point: Point) -> None:
        """Take notice of a finished point."""
        self.done += 1
        self._finished += self._weights[point.index]

    @property
    def left(self) -> float | None:
        """s to go; None before the first point."""
        if not self.done:
            return None
        rest = sum(self._weights) - self._finished
        return max((self._clock() - self._began) / self._finished * rest, 0.0)


class _Cancelled(Exception):
    """The sweep has been cancelled."""


def _point(sweep: Sweep, index: int, token: CancelToken) -> Point | None:
    """Capture a point; None if cancelled. Runs in a thread or process of the executor."""
    value, source, seed = sweep.values[index], sweep.source_of(index), sweep.seed_of(index)
    asked = sweep.asked_of(index)

    def look(done: int, total: int) -> None:
        if token.cancelled:
            raise _Cancelled

    try:
        look(0, 0)
        link = open_link(source, seed, paced=False)
        try:
            recording = capture(link, asked.plan, look, asked.counting)
        finally:
            link.close()
    except _Cancelled:
        return None
    except UserError as error:
        return Point(index, value, source, seed, None, str(error))
    return Point(index, value, source, seed, recording)


def _result(sweep: Sweep, index: int, future: Future[Point | None]) -> Point | None:
    try:
        return future.result()
    except BrokenExecutor:
        why = "the process that captured it has died; sweep this value again"
        return Point(
            index, sweep.values[index], sweep.source_of(index), sweep.seed_of(index), None, why
        )


def _scratch() -> str:
    number, path = tempfile.mkstemp(prefix="trelscope-sweep-")
    os.close(number)
    return path
