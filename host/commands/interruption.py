"""Signals that end a command: what has been captured by then is kept."""

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

Handler: TypeAlias = Any  # as `signal.signal` has it

ENDING = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    ENDING.append(signal.SIGHUP)
WORDS = {signal.SIGINT: "interrupted"}
ONE = 1.0
"""s in which signals are one: `timeout` and a terminal that closes send theirs to a process and to its group."""


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Let every signal that ends a program raise KeyboardInterrupt, as Ctrl-C does: nothing is left half done."""
    with _handled(_interrupt):
        yield


class Interruption:
    """Whether one of these signals has come, while it is the context.

    The first is taken down, for whoever asks at a moment that suits him; one that comes later raises KeyboardInterrupt.
    """

    _noted = -math.inf  # when the latest was; signals belong to the process
    why = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take signals down from now on."""
        with _handled(self._note):
            yield

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.why:
            _interrupt(number, frame)
            return
        Interruption._noted = time.monotonic()
        self.why = WORDS.get(signal.Signals(number), f"ended by {signal.Signals(number).name}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    if time.monotonic() - Interruption._noted >= ONE:
        raise KeyboardInterrupt


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """Have these signals handled; one that is ignored, as by nohup, stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    ours = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)
