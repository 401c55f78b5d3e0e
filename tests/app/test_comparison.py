"""Which of the references is compared with."""

from pytestqt.qtbot import QtBot

from trelscope.host.acquisition.capture import capture
from trelscope.host.app.panels.comparison import Comparison
from trelscope.host.app.references import MAX_REFERENCES, Reference
from trelscope.host.app.session.recorded import as_average
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest


def test_the_reference_that_was_kept_or_chosen_last_is_compared_with(qtbot: QtBot) -> None:
    link = open_link("emulator:hr-1mm2", seed=1, paced=False)
    data = as_average(capture(link, CaptureRequest(pulses=256).plan))
    comparison = Comparison()
    qtbot.addWidget(comparison)
    kept = tuple(Reference(data) for _ in range(MAX_REFERENCES))
    comparison.show_data(data, kept)
    assert comparison.reference.currentIndex() == MAX_REFERENCES - 1
    comparison.reference.setCurrentIndex(1)
    again = tuple(Reference(each.data) for each in kept)  # measured again
    comparison.show_data(data, again)
    assert comparison.reference.currentIndex() == 1
    comparison.show_data(data, (*again[1:], Reference(data)))
    assert comparison.reference.currentIndex() == MAX_REFERENCES - 1
