"""Dialogs that ask for a file and pass its path on; nothing happens when the user cancels."""

import re
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QInputDialog, QWidget

from trelscope.host.link.urls import as_typed

DATA = "Data (*.csv *.h5 *.npz)"
PICTURES = "Pictures (*.png *.svg *.pdf)"
TABLE = "Table for spreadsheets (*.txt)"
RECORDINGS = "Recordings (*.h5 *.npz *.csv)"

USUAL = {DATA: ".csv", PICTURES: ".png", TABLE: ".txt"}

UsePath = Callable[[Path], None]


def ask_export(parent: QWidget, suggested: str, export: UsePath) -> None:
    """Ask where to write data or a picture. suggested: a name, without suffix."""
    kinds = f"{DATA};;{PICTURES};;{TABLE}"
    name, kind = QFileDialog.getSaveFileName(parent, "Export what is shown", suggested, kinds)
    if name:
        export(_with_suffix(Path(name), USUAL[kind]))


def ask_sweep_export(parent: QWidget, suggested: str, export: UsePath) -> None:
    """Ask where to write a sweep. suggested: a name, without suffix."""
    kinds = f"{TABLE};;{PICTURES};;{DATA}"
    name, kind = QFileDialog.getSaveFileName(parent, "Export the sweep", suggested, kinds)
    if name:
        export(_with_suffix(Path(name), USUAL[kind]))


def ask_recording(parent: QWidget, load: UsePath) -> None:
    """Ask which recording to open."""
    name, _ = QFileDialog.getOpenFileName(parent, "Open a recording", "", RECORDINGS)
    if name:
        load(Path(name))


def ask_source(parent: QWidget, connect: Callable[[str], None]) -> QInputDialog:
    """Ask what to connect to."""
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Connect to")
    dialog.setLabelText(
        "A board at a serial port: serial:PORT, e.g. serial:/dev/ttyUSB0 or serial:COM3\n"
        "A board or an emulator behind trelscope serve: tcp://HOST:PORT\n"
        "A device of the emulator: its name, e.g. hr-1mm2?area=2"
    )
    dialog.setOkButtonText("Connect")
    dialog.textValueSelected.connect(lambda text: connect(as_typed(text)) if text.strip() else None)
    dialog.open()
    return dialog


def _with_suffix(path: Path, usual: str) -> Path:
    known = {each for kinds in USUAL for each in re.findall(r"\*(\.\w+)", kinds)}
    return path if path.suffix.lower() in known else path.with_name(path.name + usual)
