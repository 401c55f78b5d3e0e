"""Colours, fonts and the style sheet: two calm themes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from PyQt6 import sip
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PyQt6.QtWidgets import QApplication, QWidget

TEXT_PIXELS = 13  # at a scale of 1
SMALLEST, LARGEST = 0.75, 4.0  # scales that the user can choose


@dataclass(frozen=True)
class Theme:
    """Colours by use. Curves have those of Okabe and Ito, which every kind of colour vision separates.

    band: of the standard error of the light, mixed with the panel's colour beforehand: transparency is slow to draw.
    references: each also has a line style of its own, and a colour that no marker has.
    """

    background: str
    panel: str
    field: str
    line: str
    text: str
    dim: str
    faint: str
    grid: str
    light: str
    band: str
    drive: str
    low: str
    high: str
    warning: str
    failed: str
    references: tuple[str, ...]


DARK = Theme(
    background="#14181d",
    panel="#1b2128",
    field="#252c35",
    line="#35404c",
    text="#e3e8ee",
    dim="#9aa6b2",
    faint="#5d6975",
    grid="#252d36",
    light="#56b4e9",
    band="#2f5f7e",
    drive="#e69f00",
    low="#f0e442",
    high="#cc79a7",
    warning="#ff9d5c",  # vermilion, light enough to be read
    failed="#54260d",
    references=("#009e73", "#d55e00", "#8e9bff", "#c9d1d9"),
)
LIGHT = Theme(
    background="#eceff3",
    panel="#ffffff",
    field="#f4f6f9",
    line="#c3ccd6",
    text="#1a2027",
    dim="#56616d",
    faint="#a3adb8",
    grid="#e6eaef",
    light="#0072b2",
    band="#a5cce3",
    drive="#b87d00",  # orange, dark enough to be seen
    low="#8a7f00",
    high="#a8487f",
    warning="#b34a00",
    failed="#fbdcc8",
    references=("#009e73", "#d55e00", "#4b3fb5", "#555f6a"),
)
REFERENCE_LINES = (
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotDotLine,
)


class _InForce:
    """The theme and the scale in force, and what is called when they change."""

    theme = DARK
    scale = 1.0
    listeners: ClassVar[list[tuple[QWidget, Callable[[Theme], None]]]] = []


def theme() -> Theme:
    """The colours in force."""
    return _InForce.theme


def on_change(owner: QWidget, restyle: Callable[[Theme], None]) -> None:
    """Call `restyle` now, and again whenever theme or scale change, for as long as `owner` exists."""
    restyle(_InForce.theme)
    _InForce.listeners.append((owner, restyle))


def colour(name: str) -> QColor:
    """A theme's colour as Qt takes it."""
    return QColor(name)


def pixels(length: float) -> int:
    """A length at a scale of 1, in pixels at the present one."""
    return round(length * _InForce.scale)


def scale() -> float:
    """How much larger than usual everything is."""
    return _InForce.scale


def scale_for_screen(app: QApplication) -> float:
    """The scale that makes text readable on a screen of many small pixels that the system does not scale itself."""
    screen = app.primaryScreen()
    if screen is None:
        return 1.0
    return max(1.0, round(screen.availableGeometry().height() / 1150 * 4) / 4)


def apply(app: QApplication, theme: Theme = DARK, scale: float | None = None) -> None:
    """Put theme and scale in force in every widget of the application. scale: None lets the screen decide."""
    _InForce.theme = theme
    _InForce.scale = scale_for_screen(app) if scale is None else scale
    from trelscope.host.app.scaled_style import ScaledStyle  # which asks for the scale here

    app.setStyle(ScaledStyle())
    role = QPalette.ColorRole
    palette = QPalette()
    for colour, roles in (
        (theme.background, (role.Window, role.HighlightedText)),
        (theme.field, (role.Base, role.Button, role.ToolTipBase)),
        (theme.line, (role.AlternateBase, role.Light, role.Mid, role.Dark)),
        (
            theme.text,
            (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText),
        ),
        (theme.light, (role.Highlight, role.Link)),
        (theme.dim, (role.PlaceholderText,)),
    ):
        for each in roles:
            palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(theme.faint))
    app.setPalette(palette)
    font = app.font()
    font.setPixelSize(pixels(TEXT_PIXELS))
    app.setFont(font)
    app.setStyleSheet(_sheet(theme))
    _restyle(theme)


def set_light_theme(light: bool) -> None:
    """Change between the light and the dark theme."""
    apply(_application(), LIGHT if light else DARK, _InForce.scale)


@contextmanager
def printed() -> Iterator[None]:
    """Colours for paper, whatever the screen shows: for pictures that are taken meanwhile."""
    shown = _InForce.theme
    _restyle(LIGHT)
    try:
        yield
    finally:
        _restyle(shown)


