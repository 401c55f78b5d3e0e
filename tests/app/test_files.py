"""Export is what is on the screen, recordings come back onto it, and a killed window loses about a second."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QImage
from PyQt6.QtPdf import QPdfDocument
from PyQt6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from trelscope.host.app import style
from trelscope.host.app.recovery import recover_averages
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.app.window import MainWindow
from trelscope.host.files import recordings

Open = Callable[..., MainWindow]
Until = Callable[[Callable[[], bool]], None]
ROOT = Path(__file__).parents[2]


def pulses(window: MainWindow) -> int:
    shown: AverageData | None = window.shown
    return shown.accounting.pulses_averaged if shown else 0


@pytest.mark.parametrize("suffix", [".csv", ".h5", ".npz"])
def test_an_export_is_what_is_on_the_screen(
    opened: Open, until: Until, tmp_path: Path, suffix: str
) -> None:
    window = opened()
    until(lambda: pulses(window) > 600)
    window.freeze(True)
    window.keep_reference()
    path = tmp_path / f"shown{suffix}"
    window.exports.export(path)
    recording = recordings.load(path)
    shown, view = window.shown, window.traces.view
    digits = 1e-8 if suffix == ".csv" else 0.0
    dark = shown.light.y[shown.light.t < shown.measurements.t0].mean()
    assert (recording.light.y - dark) * 1e3 == pytest.approx(view.mean, rel=digits, abs=1e-6)
    assert recording.light.se == pytest.approx(shown.light.se, rel=digits, nan_ok=True)
    assert recording.settings == shown.settings
    assert recording.accounting == shown.accounting
    value = window.results.times.cells["response"][1].text().split()[0]
    assert recording.measurements.response.value * 1e6 == pytest.approx(float(value), rel=2e-5)
    beside = recordings.load(tmp_path / f"shown.reference-1{suffix}")
    assert beside.light.y == pytest.approx(window.references.kept[0].data.light.y, rel=digits)


def test_pictures_are_of_the_plots(opened: Open, until: Until, tmp_path: Path) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    window.refresh()
    size = window.traces.size()
    for suffix in (".png", ".svg", ".pdf"):
        window.exports.export(tmp_path / f"plot{suffix}")
    png = QImage(str(tmp_path / "plot.png"))
    assert png.width() == 2 * size.width()
    caption = png.height() - 2 * size.height()  # below the plots
    assert 40 < caption < 200
    size += QSize(0, caption // 2)
    light = QImage(str(tmp_path / "plot.png")).convertToFormat(QImage.Format.Format_RGB32)
    colours = {
        light.pixel(x, y) for x in range(0, png.width(), 3) for y in range(0, png.height(), 3)
    }
    assert 0xFF0072B2 in colours  # the curve, in the colours for paper
    assert 0xFFFFFFFF in colours
    assert style.theme() is style.DARK  # as before
    day = window.shown.metadata["when"][:10]
    assert window.exports.suggested() == f"bmim3-1mm2_5V_{day}"
    svg = QSvgRenderer(str(tmp_path / "plot.svg"))
    assert svg.isValid()
    assert svg.viewBoxF().size().toSize() == size
    assert "#0072b2" in (tmp_path / "plot.svg").read_text()
    assert 'd=""' not in (tmp_path / "plot.svg").read_text()
    pdf = QPdfDocument(None)
    pdf.load(str(tmp_path / "plot.pdf"))
    assert np.abs(grey(pdf.render(0, size)) - grey(png.scaled(size))).mean() < 2
    words = " ".join(pdf.getAllText(0).text().split())
    assert "EMULATOR bmim3-1mm2, 5 V, 10 kHz, width 50 µs" in words
    assert "Response (drive edge to 90 %): 3.3" in words


def test_results_are_a_table_for_spreadsheets(opened: Open, until: Until, tmp_path: Path) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: pulses(window) > 600)
    window.freeze(True)
    window.exports.export(tmp_path / "results.txt")
    lines = (tmp_path / "results.txt").read_text().splitlines()
    assert lines[0].split("\t")[:4] == ["quantity", "value", "standard error", "unit"]
    response = next(line for line in lines if line.startswith("Response\t")).split("\t")
    assert float(response[1]) == pytest.approx(window.shown.measurements.response.value)
    assert "voltage (V)\t5" in lines[lines.index("") :]  # short lines, below the table


def grey(image: QImage) -> NDArray[np.float64]:
    """A picture's brightness, smoothed over 16 pixels: where lines are in a pixel does not matter."""
    small = image.scaled(
        image.size() / 16,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).convertToFormat(QImage.Format.Format_Grayscale8)
    rows = small.constBits().asarray(small.sizeInBytes())
    return np.array(rows, float).reshape(small.height(), -1)[:, : small.width()]


