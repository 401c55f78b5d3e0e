"""docs/hardware.md says what the bitstreams are built from."""

from tools.hardware_page import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tools.hardware_page"


def test_narrow_buses_are_the_upper_bits() -> None:
    assert "`adc_light[11]`" in page()
    assert page().count("`gate`") >= 4
