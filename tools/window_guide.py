"""The guide for the window's Help menu, from docs/guide.md: `python tools/window_guide.py > host/app/guide.markdown`.

The docs are not installed with the program, so it has a copy, without pictures and links.
"""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "docs" / "guide.md"


def page() -> str:
    """The copy."""
    text = GUIDE.read_text(encoding="utf-8")
    text = re.sub(r"^!\[.*\n\n?", "", text, flags=re.MULTILINE)
    text = text.replace("`make screenshots` takes these pictures from the running program.\n", "")
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)


if __name__ == "__main__":
    print(page(), end="")
