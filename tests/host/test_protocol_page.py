"""The protocol's documentation is the protocol's table."""

from pathlib import Path

from tools.protocol_page import page


def test_the_page_is_up_to_date() -> None:
    root = Path(__file__).parents[2]
    assert (root / "docs/protocol.md").read_text() == page(), (
        "python tools/protocol_page.py > docs/protocol.md"
    )
