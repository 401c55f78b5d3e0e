"""What the pages refer to exists: files, sections of other pages, names to import."""

import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("gateware", "sim", "host", "src", "tests", "tools", "docs", "examples")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in sorted([*ROOT.glob("*.md"), *(p for r in ROOMS for p in (ROOT / r).rglob("*.md"))])
    if path.name != "CHANGELOG.md"  # what it names was there at the time
}
NAMES = {path.name for room in ROOMS for path in (ROOT / room).rglob("*")}
NAMES |= {path.name for path in ROOT.iterdir()}
ELSEWHERE = {"capture.h5", "sim.py", "table.csv", "trelscope.png"}
"""Files that programs write, or that other people have."""
PLACEHOLDER = "NAME"

IN_TICKS = re.compile(r"`([\w./*-]+(?:\.(?:cc|csv|h|md|png|py|sh|svg|toml|txt)|/))`")
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
IMPORT = re.compile(r"\btrelscope\.(?:gateware|sim|host)(?:\.[A-Za-z_]\w*)*")
PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")


def _sections(page: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_in_a_page_is_in_the_tree(page: str) -> None:
    named = {n.strip("/") for n in IN_TICKS.findall(PAGES[page]) if PLACEHOLDER not in n}
    paths = {name for name in named if "/" in name}
    assert {path for path in paths if not any(ROOT.glob(path))} == set()
    assert named - paths - NAMES - ELSEWHERE == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    for target, section in LINK.findall(PAGES[page]):
        if "://" in target:
            continue
        path = (here / target).resolve() if target else ROOT / page
        assert path.exists(), target
        assert not section or section in _sections(path.read_text()), f"{target}#{section}"


@pytest.mark.parametrize("page", PAGES)
def test_every_name_to_import_exists(page: str) -> None:
    for name in set(IMPORT.findall(PAGES[page])):
        pkgutil.resolve_name(name)


def _sources() -> Iterator[Path]:
    yield from (ROOT / name for name in ("Makefile", "pyproject.toml"))
    for room in ROOMS:
        yield from (
            p for p in (ROOT / room).rglob("*") if p.suffix in (".py", ".toml", ".cc", ".h")
        )


def test_every_page_named_in_the_sources_exists() -> None:
    named = {page for path in _sources() for page in PAGE.findall(path.read_text())}
    assert {page for page in named if not (ROOT / page).exists()} == set()
