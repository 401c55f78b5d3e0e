"""`trelscope doctor`: whether everything works here, and the way out where it does not."""

import argparse
import sys
from collections.abc import Callable

from trelscope.host.bringup.checkup import check_up
from trelscope.host.commands.common import Commands, say
from trelscope.host.doctor import examine
from trelscope.host.errors import UserError
from trelscope.host.link import Link
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.urls import as_typed, open_link

GOOD, OPTIONAL, BAD = "ok", "-", "NO"


class CheckFailed(UserError):
    """Something that a capture or the window needs does not work."""


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser("doctor", help="see whether everything works here, and what is missing")
    p.set_defaults(command=_doctor)
    p.add_argument(
        "--board",
        type=as_typed,
        metavar="SOURCE",
        help="look at this board and its front end instead, as far as a program can",
    )
    p.add_argument(
        "--drive",
        action="store_true",
        help="with --board: also drive it at 3 V and at 7 V, into 1 kΩ and with no device connected",
    )
    p.add_argument(
        "--loopback",
        action="store_true",
        help="with --board: also drive `gate`, at 3 V, and look for its edges at the photon pins, which it is wired to",
    )
    p.add_argument(
        "--interlock-checked",
        action="store_true",
        help="with --drive or --loopback: nobody moves the interlock now, because you have checked that it works",
    )


def _doctor(options: argparse.Namespace) -> int:
    if options.board is not None:
        return _board(options)
    if options.drive or options.loopback:
        raise CheckFailed("--drive and --loopback need a board: give --board SOURCE as well")
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


def _board(options: argparse.Namespace) -> int:
    link = open_link(options.board, seed=1, paced=False, report=say)
    bad = []
    try:
        for finding in check_up(
            link, _hand(link), options.drive, options.loopback, options.interlock_checked
        ):
            mark = OPTIONAL if finding.good is None else GOOD if finding.good else BAD
            print(f"{mark:<4}{finding.name:<21}{finding.words}", flush=True)
            if finding.good is False:
                bad.append(finding.name)
    finally:
        link.close()
    if bad:
        raise CheckFailed(f"{', '.join(bad)}: see above for what to do")
    print(
        f"\nwhat has a {OPTIONAL} could not be checked; docs/flashing.md has what only eyes and a meter can check"
    )
    if not options.drive:
        print(
            "level and edges of the drive were not looked at: give --drive for that, with 1 kΩ and no device connected"
        )
    return 0


def _hand(link: Link) -> Callable[[bool], bool]:
    """What opens (True) or closes the interlock: the emulated one, or whoever sits at the terminal."""
    if isinstance(link, EmulatorLink):
        return lambda opened: _emulated(link, opened)
    return _person if sys.stdin.isatty() else lambda opened: False


def _emulated(link: EmulatorLink, opened: bool) -> bool:
    link.trip(opened)
    return True


def _person(opened: bool) -> bool:
    try:
        answer = input(
            f"{'open' if opened else 'close'} the interlock, then press Enter (s: skip): "
        )
    except EOFError:  # Ctrl-D: nobody is there any more
        return False
    return answer.strip().lower() != "s"
