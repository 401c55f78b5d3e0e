"""`trelscope paper`: every transient-electroluminescence condition of the paper, through the whole instrument."""

import argparse
import json
import math
import sys
from pathlib import Path

from trelscope.host import atomic
from trelscope.host.commands.common import JSON, SEED, Commands, count, say
from trelscope.host.errors import UserError
from trelscope.host.paper import page
from trelscope.host.paper.conditions import Condition, conditions
from trelscope.host.paper.run import LIMIT_PERCENT, PULSES, Row, run, worst_percent
from trelscope.sim.cache import cache_folder

CAPTURES = "captures"
"""Folder of finished conditions, from which a broken run goes on."""


class PaperError(UserError):
    """The results cannot be written; the message says why in one line."""


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "paper",
        help="the paper's response times through the whole instrument",
        parents=[SEED, JSON],
    )
    p.set_defaults(command=_paper)
    p.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="write table, figures and an HTML page"
    )
    p.add_argument("--pulses", type=count, default=PULSES, help="averaged in each (default 4096)")


def _paper(options: argparse.Namespace) -> int:
    directory = options.output
    if directory is not None:
        _make(directory)
    store = (directory or cache_folder() / "paper") / CAPTURES
    _make(store)
    wanted = conditions()
    rows = run(wanted, store, options.seed, options.pulses, _Progress(wanted), say)
    worst = worst_percent(rows)
    summary = {
        "rows": [row.as_dict() for row in rows],
        "worst_percent": worst if math.isfinite(worst) else None,
    }
    if directory is not None:
        _write(directory, rows, json.dumps(summary, indent=1))
    print(json.dumps(summary) if options.json else page.table(rows))
    if not worst <= LIMIT_PERCENT:
        say(f"trelscope: a time is {worst:.2f} % from the paper, more than {LIMIT_PERCENT:g} %")
        return 1
    if not options.json:
        print(f"\nworst: {worst:.2f} % (limit {LIMIT_PERCENT:g} %)")
    return 0


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PaperError(
            f"{directory}: cannot write there ({error.strerror}); choose another place"
        ) from None


def _write(directory: Path, rows: list[Row], results: str) -> None:
    from trelscope.host.paper import figures  # needs Qt's libraries, which the table does not

    try:
        atomic.write(directory / "results.json", results)
        atomic.write(directory / "table.csv", page.as_csv(rows))
        drawn = figures.draw(rows, directory)
        titles = {figures.NAMES[svg.stem]: svg.read_text(encoding="utf-8") for svg in drawn}
        atomic.write(directory / "index.html", page.as_html(rows, titles))
    except OSError as error:
        raise PaperError(
            f"{directory}: cannot write there ({error.strerror}); choose another place"
        ) from None
    say(f"page: {directory / 'index.html'}")


class _Progress:
    """A bar where somebody is watching, a line for each finished condition elsewhere."""

    WIDTH = 30

    def __init__(self, wanted: tuple[Condition, ...]) -> None:
        self._number = {condition.id: n for n, condition in enumerate(wanted)}
        self._said: set[int] = set()
        self._live = sys.stderr.isatty()

    def __call__(self, condition: Condition, part: float) -> None:
        n, of = self._number[condition.id], len(self._number)
        if self._live:
            filled = round((n + part) / of * self.WIDTH)
            bar = "#" * filled + "." * (self.WIDTH - filled)
            end = "\n" if n + part >= of else ""
            text = f"\r[{bar}] {n + 1}/{of} {condition.words:<48}"
            print(text, end=end, file=sys.stderr, flush=True)
        elif part >= 1.0 and n not in self._said:
            self._said.add(n)
            say(f"{n + 1}/{of} {condition.words}")
