"""`trelscope` alone: the live window, or, where there is no display, one capture with a picture of it."""

import argparse
import os
import sys
from pathlib import Path

from host import export
from host.commands.common import run_capture, say
from host.report import table
from host.settings import plan


def run(options: argparse.Namespace) -> int:
    """Show the window until it is closed."""
    if not _has_display():
        say(
            "no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): capturing without a window"
        )
        return _headless(options.source)
    from host.app import main  # needs Qt's libraries, which a capture does not

    return main.run()


def _headless(source: str) -> int:
    picture = Path("trelscope.png")
    export.check_writable(picture)
    result = run_capture(source, plan, seed=0, paced=False)
    from host.plot import write_png

    print(table(result))
    write_png(result, picture)
    print(f"plot: {picture}")
    return 0


def _has_display() -> bool:
    return (
        sys.platform in ("win32", "darwin")
        or bool(os.environ.get("DISPLAY"))
        or bool(os.environ.get("WAYLAND_DISPLAY"))
    )
