"""`trelscope doctor`: whether everything works here, and the way out where it does not."""

import argparse

from trelscope.host.commands.common import Commands, say
from trelscope.host.doctor import examine
from trelscope.host.errors import UserError

GOOD, OPTIONAL, BAD = "ok", "-", "NO"


class CheckFailed(UserError):
    """Something that a capture or the window needs does not work."""


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("doctor", help="see whether everything works here, and what is missing")
    p.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    bad = []
    for finding in examine(say):
        mark = GOOD if finding.good else BAD if finding.needed else OPTIONAL
        print(f"{mark:<4}{finding.name:<21}{finding.words}", flush=True)
        if mark == BAD:
            bad.append(finding.name)
    if bad:
        raise CheckFailed(f"{', '.join(bad)}: see above for what to do")
    print(f"\ncaptures work here; what has a {OPTIONAL} is for boards and development only")
    return 0
