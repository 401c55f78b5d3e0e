"""The look of widgets: Fusion, whose arrows and small buttons have a fixed size, with such that grow with the text."""

from typing import TypeAlias

from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPalette, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QProxyStyle,
    QStyle,
    QStyleOption,
    QStyleOptionComplex,
    QStyleOptionSpinBox,
    QWidget,
)

from trelscope.host.app import style

Metric: TypeAlias = QStyle.PixelMetric
Control: TypeAlias = QStyle.ComplexControl
Part: TypeAlias = QStyle.SubControl

GROWING = {
    Metric.PM_TitleBarButtonIconSize,
    Metric.PM_TitleBarButtonSize,
    Metric.PM_DockWidgetTitleBarButtonMargin,
    Metric.PM_IndicatorWidth,
    Metric.PM_IndicatorHeight,
    Metric.PM_SmallIconSize,
}
ARROWS = 18  # pixels at a scale of 1 that the arrows of a number field are wide
ICON = 64  # pixels of the drawing from which a button's icon is scaled


class ScaledStyle(QProxyStyle):
    """Asks for the scale each time: it may have changed."""

    def __init__(self) -> None:
        super().__init__("Fusion")

    def pixelMetric(
        self, metric: Metric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        """Called by Qt."""
        length = super().pixelMetric(metric, option, widget)
        return style.pixels(length) if metric in GROWING else length

    def subControlRect(
        self,
        control: Control,
        option: QStyleOptionComplex | None,
        part: Part,
        widget: QWidget | None = None,
    ) -> QRect:
        """Called by Qt: where the parts of a number field are."""
        usual = super().subControlRect(control, option, part, widget)
        if control != Control.CC_SpinBox or option is None or not _has_arrows(option):
            return usual
        whole, width = option.rect, style.pixels(ARROWS)
        half = whole.height() // 2
        match part:
            case Part.SC_SpinBoxUp:
                return QRect(whole.right() - width, whole.top(), width, half)
            case Part.SC_SpinBoxDown:
                return QRect(whole.right() - width, whole.top() + half, width, half)
            case Part.SC_SpinBoxEditField:
                return whole.adjusted(2, 1, -width - 1, -1)
        return usual

    def drawComplexControl(
        self,
        control: Control,
        option: QStyleOptionComplex | None,
        painter: QPainter | None,
        widget: QWidget | None = None,
    ) -> None:
        """Called by Qt: the frame of a number field as usual, then its arrows."""
        if control != Control.CC_SpinBox or option is None or not _has_arrows(option):
            super().drawComplexControl(control, option, painter, widget)
            return
        assert isinstance(option, QStyleOptionSpinBox)
        assert painter is not None
        bare = QStyleOptionSpinBox(option)
        bare.buttonSymbols = QAbstractSpinBox.ButtonSymbols.NoButtons
        super().drawComplexControl(control, bare, painter, widget)
        up_part, down_part = (
            self.subControlRect(control, option, part, widget)
            for part in (Part.SC_SpinBoxUp, Part.SC_SpinBoxDown)
        )
        behind = up_part.united(down_part).adjusted(0, 1, 0, -1)
        painter.fillRect(behind, option.palette.brush(QPalette.ColorRole.Base))
        flag = QAbstractSpinBox.StepEnabledFlag
        for part, rect, step, up in (
            (Part.SC_SpinBoxUp, up_part, flag.StepUpEnabled, True),
            (Part.SC_SpinBoxDown, down_part, flag.StepDownEnabled, False),
        ):
            can = bool(option.stepEnabled & step)
            group = QPalette.ColorGroup.Active if can else QPalette.ColorGroup.Disabled
            over = can and option.activeSubControls == part
            role = QPalette.ColorRole.Highlight if over else QPalette.ColorRole.ButtonText
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(option.palette.brush(group, role))
            painter.drawPolygon(_triangle(QRectF(rect).center(), style.pixels(4), up))
            painter.restore()

    def standardIcon(
        self,
        icon: QStyle.StandardPixmap,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
    ) -> QIcon:
        """Called by Qt: those of a dock's buttons are drawn, for pictures of them are not enlarged."""
        if icon == QStyle.StandardPixmap.SP_TitleBarCloseButton:
            return _drawn(cross=True)
        if icon == QStyle.StandardPixmap.SP_TitleBarNormalButton:
            return _drawn(cross=False)
        return super().standardIcon(icon, option, widget)


def _has_arrows(option: QStyleOptionComplex) -> bool:
    return (
        isinstance(option, QStyleOptionSpinBox)
        and option.buttonSymbols != QAbstractSpinBox.ButtonSymbols.NoButtons
    )


def _triangle(middle: QPointF, size: float, up: bool) -> QPolygonF:
    """size: half of its base, pixels."""
    tip = -size / 2 if up else size / 2
    return QPolygonF(
        [
            middle + QPointF(-size, -tip),
            middle + QPointF(size, -tip),
            middle + QPointF(0, tip),
        ]
    )


def _drawn(cross: bool) -> QIcon:
    """A cross closes a dock, two squares make it float."""
    picture = QPixmap(QSize(ICON, ICON))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(style.colour(style.theme().dim), ICON / 12))
    if cross:
        painter.drawLine(ICON // 4, ICON // 4, ICON * 3 // 4, ICON * 3 // 4)
        painter.drawLine(ICON // 4, ICON * 3 // 4, ICON * 3 // 4, ICON // 4)
    else:
        side = ICON * 3 // 8
        painter.drawRect(ICON * 3 // 8, ICON // 4, side, side)
        painter.drawRect(ICON // 4, ICON * 3 // 8, side, side)
    painter.end()
    return QIcon(picture)
