"""The check-up with a real board: `TRELSCOPE_BOARD=serial:D00123 pytest tests/hil`, interlock closed.

`TRELSCOPE_DRIVE=interlock-checked` also drives it, at 3 V and at 7 V: into 1 kΩ, with no device connected, and after
you have checked that the interlock stops the output.
"""

import os

import pytest

from trelscope.host.bringup.checkup import check_up
from trelscope.host.link.urls import open_link

SOURCE = os.environ.get("TRELSCOPE_BOARD")


@pytest.mark.hil
@pytest.mark.skipif(SOURCE is None, reason="no board named: TRELSCOPE_BOARD=serial:…")
def test_the_board_is_right() -> None:
    assert SOURCE is not None
    link = open_link(SOURCE)
    try:
        drive = os.environ.get("TRELSCOPE_DRIVE") == "interlock-checked"
        findings = list(check_up(link, lambda opened: False, drive=drive, interlock_checked=drive))
    finally:
        link.close()
    for finding in findings:
        print(f"{finding.name:<21}{finding.words}")
    assert [finding.words for finding in findings if finding.good is False] == []
