"""`trelscope` without a command: the live window, or, where there is no display, one capture with a picture of it."""

from pathlib import Path

from trelscope.host.commands.common import run_capture, say
from trelscope.host.display import NONE, has_display
from trelscope.host.files import formats
from trelscope.host.link.urls import DEFAULT_SOURCE, check_source
from trelscope.host.planning import CaptureRequest
from trelscope.host.report.text import table


def show(source: str | None) -> int:
    """Show the window until it is closed. source: None is the one it was left with. Raises UserError."""
    if source is not None:
        check_source(source)
    if not has_display():
        say(f"{NONE}: capturing without a window")
        return _headless(source or DEFAULT_SOURCE)
    from trelscope.host.app import main  # needs Qt's libraries, which a capture does not

    return main.run(source)


def _headless(source: str) -> int:
    picture = Path("trelscope.png")
    formats.check_writable(picture)
    result = run_capture(source, CaptureRequest().plan, seed=0, paced=False)
    from trelscope.host.report.png import write_png

    print(table(result))
    write_png(result, picture)
    print(f"plot: {picture}")
    return 0