@pytest.mark.parametrize("name", ["plot.bmp", "missing/plot.png", "missing/data.csv"])
def test_an_export_that_cannot_be_is_said(
    opened: Open, until: Until, tmp_path: Path, name: str
) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    window.refresh()
    window.exports.export(tmp_path / name)
    assert str(tmp_path / name) in window.log.toPlainText().splitlines()[-1]
    assert not (tmp_path / name).exists()


def test_a_recording_is_opened_and_measured_anew(
    opened: Open, until: Until, tmp_path: Path
) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: pulses(window) > 600)
    window.refresh()
    path = tmp_path / "hr.npz"
    window.exports.export(path)
    window.session.open("emulator:bmim3-1mm2")
    until(lambda: window.session.snapshot.source == "emulator:bmim3-1mm2" and pulses(window) > 0)
    window.open_recording(path)
    assert window.shown.measurements.response.value == pytest.approx(0.7e-6, rel=0.02)
    assert "recording hr.npz" in window.log.toPlainText()
    window.refresh()
    assert window.banner.badge.text() == "RECORDING"
    assert window.banner.badge.property("kind") == "recording"
    assert window.banner.name.text() == "hr.npz"
    assert window.banner.message.text().startswith("EMULATOR hr-1mm2, 5 V, 10 kHz, width 50 µs")
    assert not window.banner.factor.text()
    assert window.windowTitle() == "trelscope — RECORDING hr.npz"
    averaged = f"{window.shown.accounting.pulses_averaged:,}".replace(",", "\u2009")
    assert averaged in window.banner.message.text()
    assert window.status.pulses.text() == f"{averaged} pulses"  # and not those of what runs
    assert window.status.state.text() == "recording; behind it: running"
    assert not window.status.link.text()
    assert not window.status.drawn.text()
    assert window.menus.action("Freeze the picture").isChecked()
    whole = window.shown.measurements.rise.value
    window.set_levels(0.2, 0.8)
    assert window.shown.measurements.rise.value < 0.8 * whole
    window.results.times.select("rise")
    assert "20 to 80 %" in window.results.times.definition.text()
    window.freeze(False)
    until(lambda: window.shown is not None and window.shown.source == "emulator:bmim3-1mm2")
    until(lambda: window.shown.measurements.options.low == 0.2)  # what runs is measured alike


def test_the_average_of_a_killed_window_is_recovered(
    opened: Open, until: Until, tmp_path: Path, qtbot: QtBot
) -> None:
    journals, folder = tmp_path / "journals", tmp_path / "recovered"
    program = (
        "import sys; from pathlib import Path; from PyQt6.QtWidgets import QApplication;"
        "from trelscope.host.app.window import MainWindow; app = QApplication(sys.argv[:1]);"
        "window = MainWindow('emulator:hr-1mm2', journals=Path(sys.argv[1])); window.show(); app.exec()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(journals)],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )

    def copied() -> bool:
        assert process.poll() is None
        return any(each.stat().st_size > 200_000 for each in journals.glob("*.journal"))

    until(copied)
    assert recover_averages(journals, folder) == ([], [])  # it is still in use
    process.send_signal(signal.SIGKILL)
    process.wait()
    (path,), (words,) = recover_averages(journals, folder)
    assert str(path) in words
    assert not any(journals.iterdir())
    window = opened()
    window.menus.list_recovered([path])
    window.menus.recovered[0].trigger()
    assert window.shown.source == "emulator:hr-1mm2"
    assert window.shown.accounting.pulses_averaged > 0
    assert np.isfinite(window.shown.measurements.response.value)


def test_a_closed_window_leaves_no_journal(until: Until, tmp_path: Path, qtbot: QtBot) -> None:
    exponential = RequestedSettings(averaging=Averaging.EXPONENTIAL)  # it has one like any other
    window = MainWindow("emulator:hr-1mm2", requested=exponential, journals=tmp_path)
    qtbot.addWidget(window)
    until(lambda: any(tmp_path.glob("*.journal")))
    window.close()
    until(lambda: not window.session.alive)
    assert not any(tmp_path.iterdir())
