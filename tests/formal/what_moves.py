"""Which registers a leap leaves alone, which it counts on, and which belong to what goes on meanwhile."""

import re
from collections.abc import Sequence

from trelscope.sim.compiler import specialise

COUNTERS = re.compile(
    r"train\.(cycles|halves|launch|ending|due|some|more)"
    r"|guard\.(run|exposure|silence|overdue|full|full_run|full_exposure)"
    r"|window\.(elapsed|beyond)|sequencer\.to_settle|now|tags\.cycle|rows\.elapsed"
)
"""What a leap counts on: all that hangs on `skip`."""
PORTS = r"memory_\w+\.(lane\d\.)?(ram\d\.\w+|read|read_address|write|write_address|write_data)"
"""Registers of the block RAMs and those right in front of them, which the translator knows by the memory's name."""


def plain(name: str) -> str:
    """A register's name in the gateware, without what flattening the design adds."""
    return re.sub(r"\$\w+", "", name.removeprefix("dut.")).rstrip(".")


def _named(names: Sequence[str], *more: str) -> re.Pattern[str]:
    return re.compile("|".join([*(rf"{re.escape(n)}(\..*)?" for n in names), *more]))


def pipeline(counting: bool) -> re.Pattern[str]:
    """All between window and memory that moves from sample to sample."""
    names = [n for side in range(2) for n in specialise.pipeline(counting, side)]
    return _named(names, PORTS)


def link(counting: bool) -> re.Pattern[str]:
    """The sending half of the link."""
    parts = specialise.parts(counting).values()
    return _named([n for part in parts for n in (*part.inside, *part.unseen)], PORTS)
