"""Colours, fonts and the style sheet: one calm dark theme."""

from PyQt6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PyQt6.QtWidgets import QApplication

# Okabe and Ito's palette: told apart with every kind of colour vision.
SKY = "#56b4e9"
ORANGE = "#e69f00"
GREEN = "#009e73"
YELLOW = "#f0e442"
PURPLE = "#cc79a7"
VERMILION = "#d55e00"

LIGHT, DRIVE, LOW, HIGH = SKY, ORANGE, YELLOW, PURPLE

BACKGROUND = "#14181d"
PANEL = "#1b2128"
FIELD = "#252c35"
LINE = "#35404c"
TEXT = "#e3e8ee"
DIM = "#9aa6b2"
FAINT = "#5d6975"
GRID = "#252d36"
BAND = "#2f5f7e"  # sky blue on the panel, without transparency, which is slow to draw
WARNING = "#ff9d5c"  # vermilion, light enough to be read on the dark panel

TEXT_PIXELS = 13

SHEET = f"""
QFrame#panel {{ background: {PANEL}; border: none; border-radius: 6px; }}
QLabel[role="heading"] {{ color: {DIM}; font-size: 11px; font-weight: bold; }}
QLabel[role="notice"] {{ color: {DIM}; font-size: 15px; background: transparent; }}
QLabel[role="dim"] {{ color: {DIM}; font-size: 12px; }}
QLabel[role="warning"] {{ color: {WARNING}; font-size: 12px; }}
QAbstractSpinBox, QComboBox, QPushButton {{ min-height: 26px; }}
QAbstractSpinBox[refused="true"] {{ color: {WARNING}; }}
QFrame#banner {{ background: {PANEL}; border: none; border-bottom: 1px solid {LINE}; }}
QFrame#banner[failed="true"] {{ background: #54260d; border-bottom: 1px solid {VERMILION}; }}
QLabel#badge {{
    background: {ORANGE}; color: {BACKGROUND}; border-radius: 4px; padding: 2px 8px;
    font-weight: bold;
}}
QLabel#factor {{ font-weight: bold; }}
QStatusBar {{ background: {PANEL}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {DIM}; font-size: 12px; padding: 0 8px; }}
QToolTip {{ background: {FIELD}; color: {TEXT}; border: 1px solid {LINE}; }}
"""


def apply(app: QApplication) -> None:
    """Dress every widget of the application."""
    app.setStyle("Fusion")
    role = QPalette.ColorRole
    palette = QPalette()
    for colour, roles in (
        (BACKGROUND, (role.Window, role.HighlightedText)),
        (FIELD, (role.Base, role.Button, role.ToolTipBase)),
        (LINE, (role.AlternateBase, role.Light)),
        (TEXT, (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText)),
        (SKY, (role.Highlight, role.Link)),
        (DIM, (role.PlaceholderText,)),
    ):
        for each in roles:
            palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(FAINT))
    app.setPalette(palette)
    font = app.font()
    font.setPixelSize(TEXT_PIXELS)
    app.setFont(font)
    app.setStyleSheet(SHEET)


def digits(pixels: int = TEXT_PIXELS) -> QFont:
    """A font whose digits are all as wide: numbers that change do not jump."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(pixels)
    return font
