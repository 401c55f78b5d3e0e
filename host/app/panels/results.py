"""The results: measured quantities above, the account of every pulse below."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from trelscope.host.app.panels.accounting_panel import AccountingPanel
from trelscope.host.app.panels.headline import Headline
from trelscope.host.app.panels.times_panel import TimesPanel
from trelscope.host.app.session.snapshot import Snapshot


class Results(QWidget):
    """Both panels in a column; `selected` carries the name of the quantity that the user selects."""

    selected = pyqtSignal(str)

    def __init__(self, comparison: QWidget) -> None:
        """comparison: stands below the times, which do not move when it appears."""
        super().__init__()
        self.headline = Headline()
        self.times = TimesPanel()
        self.accounting = AccountingPanel()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 6)
        column.setSpacing(6)
        column.addWidget(self.headline)
        column.addWidget(self.times)
        column.addWidget(comparison)
        column.addWidget(self.accounting)
        column.addStretch(1)
        self.headline.select(self.times.selection)
        self.times.selected.connect(self.headline.select)
        self.times.selected.connect(self.selected)

    def show_snapshot(self, snapshot: Snapshot, live: bool = True) -> None:
        """Show the average of the session. live: it is the one that runs."""
        self.headline.show_data(snapshot.data, live)
        self.times.show_data(snapshot.data)
        self.accounting.show_data(snapshot.data)
