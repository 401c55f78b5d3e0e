"""The counting tab: the decay's histogram on a logarithmic axis, with a fit over it on demand."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPushButton, QWidget

from trelscope.host.app import style
from trelscope.host.app.layout import stacked
from trelscope.host.app.panels.counted_decay import CountedDecay
from trelscope.host.app.panels.panel import label
from trelscope.host.app.panels.quantity_box import QuantityBox
from trelscope.host.app.plots.plot import Plot, curve
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.decay import PILE_UP_LIMIT, Decay, Key
from trelscope.host.link.urls import is_emulated
from trelscope.host.units import format_si, format_with_error

US = 1e6
NO_COUNTS = "no photons are counted: take a detector that counts"
UNKNOWN = "–"
MODELS: dict[str, Key | None] = {
    "the model of least BIC": None,
    "1 exponential": 1,
    "2 exponentials": 2,
    "3 exponentials": 3,
    "a stretched exponential": "stretched",
}
GROWN = 2  # times as many pulses as were fitted: fit again
RESIDUALS = 5.0  # standard deviations that the plot of residuals shows


class CountingView(QWidget):
    """Shows the average if photons are counted, and says otherwise how to count them."""

    def __init__(self) -> None:
        super().__init__()
        self.counting: CountedDecay | None = None
        self.decay: Decay | None = None
        self._data: AverageData | None = None
        self._source = ""
        self._executor = ThreadPoolExecutor(1)
        self._fitting: Future[Decay] | None = None
        self._average = "", 0  # source and number of the average that the fit belongs to
        self.per_pulse, self.highest, self.pile_up = (label(UNKNOWN) for _ in range(3))
        self.dead = QuantityBox("s", 0.0, (0.0, 1e-3), 1e-9)
        self.fit = QPushButton("Fit decay")
        self.model = QComboBox()
        for name, model in MODELS.items():
            self.model.addItem(name, model)
        self.message = label(role="dim")
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.plot = Plot("Photons", "Time from the drive edge (µs)")
        item = self.plot.getPlotItem()
        item.setLogMode(y=True)
        item.setLimits(yMin=-1)  # a tenth of a photon: what is below, a fit makes
        self.bars = curve(self.plot, item, "light")
        self.line = curve(self.plot, item, "drive", Qt.PenStyle.DashLine)
        self.residuals = Plot("σ", "")
        self.residuals.getPlotItem().hideAxis("bottom")  # that of the histogram below
        self.residuals.getPlotItem().setYRange(-RESIDUALS, RESIDUALS)
        self.residuals.setXLink(self.plot)
        self.dots = curve(self.residuals, self.residuals.getPlotItem(), "light")
        self.residuals.hide()
        style.on_change(self.plot, self._restyle)
        self.model.activated.connect(self._choose_model)
        self.fit.clicked.connect(self.start_fit)
        self._lay_out()

    def show_data(self, data: AverageData | None) -> None:
        """Draw the average as it stands, and a fit once it is ready."""
        if self._fitting is not None and self._fitting.done():
            self.decay, self._fitting = self._fitting.result(), None
            self._fitted = self._fitting_of
            self._show_fit()
        if data is self._data:
            return
        self._data = data
        counted = data is not None and data.settings.counting
        self.fit.setEnabled(counted)
        if data is None or not counted:
            self.counting = None
            self.bars.setData([], [])
            self._forget_fit()
            self.plot.show_values(False)
            for each in (self.per_pulse, self.highest, self.pile_up):
                each.setText(UNKNOWN)
            self.message.setText("" if data is None else _advice(data.source))
            return
        if data.source != self._source:
            self._source = data.source
            self.dead.enter(format_si(data.front_end.dead_time or 0.0, "s"))
        average = data.source, data.number
        if average != self._average or not data.number:  # every recording is an average of its own
            self._average = average
            self._forget_fit()
        self.counting = found = CountedDecay.of(data, self.dead.value or 0.0)
        self.per_pulse.setText(f"{found.per_pulse:.4g}")
        self.highest.setText(format_si(found.highest, "/s", 3))
        self.pile_up.setText(f"{100 * found.pile_up:.2f} %")
        style.set_property(self.pile_up, "role", "warning" if found.pile_up > PILE_UP_LIMIT else "")
        self.plot.show_values(True)
        middle = (found.edges[:-1] + found.edges[1:]) / 2 * US
        self.bars.setData(middle, np.maximum(found.counts, 0.5))
        if self.decay is not None and found.pulses >= GROWN * self._fitted.pulses:
            self._begin_fit()
        self._draw_fit()

    def start_fit(self) -> None:
        """Fit the present histogram in another thread, and again whenever it has grown to twice the pulses."""
        if self.counting is None or self._fitting is not None:
            return
        self._forget_fit()
        self.message.setText("fitting")
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
        self.line.setData([], [])
        self.dots.setData([], [])
        self.residuals.hide()
        self.message.clear()

    def _show_fit(self) -> None:
        assert self.decay is not None
        if self.decay.reason:
            self.message.setText(self.decay.reason)
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
        lines.append(f"average {format_with_error(average.value, average.se, 's')}")
        lines.append(f"of {self.decay.photons} photons")
        lines.append(f"misfit {self.decay.misfit:.1f} σ")
        self.message.setText("\n".join(lines))

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
        middle = (found.edges[:-1] + found.edges[1:]) / 2 * US
        expected = decay.expected * (found.pulses / self._fitted.pulses)
        self.line.setData(middle, np.maximum(expected, 1e-3))
        left = (found.counts - expected) / np.sqrt(np.maximum(expected, 1.0))
        self.dots.setData(middle, left)
        self.residuals.show_values(True)
        self.residuals.show()

    def _restyle(self, theme: style.Theme) -> None:
        self.residuals.setFixedHeight(style.pixels(44))
        self.line.setPen(pg.mkPen(theme.drive, width=2, style=Qt.PenStyle.DashLine))

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
        form.addWidget(self.model, 4, 0, 1, 2)
        form.addWidget(self.fit, 5, 0, 1, 2)
        form.setRowStretch(6, 1)
        left = QWidget()
        left.setLayout(form)
        left.setFixedWidth(style.pixels(208))
        self.message.setFixedWidth(style.pixels(150))
        row_of_all = QHBoxLayout(self)
        row_of_all.setContentsMargins(4, 2, 4, 2)
        row_of_all.addWidget(left)
        row_of_all.addWidget(stacked(self.residuals, self.plot), 1)
        row_of_all.addWidget(self.message)


def _advice(source: str) -> str:
    """How to count photons, given the present source."""
    if not is_emulated(source):
        return NO_COUNTS
    return f"{NO_COUNTS}, e.g. {source.removeprefix('emulator:').partition('?')[0]}?detector=pmt"
