"""After the definition of rise and fall has changed, nothing on the screen is measured by the one before."""

import math
from pathlib import Path

from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open
from trelscope.host.acquisition.sweep import Axis
from trelscope.host.app.panels.comparison import Comparison
from trelscope.host.app.references import Reference
from trelscope.host.app.session.recorded import as_recording, measure_again, with_levels
from trelscope.host.app.window import MainWindow
from trelscope.host.files import recordings

TWENTY = "Rise and fall from 20 to 80 %"


def differences(window: MainWindow) -> list[float]:
    """Of onset, rise, response, fall and the others, in standard errors, from the same data: 0 if all is alike."""
    now, then = window.shown.measurements, window.references.kept[-1].data.measurements
    assert now.options.low == then.options.low
    assert now.options.high == then.options.high
    pairs = [(q, then.quantities()[name]) for name, q in now.quantities().items()]
    return [abs(a.value - b.value) for a, b in pairs if math.isfinite(a.value + b.value)]


def test_references_are_measured_again(opened: Open, until, tmp_path: Path) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None and window.shown.accounting.pulses_averaged > 1000)
    path = tmp_path / "kept.npz"
    recordings.save(path, as_recording(window.shown))
    window.open_recording(path)
    window.keep_reference()
    assert max(differences(window)) == 0
    window.menus.action(TWENTY).trigger()
    assert window.shown.measurements.options.high == 0.8
    assert window.comparison.differences["response"].text() == "–"  # measured again, but not here
    until(lambda: window.references.kept[-1].data.measurements.options.high == 0.8)
    assert max(differences(window)) == 0  # the same recording, on both sides by the new definition
    assert window.comparison.ratios["response"].text().startswith("1.0")
    window.open_recording(path)  # recorded by the old one
    assert max(differences(window)) == 0
    assert "80 %" in window.results.times.definition.text()


def test_what_is_not_measured_again_yet_is_not_compared(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None and math.isfinite(window.shown.measurements.rise.value))
    data = measure_again(window.shown)
    comparison = Comparison()
    comparison.show_data(data, (Reference(with_levels(data, 0.2, 0.8)),))
    assert comparison.differences["response"].text() == "–"
    assert comparison.differences["settling"].text() != "–"  # which does not depend on the levels


def test_points_of_a_sweep_are_measured_again(opened: Open, until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.session.snapshot.data is not None)
    view = window.sweep
    view.axis.setCurrentIndex(view.axis.findData(Axis.VOLTS))
    view.pulses.enter("64")
    view.points.enter("2")
    window.docks.by_title["Sweep"].raise_()
    qtbot.mouseClick(view.start, Qt.MouseButton.LeftButton)
    until(lambda: view.start.text() == "Sweep" and len(view.run.done) == 2)
    before = list(view.plot.curve.getData()[1])
    window.menus.action(TWENTY).trigger()
    until(lambda: all(p.recording.measurements.options.high == 0.8 for p in view.run.done))
    window.refresh_slow()
    after = list(view.plot.curve.getData()[1])
    assert [b < a for a, b in zip(before, after, strict=True)] == [True, True]
    assert view.table.item(0, 1).text().startswith(f"{after[0] * 1e3:.0f}"[:2])
