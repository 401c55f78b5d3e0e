"""Dialogs that ask for a file and pass its path on; nothing happens when the user cancels."""

import re
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QWidget

DATA = "Data (*.csv *.h5 *.npz)"
PICTURES = "Pictures (*.png *.svg *.pdf)"
RECORDINGS = "Recordings (*.h5 *.npz *.csv)"

UsePath = Callable[[Path], None]


def ask_export(parent: QWidget, suggested: str, export: UsePath) -> None:
    """Ask where to write data or a picture. suggested: a name, without suffix."""
    kinds = f"{DATA};;{PICTURES}"
    name, kind = QFileDialog.getSaveFileName(parent, "Export what is shown", suggested, kinds)
    if name:
        export(_with_suffix(Path(name), ".csv" if kind == DATA else ".png"))


def ask_sweep_export(parent: QWidget, export: UsePath) -> None:
    """Ask where to write the table of a sweep."""
    name, _ = QFileDialog.getSaveFileName(parent, "Export the sweep", "sweep", DATA)
    if name:
        export(_with_suffix(Path(name), ".csv"))


def ask_recording(parent: QWidget, load: UsePath) -> None:
    """Ask which recording to open."""
    name, _ = QFileDialog.getOpenFileName(parent, "Open a recording", "", RECORDINGS)
    if name:
        load(Path(name))


def _with_suffix(path: Path, usual: str) -> Path:
    known = {each for kinds in (DATA, PICTURES) for each in re.findall(r"\*(\.\w+)", kinds)}
    return path if path.suffix.lower() in known else path.with_name(path.name + usual)
