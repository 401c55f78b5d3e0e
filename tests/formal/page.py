"""Writes docs/proofs.md, which lists the properties that are proved: `python -m tests.formal.page`."""

from itertools import groupby
from pathlib import Path

from .catalogue import FAST_FORWARD, properties
from .spec_fastforward import FastForward

PATH = Path(__file__).parents[2] / "docs" / "proofs.md"

SLOW = " Its proof takes many minutes and is part of `make soak`."
INTRODUCTION = """\
# What is proved of the gateware

<!-- Written by `python -m tests.formal.page` from the proofs themselves. Do not edit. -->

Each property below holds in every cycle and for every input. It is proved by induction over time, from reset and from
every state that the invariants allow. Widths and limits are the real ones; only the trace memory is shorter, with 16
bins per buffer. Amaranth emits RTLIL, yosys translates it to SMT-LIB, and z3 shows that there is no counterexample. For
each property there is at least one mutant of the gateware, with one piece of its source changed, and the proof must
reject it.

The CRCs and the interleaved memory are tested, but not proved, and so is what is marked below.

`pytest tests/formal` proves all properties but those that take many minutes, which `make soak` proves;
`python -m tests.formal` prints each one with its result. What z3 has once found to have no counterexample is kept in
the cache and not asked again; `make soak` and TRELSCOPE_PROVE_ANEW=1 ask anew.
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
        lines += ["| property | meaning |", "|---|---|"]
        lines += [f"| `{p}` | {_cell(p.words)}{SLOW if p.slow else ''} |" for p in claims]
        subjects = list(dict.fromkeys(p.subject for p in claims))
        assumed = {s: s.claims("assume") for s in subjects if s.claims("assume")}
        if assumed:
            lines += ["", "Assumptions about the inputs:", ""]
            for subject, assumptions in assumed.items():
                name = subject.__name__.removesuffix("Spec")
                lines += [f"- `{name}.{n}`: {words}" for n, words in assumptions.items()]
        if set(subjects) & set(FAST_FORWARD):
            lines += ["", "Invariants of the states, proved in the same way:", ""]
            lines += [f"- `{n}`: {w}" for n, w in FAST_FORWARD[0].claims("invariant").items()]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PATH.write_text(text())
