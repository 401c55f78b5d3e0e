"""The page of docs that lists what is proved: `python -m tests.formal.page` writes it."""

from itertools import groupby
from pathlib import Path

from .catalogue import FAST_FORWARD, properties
from .spec_fastforward import FastForward

PATH = Path(__file__).parents[2] / "docs" / "proofs.md"

INTRODUCTION = """\
# What is proved of the gateware

<!-- Written by `python -m tests.formal.page` from the proofs themselves. Do not edit. -->

Each property below holds in every cycle, for every input and for ever: it is proved by induction over time, from reset
and from every state the proof's invariants allow, with the real widths and limits; only the trace memory is shorter, 16
bins a buffer. Amaranth gives RTLIL, yosys turns that into SMT-LIB, z3 finds that no counterexample exists. For each
property there is at least one broken twin of the gateware, a line of its source changed, and the proof rejects it.

Not proved but tested: the CRCs themselves, the photon rows and their interleaved memory, and what is marked so below.

`pytest tests/formal` proves them all; `python -m tests.formal` prints each one with its result.
"""


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def text() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    for group, members in groupby(properties(), lambda p: p.group):
        claims = list(members)
        lines += [f"## {group}", ""]
        if group == "Fast-forward":
            lines += [" ".join((FastForward.__doc__ or "").split()), ""]
        lines += ["| property | in words |", "|---|---|"]
        lines += [f"| `{p}` | {_cell(p.words)} |" for p in claims]
        subjects = list(dict.fromkeys(p.subject for p in claims))
        assumed = {s: s.claims("assume") for s in subjects if s.claims("assume")}
        if assumed:
            lines += ["", "Assumed of the surroundings:", ""]
            for subject, assumptions in assumed.items():
                name = subject.__name__.removesuffix("Spec")
                lines += [f"- `{name}.{n}`: {words}" for n, words in assumptions.items()]
        if set(subjects) & set(FAST_FORWARD):
            lines += ["", "What is known of the states besides, proved in the same way:", ""]
            lines += [f"- `{n}`: {w}" for n, w in FAST_FORWARD[0].claims("invariant").items()]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PATH.write_text(text())
