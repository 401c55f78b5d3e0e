"""docs/hardware.md says what the bitstreams are built from."""

from pathlib import Path

import pytest

from tools.hardware_page import PAGE, page
from trelscope.gateware.platform.boards import BOARDS
from trelscope.host.cli import main

RULES = Path(__file__).parents[2] / "tools" / "60-trelscope.rules"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tools.hardware_page"


def test_narrow_buses_are_the_upper_bits() -> None:
    assert "`adc_light[11]`" in page()
    assert page().count("`gate`") >= 4


def test_the_pins_of_a_header_are_numbered_as_on_the_header(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = BOARDS["icepi-zero"]
    used = [pin for pins in board.pins.values() for pin in pins]
    assert sorted(board.header) == sorted(used)
    power = {1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39}
    assert sorted({*board.header.values(), *power}) == list(range(1, 41)), (
        "and none of them is power"
    )
    assert "| `gate` | `gpio_0:4` | **7** | R1 |" in page()
    assert main(["boards", "--pins", board.name]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[:4] == ["signal", "pin", "header", "pin"]
    assert said[1].split()[:4] == ["gate", "gpio_0:4", "7", "out"]
    assert len(said) == 1 + len(used)


def test_boards_whose_pins_are_printed_need_no_other_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["boards", "--pins", "ulx3s-85f"]) == 0
    said = capsys.readouterr().out
    assert "header" not in said
    assert "photon[1]      gpio_0:19+" in said


def test_the_udev_rule_knows_every_usb_chip() -> None:
    rules = RULES.read_text()
    for programmer in (each for board in BOARDS.values() for each in board.programmers):
        vendor, product = (f"{number:04x}" for number in programmer.usb)
        for subsystem, attribute in (("usb", "ATTR"), ("tty", "ATTRS")):
            ids = f'{attribute}{{idVendor}}=="{vendor}", {attribute}{{idProduct}}=="{product}"'
            assert f'SUBSYSTEM=="{subsystem}", {ids}' in rules, programmer.chip
