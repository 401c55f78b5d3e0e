"""The field that names the source: it offers presets and serial ports, and takes any URL."""

from PyQt6.QtCore import QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem

from trelscope.host.app import source, style
from trelscope.host.link import ports
from trelscope.host.link.token import put_away
from trelscope.host.link.urls import as_typed

TIP = (
    "a preset, a port of this machine, or any source: hr-1mm2?area=2, tcp://HOST:PORT, serial:PORT"
)
CONNECT = "Connect to…"
WORDS = Qt.ItemDataRole.ToolTipRole
URL = Qt.ItemDataRole.UserRole


class SourceField(QComboBox):
    """Takes a typed URL or a choice from its list, which is renewed whenever it opens."""

    chosen = pyqtSignal(str)
    connect_wanted = pyqtSignal()

    def __init__(self, opened: str) -> None:
        super().__init__()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMinimumContentsLength(14)
        self.setMaxVisibleItems(20)
        self.setToolTip(TIP)
        self.setItemDelegate(_WithWords(self))
        edit = self.lineEdit()
        assert edit is not None
        self._edit = edit
        self._open = opened
        # What has been chosen, and what was open then: until that changes the choice is shown, for the worker may
        # be trying to open a lost link all the while.
        self._awaited: tuple[str, str] | None = None
        self._fill()
        self.show_source(opened)
        self.activated.connect(lambda index: self._choose(self.itemData(index)))
        edit.returnPressed.connect(self._typed)

    def show_source(self, url: str) -> None:
        """Show the source that is open, or the one that will be, unless the user is typing another."""
        self._open = url
        if self._awaited is not None and url != self._awaited[1]:
            self._awaited = None
        if not self._edit.hasFocus():
            self._show(self._awaited[0] if self._awaited else url)

    def await_source(self, url: str) -> None:
        """Show this source from now on, though another is open as yet."""
        url = put_away(url)
        self._awaited = (url, self._open) if url != self._open else None
        self.show_source(self._open)

    def showPopup(self) -> None:
        """Renew the list and open it, wide enough for its words."""
        self._fill()
        view = self.view()
        assert view is not None
        view.setMinimumWidth(view.sizeHintForColumn(0) + style.pixels(24))
        super().showPopup()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape takes back what has been typed."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self._edit.clearFocus()
            self.show_source(self._open)
            return
        super().keyPressEvent(event)

    def _show(self, url: str) -> None:
        text = url.removeprefix("emulator:")
        if self._edit.text() != text:
            self._edit.setText(text)
            self._edit.setCursorPosition(0)

    def _fill(self) -> None:
        text = self._edit.text()
        self.clear()
        for url in source.emulators():
            self._add(url.removeprefix("emulator:"), url, source.description(url))
        self.insertSeparator(self.count())
        for port in ports.ports():
            self._add(f"serial:{port.device}", f"serial:{port.device}", port.product)
        self._add(CONNECT, "", "a board or a server: serial:PORT, tcp://HOST:PORT")
        self.setCurrentIndex(-1)
        self._edit.setText(text)

    def _add(self, text: str, url: str, words: str) -> None:
        self.addItem(text, url)
        self.setItemData(self.count() - 1, words, WORDS)

    def _typed(self) -> None:
        text = self._edit.text().strip()
        if text and self.findText(text) < 0:
            self._choose(as_typed(text))

    def _choose(self, url: str | None) -> None:
        if url is None:
            return
        self._edit.clearFocus()
        if url:
            self.chosen.emit(url)
            return
        self.show_source(self._open)
        self.connect_wanted.emit()


class _WithWords(QStyledItemDelegate):
    """Says beside each entry of the list what it is."""

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:
        """Called by Qt."""
        super().initStyleOption(option, index)
        words = index.data(WORDS)
        if option is not None and words:
            option.text = f"{option.text}    {words}"
