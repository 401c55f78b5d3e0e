"""`trelscope` without a command: the live window, or, where there is no display, one capture with a picture of it."""

from pathlib import Path

from trelscope.host.commands.common import outcome, run_capture, say
from trelscope.host.display import NONE, has_display
from trelscope.host.files import target
from trelscope.host.link.urls import DEFAULT_SOURCE, check_source
from trelscope.host.planning import CaptureRequest
from trelscope.host.report.text import table

PNG = b"\x89PNG\r\n\x1a\n"  # what such a file begins with


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
    target.check_writable(picture)
    target.check_replaceable(picture, "a PNG", _is_png)
    result = run_capture(source, CaptureRequest().plan, seed=0, paced=False)
    from trelscope.host.report.png import write_png

    print(table(result), flush=True)
    write_png(result, picture)
    print(f"plot: {picture}")
    return outcome(result)


def _is_png(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(PNG)) == PNG
    except OSError:
        return False
