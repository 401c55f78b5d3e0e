"""The counting tab: the decay's histogram on a logarithmic axis, with a fit over it on demand."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from trelscope.host.app import style
from trelscope.host.app.panels.counted_decay import CountedDecay
from trelscope.host.app.panels.counting_advice import advice
from trelscope.host.app.panels.panel import label
from trelscope.host.app.panels.quantity_box import QuantityBox
from trelscope.host.app.panels.times_panel import DOUBT
from trelscope.host.app.plots.counted_plot import CountedPlot
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.app.session.worker import INTERNAL
from trelscope.host.decay import PILE_UP_LIMIT, Decay, Key
from trelscope.host.units import format_concise, format_si, format_with_error

LEFT, RIGHT = 236, 168  # pixels at a scale of 1, of what stands beside the plot
UNKNOWN = "–"
MODELS: dict[str, Key | None] = {
    "least BIC": None,
    "1 exponential": 1,
    "2 exponentials": 2,
    "3 exponentials": 3,
    "a stretched exponential": "stretched",
}
GROWN = 2  # times as many pulses as were fitted: fit again


class CountingView(QWidget):
    """Shows the average if photons are counted, and says otherwise how to count them.

    `opened` carries the source that is suggested, if the user takes the suggestion; `fitted` the lifetime that has
    been found, as text, "" if there is none any longer, and the identity of its average.
    """

    opened = pyqtSignal(str)
    fitted = pyqtSignal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.counting: CountedDecay | None = None
        self.decay: Decay | None = None
        self._data: AverageData | None = None
        self._source = self._suggested = ""
        self._failed = False  # the last fit ended with an error of this program, which is shown
        self._executor = ThreadPoolExecutor(1)
        self._fitting: Future[Decay] | None = None
        self._average = "", 0, ""  # identity of the average that the fit belongs to
        self.per_pulse, self.highest, self.pile_up = (label(UNKNOWN) for _ in range(3))
        self.dead = QuantityBox("s", 0.0, (0.0, 1e-3), 1e-9)
        self.fit = QPushButton("Fit decay")
        self.model = QComboBox()
        for name, model in MODELS.items():
            self.model.addItem(name, model)
        self.message = label(role="dim")
        self.message.setWordWrap(True)
        self.words = QWidget()  # the message, and what may be done about it
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.suggestion = QPushButton()
        self.suggestion.hide()
        self.counted = CountedPlot()
        self.model.activated.connect(self._choose_model)
        self.fit.clicked.connect(self.start_fit)
        self.suggestion.clicked.connect(lambda _: self.opened.emit(self._suggested))
        self._lay_out()

    def show_data(self, data: AverageData | None) -> None:
        """Draw the average as it stands, and a fit once it is ready."""
        if self._fitting is not None and self._fitting.done():
            self._take_fit(self._fitting)
        if data is self._data:
            return
        self._data = data
        counted = data is not None and data.settings.counting
        self.fit.setEnabled(counted)
        if data is None or not counted:
            self.counting = None
            self._forget_fit()
            self.counted.show_counts(None)
            for each in (self.per_pulse, self.highest, self.pile_up):
                each.setText(UNKNOWN)
            self._advise("" if data is None else data.source)
            return
        if data.source != self._source:
            self._source = data.source
            self.dead.enter(format_si(data.front_end.dead_time or 0.0, "s"))
        average = data.identity
        if average != self._average or not data.number:  # every recording is an average of its own
            self._average = average
            self._forget_fit()
        self.counting = found = CountedDecay.of(data, self.dead.value or 0.0)
        self.per_pulse.setText(f"{found.per_pulse:.4g}")
        self.highest.setText(format_si(found.highest, "/s", 3))
        much = found.pile_up > PILE_UP_LIMIT
        self.pile_up.setText(f"{100 * found.pile_up:.2f} %{f' {DOUBT}' * much}")
        style.set_property(self.pile_up, "role", "warning" if much else "")
        self.counted.show_counts(found)
        if self.decay is not None and found.pulses >= GROWN * self._fitted.pulses:
            self._begin_fit()
        if self.decay is None and self._fitting is None and not self._failed:
            self._advise(data.source)
        self._draw_fit()

    def _take_fit(self, fitting: Future[Decay]) -> None:
        self._fitting = None
        error = fitting.exception()
        if error is not None:  # an error of this program: said once, and the next fit may succeed
            logging.getLogger(__name__).error("internal error", exc_info=error)
            self._forget_fit()
            self._say(f"{INTERNAL}: {error!r}")
            self._failed = True
            return
        self.decay, self._fitted = fitting.result(), self._fitting_of
        self._show_fit()

    def start_fit(self) -> None:
        """Fit the present histogram in another thread, and again whenever it has grown to twice the pulses."""
        if self.counting is None or self._fitting is not None:
            return
        self._forget_fit()
        self._say("fitting")
        self._begin_fit()

    def _begin_fit(self) -> None:
        if self.counting is None or self._data is None or self._fitting is not None:
            return
        response = self._data.front_end.detector_delay
        self._fitting_of = self.counting
        self._fitting = self._executor.submit(self.counting.fit, response, self.model.currentData())

    def close_fit(self) -> None:
        """Cancel a fit that has not begun, without waiting."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _choose_model(self) -> None:
        """Fit the model that has been chosen, if a fit is shown or under way."""
        if self.decay is not None or self._fitting is not None:
            self._forget_fit()
            self.start_fit()

    def _forget_fit(self) -> None:
        self.decay = None
        if self._fitting is not None:  # of what is no longer shown
            self._fitting.cancel()
            self._fitting = None
        self.counted.show_fit(None)
        self.fitted.emit("", self._average)
        self._suggest("")
        self._failed = False
        self._say("")

    def _show_fit(self) -> None:
        assert self.decay is not None
        if self.decay.reason:
            self._say(self.decay.reason)
            return
        self._draw_fit()
        best = " (least BIC)" if self.model.currentData() is None else ""
        names = {model: name for name, model in MODELS.items()}
        lines = [f"{names[self.decay.model]}{best}"]
        lines += [
            f"lifetime {format_with_error(c.lifetime.value, c.lifetime.se, 's')}"
            for c in self.decay.components
        ]
        if self.decay.model == "stretched":
            stretch = self.decay.components[0].stretch
            lines.append(f"stretch {stretch.value:.3f} ± {stretch.se:.3f}")
        average = self.decay.amplitude_average
        self.fitted.emit(format_concise(average.value, average.se, "s"), self._average)
        lines.append(f"average {format_with_error(average.value, average.se, 's')}")
        lines.append(f"of {self.decay.photons} photons")
        lines.append(f"misfit {self.decay.misfit:.1f} σ")
        self._say("\n".join(lines))

    def _draw_fit(self) -> None:
        """The fitted curve, scaled to the pulses of the histogram that is shown, and what is left of that."""
        found, decay = self.counting, self.decay
        if (
            found is None
            or decay is None
            or decay.reason
            or decay.expected.size != found.counts.size
        ):
            return
        self.counted.show_fit(decay.expected * (found.pulses / self._fitted.pulses))

    def _advise(self, opened: str) -> None:
        """Say how to count photons, or more of them, or fewer."""
        words, url = advice(opened, self.counting)
        self._say(words)
        self._suggest(url)

    def _say(self, words: str) -> None:
        """Beside the plot, which has that room while there is nothing to be said."""
        self.message.setText(words)
        self.words.setVisible(bool(words))

    def _suggest(self, url: str) -> None:
        self._suggested = url
        self.suggestion.setText("Open that")
        self.suggestion.setToolTip(f"open {url}")
        self.suggestion.setVisible(bool(url))

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setVerticalSpacing(2)
        for row, (name, widget) in enumerate(
            (
                ("Photons per pulse", self.per_pulse),
                ("Highest rate", self.highest),
                ("Pile-up", self.pile_up),
                ("Dead time", self.dead),
            )
        ):
            form.addWidget(label(name), row, 0)
            form.addWidget(widget, row, 1)
        self.pile_up.setToolTip("pulses after which the detector is not ready, where that is worst")
        self.dead.setToolTip("of the detector; what it costs is corrected for in the fit")
        self.model.setToolTip(
            "what is fitted; BIC weighs the misfit against the number of parameters"
        )
        for row, widgets in (
            (4, (self.counted.bins, self.counted.zoom)),
            (5, (self.model, self.fit)),
        ):
            for column, widget in enumerate(widgets):
                form.addWidget(widget, row, column)
        form.setRowStretch(6, 1)
        left = QWidget()
        left.setLayout(form)
        words = QVBoxLayout(self.words)
        words.setContentsMargins(0, 0, 0, 0)
        words.addWidget(self.message, 1)
        words.addWidget(self.suggestion)
        row_of_all = QHBoxLayout(self)
        row_of_all.setContentsMargins(4, 2, 4, 2)
        row_of_all.addWidget(left)
        row_of_all.addWidget(self.counted, 1)
        row_of_all.addWidget(self.words)

        def resize(_: style.Theme) -> None:
            left.setFixedWidth(style.pixels(LEFT))
            self.words.setFixedWidth(style.pixels(RIGHT))

        style.on_change(self, resize)
