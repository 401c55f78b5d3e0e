"""The timing diagrams are drawn from the cases that are tested."""

from tools.timing_page import DOCS, IMAGES, files


def test_the_page_and_its_diagrams_are_up_to_date() -> None:
    made = files()
    kept = {f"{IMAGES}/{path.name}" for path in (DOCS / IMAGES).glob("*.svg")}
    assert kept | {"timing.md"} == made.keys(), "python tools/timing_page.py"
    for path, text in made.items():
        assert (DOCS / path).read_text(encoding="utf-8") == text, "python tools/timing_page.py"
