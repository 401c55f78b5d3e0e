"""The field that names the source: it offers presets and serial ports, and takes any URL."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox

from trelscope.host.app import source
from trelscope.host.link import ports
from trelscope.host.link.urls import as_typed
from trelscope.sim.presets.presets import describe

TIP = "a preset, a port of this machine, or any source: emulator:PRESET?area=2, tcp://HOST:PORT"
TOOLTIP = Qt.ItemDataRole.ToolTipRole


class SourceField(QComboBox):
    """Takes a typed URL or a choice from its list, which is renewed whenever it opens."""

    chosen = pyqtSignal(str)

    def __init__(self, opened: str) -> None:
        super().__init__()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMinimumContentsLength(14)
        self.setMaxVisibleItems(20)
        self.setToolTip(TIP)
        edit = self.lineEdit()
        assert edit is not None
        self._edit = edit
        self._fill()
        self.show_source(opened)
        self.activated.connect(lambda index: self._choose(self.itemData(index)))
        edit.returnPressed.connect(self._typed)

    def show_source(self, url: str) -> None:
        """Show the source that is open, unless the user is typing another."""
        self._open = url
        if not self._edit.hasFocus():
            self._edit.setText(url.removeprefix("emulator:"))
            self._edit.setCursorPosition(0)

    def showPopup(self) -> None:
        """Renew the list and open it."""
        self._fill()
        super().showPopup()

    def _fill(self) -> None:
        text = self._edit.text()
        self.clear()
        for url in source.emulators():
            self.addItem(url.removeprefix("emulator:"), url)
            self.setItemData(self.count() - 1, describe(url.removeprefix("emulator:")), TOOLTIP)
        found = ports.ports()
        if found:
            self.insertSeparator(self.count())
        for port in found:
            url = f"serial:{port.device}"
            self.addItem(url, url)
            self.setItemData(self.count() - 1, port.product, TOOLTIP)
        self.setCurrentIndex(-1)
        self._edit.setText(text)

    def _typed(self) -> None:
        text = self._edit.text().strip()
        if text and self.findText(text) < 0:
            self._choose(as_typed(text))

    def _choose(self, url: str | None) -> None:
        if url:
            self._edit.clearFocus()
            self.chosen.emit(url)