def scale_by(factor: float) -> None:
    """Make everything larger or smaller, within limits."""
    apply(_application(), _InForce.theme, min(max(_InForce.scale * factor, SMALLEST), LARGEST))


def digits_font(size: int = TEXT_PIXELS) -> QFont:
    """A font whose digits all have the same width, so that numbers that change do not jump."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(pixels(size))
    return font


def plot_font() -> QFont:
    """The font of what stands at the axes of plots."""
    font = QFont()
    font.setPixelSize(pixels(11))
    return font


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that selects rules of the style sheet, and apply them."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    assert style is not None
    style.unpolish(widget)
    style.polish(widget)


def _restyle(theme: Theme) -> None:
    _InForce.theme = theme
    # A widget may be gone without having said so: whoever asks it anything gets an error, here and ever after.
    _InForce.listeners[:] = [each for each in _InForce.listeners if not sip.isdeleted(each[0])]
    for _, restyle in _InForce.listeners:
        restyle(theme)


def _application() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app


def _sheet(t: Theme) -> str:
    small, tiny, large = pixels(12), pixels(11), pixels(15)
    return f"""
QFrame#panel {{ background: {t.panel}; border: none; border-radius: 6px; }}
QLabel[role="heading"] {{ color: {t.dim}; font-size: {tiny}px; font-weight: bold; }}
QLabel[role="notice"] {{ color: {t.dim}; font-size: {large}px; background: transparent; }}
QLabel[role="dim"] {{ color: {t.dim}; font-size: {small}px; }}
QLabel[role="warning"] {{ color: {t.warning}; font-size: {small}px; }}
QAbstractSpinBox, QComboBox, QPushButton {{ min-height: {pixels(24)}px; }}
QAbstractSpinBox[refused="true"] {{ color: {t.warning}; }}
QFrame#banner {{ background: {t.panel}; border: none; border-bottom: 1px solid {t.line}; }}
QFrame#banner[failed="true"] {{ background: {t.failed}; border-bottom: 1px solid {t.warning}; }}
QLabel#badge {{
    background: #e69f00; color: #14181d; border-radius: 4px; padding: 2px 8px; font-weight: bold;
}}
QLabel#badge[kind="real"] {{ background: #009e73; color: #ffffff; }}
QLabel#badge[kind="recording"] {{ background: #cc79a7; color: #14181d; }}
QLabel#badge[kind="sweep"] {{ background: #f0e442; color: #14181d; }}
QLabel#badge[kind="frozen"] {{ background: #56b4e9; color: #14181d; }}
QLabel#headline {{ font-size: {pixels(26)}px; font-weight: bold; }}
QLabel#factor {{ font-weight: bold; }}
QMenuBar {{ background: {t.panel}; }}
QMenuBar::item {{ padding: 4px 9px; background: transparent; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {t.line}; color: {t.text}; }}
QMenu {{ background: {t.field}; border: 1px solid {t.line}; }}
QDockWidget {{ color: {t.dim}; font-size: {small}px; }}
QDockWidget[floats="true"] {{ border: {pixels(2)}px solid {t.line}; }}
QDockWidget::title {{ background: {t.background}; padding: 4px 8px; text-align: left; }}
QMainWindow::separator {{ background: {t.background}; width: 6px; height: 6px; }}
QMainWindow::separator:hover {{ background: {t.line}; }}
QTabBar {{ font-size: {small}px; }}
QTabBar::tab {{
    background: {t.background}; color: {t.dim}; padding: 4px 12px; border: none;
    border-bottom: 2px solid transparent;
}}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.light}; }}
QTableView, QPlainTextEdit {{
    background: {t.panel}; border: none; gridline-color: {t.grid};
    selection-background-color: {t.line}; selection-color: {t.text};
}}
QHeaderView::section {{
    background: {t.panel}; color: {t.dim}; border: none; border-bottom: 1px solid {t.line};
    padding: 3px 4px; font-size: {tiny}px;
}}
QProgressBar {{
    background: {t.field}; border: none; border-radius: 3px; text-align: center;
    max-height: {pixels(16)}px; font-size: {tiny}px; color: {t.text};
}}
QProgressBar::chunk {{ background: {t.band}; border-radius: 3px; }}
QScrollBar:vertical {{ background: transparent; width: {pixels(8)}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {pixels(8)}px; margin: 0; }}
QScrollBar::handle {{ background: {t.line}; border-radius: {pixels(4)}px; min-height: 24px; min-width: 24px; }}
QScrollBar::handle:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QScrollArea {{ background: transparent; border: none; }}
QStatusBar {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {t.dim}; font-size: {small}px; padding: 0 8px; }}
QStatusBar QLabel[loss="true"] {{ color: {t.warning}; }}
QToolTip {{ background: {t.field}; color: {t.text}; border: 1px solid {t.line}; }}
"""
