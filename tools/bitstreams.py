"""Builds every board's bitstream and writes docs/bitstreams.md from the builds' own reports: `make bitstreams`."""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from trelscope.gateware import build
from trelscope.gateware.platform.boards import BOARDS, BoardFacts
from trelscope.host.flash.bitstream import built

PAGE = Path(__file__).parents[1] / "docs" / "bitstreams.md"
EVERY_SEED = "ulx3s-85f"
"""The board that is built with all of them; elsewhere the first that closes is enough."""

HEAD = """# Bitstreams

Written by `make bitstreams` from the builds' own reports; do not edit. Every clock is constrained. *needed* is
what the instrument runs at, *reached* what nextpnr allows for the part's speed grade. Paths from one clock to
another are checked against budgets besides (`gateware/build.py`).

`trelscope build --board BOARD` makes the first of five seeds that closes, or takes it from the cache. No
bitstream has been on silicon yet.
"""


def main() -> int:
    """Build, write the page, print its table. Returns 1 if a board does not close with any seed."""
    others = [(board, None) for name, board in BOARDS.items() if name != EVERY_SEED]
    wanted = [(BOARDS[EVERY_SEED], seed) for seed in build.SEEDS] + others
    try:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            manifests = list(pool.map(_manifest, wanted))
        for board in BOARDS.values():
            _manifest((board, None))  # what `flash` takes, whichever was ready last
    except build.BuildError as error:
        print(f"trelscope: {error}", file=sys.stderr)
        return 1
    table = _table([_row(m) for m in manifests])
    closed = {m["board"] for m in manifests if m["closed"]}
    missing = [name for name in BOARDS if name not in closed]
    used = manifests[0]["tools"]
    tools = "\n".join(f"- {tool}: {version}" for tool, version in used.items())
    PAGE.write_text(f"{HEAD}\n{table}\nTools:\n\n{tools}\n")
    print(table)
    if missing:
        print(f"trelscope: not closed: {', '.join(missing)}", file=sys.stderr)
    return bool(missing)


def _manifest(wanted: tuple[BoardFacts, int | None]) -> dict[str, Any]:
    """Of one bitstream, whether it closes or not; without a seed, of the first that does. Raises BuildError."""
    board, seed = wanted
    folder = built(board).parent

    def say(line: str) -> None:
        _say(f"{board.name}, seed {seed or 'any'}: {line.strip()}")

    try:
        if seed is None:
            return build.build_any(board, folder, say).manifest
        return build.build(board, seed, folder, say).manifest
    except build.TimingError as error:
        say(str(error))
        return error.result.manifest


def _row(m: dict[str, Any]) -> tuple[str, ...]:
    def used(*names: str) -> str:
        found = [m["utilisation"][n] for n in names if n in m["utilisation"]]
        return f"{found[0]['used']} of {found[0]['available']}" if found else "0"

    def clock(name: str) -> str:
        f = m["fmax_mhz"].get(name)
        return f"{f['achieved']:.1f} / {f['constraint']:g}" if f else "-"

    return (
        f"`{m['board']}`",
        str(m["seed"]),
        "yes" if m["closed"] else "**no**",
        clock("sync"),
        clock("early"),
        clock("launch"),
        used("TRELLIS_COMB"),
        used("TRELLIS_FF"),
        used("DP16KD"),
        str(m["capabilities"]["depth"]),
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    head = (
        "board",
        "seed",
        "closes",
        "sync: reached / needed, MHz",
        "photon sampling",
        "launch",
        "LUTs",
        "flip-flops",
        "block RAMs",
        "bins",
    )
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
