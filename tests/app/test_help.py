"""What can be found out in the window itself."""

from PyQt6.QtWidgets import QTextBrowser

from tests.app.conftest import Open
from trelscope.host.app import help_texts, style
from trelscope.host.app.panels.accounting_panel import COUNTS


def test_keys_and_definitions(opened: Open) -> None:
    window = opened("emulator:hr-1mm2")
    actions = [
        window.menus.action(text) for text in ("Run or stop", "Keep as reference", "Light theme")
    ]
    text = help_texts.show_keys(window, actions).findChild(QTextBrowser).toPlainText()
    assert "Space" in text
    assert "Keep as reference" in text
    assert "Light theme" not in text  # it has no key
    window.set_levels(0.2, 0.8)
    shown = help_texts.show_definitions(window, window.measuring())
    assert "20 to 80 %" in shown.findChild(QTextBrowser).toPlainText()


def test_a_dock_that_is_opened_again_is_in_front(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    dock = window.docks.by_title["Log"]
    dock.close()
    assert not window.log.isVisible()
    dock.toggleViewAction().trigger()
    until(window.log.isVisible)  # and not behind another tab


def test_every_count_says_what_it_is(opened: Open) -> None:
    window = opened("emulator:hr-1mm2")
    for key, _, tip in COUNTS:
        assert window.results.accounting.values[key].toolTip() == tip != ""


def test_no_reference_has_the_colour_of_a_marker() -> None:
    for theme in (style.DARK, style.LIGHT):
        others = {theme.low, theme.high, theme.light, theme.drive, theme.band, theme.faint}
        assert not others & set(theme.references)
        assert len(set(theme.references)) == len(theme.references)
