"""What `make waves` leaves: a waveform, and a view of signals that are in it."""

import re
from pathlib import Path

from .waves import BLOCKS, PINS, VCD, VIEW, record


def test_every_signal_of_the_view_is_in_the_waveform(tmp_path: Path) -> None:
    record(tmp_path, testcase="identifies_itself")
    text = (tmp_path / VIEW).read_text()
    shown = [line for line in text.splitlines() if line.startswith("instrument.")]
    assert len(shown) == 1 + sum(map(len, [*PINS.values(), *BLOCKS.values()]))
    declared = re.findall(r"^\$var \S+ \d+ \S+ (\S+)(?: (\S+))? \$end", _head(tmp_path / VCD), re.M)
    assert {name.rsplit(".", 1)[-1] for name in shown} <= {"".join(found) for found in declared}


def _head(dump: Path) -> str:
    return dump.read_text().partition("$enddefinitions")[0]
