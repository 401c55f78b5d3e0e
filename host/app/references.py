"""Averages that are kept on the screen, so that later ones can be compared with them."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from PyQt6.QtCore import QObject, pyqtSignal

from trelscope.host.acquisition.recording import Recording
from trelscope.host.app.plots.light import LightView
from trelscope.host.app.session.recorded import as_average, has_levels, with_levels
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.units import format_si

MAX_REFERENCES = 4  # each has a line style of its own


@dataclass(frozen=True, eq=False)
class Reference:
    """One average that is kept."""

    data: AverageData

    @property
    def name(self) -> str:
        """The name in legends."""
        device = self.data.source.removeprefix("emulator:")
        return f"{device} {format_si(self.data.settings.volts, 'V')}"

    @cached_property
    def view(self) -> LightView:
        """The light as it is drawn."""
        return LightView.of(self.data)

    @cached_property
    def normalised(self) -> LightView:
        """The light in percent of its step."""
        return LightView.of(self.data, normalised=True)


class References(QObject):
    """The references of a window, oldest first; the newest push out the oldest.

    What has to be measured again is, in another thread; `collect` takes the results.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.kept: tuple[Reference, ...] = ()
        self.coming: list[Recording] = []  # those of an earlier start that are being measured
        self._restored = 0  # how many of an earlier start stand before those of this one
        self._levels: tuple[float, float] | None = None  # None: those that an average comes with
        self._executor = ThreadPoolExecutor(1, "references")
        # Measurements under way, each with the reference that it replaces; None: it is a new one.
        self._under_way: list[tuple[Reference | None, Future[AverageData]]] = []

    def keep(self, data: AverageData) -> Reference:
        """Keep an average, to be measured as all others are."""
        reference = Reference(data)
        self._set((*self.kept, reference))
        self._measure(reference)
        return reference

    def restore(self, recordings: Iterable[Recording]) -> None:
        """Keep these, as soon as they have been measured."""
        for each in recordings:
            self.coming.append(each)
            self._under_way.append((None, self._executor.submit(as_average, each)))

    def set_levels(self, low: float, high: float) -> None:
        """Have every reference measured again between these parts of the amplitude: like is compared with like."""
        self._levels = low, high
        for each in self.kept:
            self._measure(each)

    def collect(self) -> None:
        """Take what has been measured again in the meantime."""
        done = [each for each in self._under_way if each[1].done()]
        if not done:
            return
        self._under_way = [each for each in self._under_way if not each[1].done()]
        kept, new = list(self.kept), []
        for before, future in done:
            reference = Reference(future.result())
            if before is None:
                new.append(reference)
                del self.coming[0]  # they are measured one after the other
            elif before in kept:  # not dropped since
                kept[kept.index(before)] = reference
        at, self._restored = self._restored, self._restored + len(new)
        self._set((*kept[:at], *new, *kept[at:]))
        for reference in self.kept:
            self._measure(reference)  # if the levels have changed again

    def drop(self) -> None:
        """Keep none any longer."""
        self._under_way.clear()
        self.coming.clear()
        self._restored = 0
        self._set(())

    def close(self) -> None:
        """Measure nothing any longer."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _set(self, references: tuple[Reference, ...]) -> None:
        self.kept = references[-MAX_REFERENCES:]
        self.changed.emit()

    def _measure(self, reference: Reference) -> None:
        if self._levels is None or any(each is reference for each, _ in self._under_way):
            return
        if has_levels(reference.data, *self._levels):
            return
        future = self._executor.submit(with_levels, reference.data, *self._levels)
        self._under_way.append((reference, future))
