"""A recording as a picture: PNG, SVG, or a page of HTML with the numbers below it."""

import html
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.errors import UserError
from trelscope.host.files import formats
from trelscope.host.files.target import check_writable

SUFFIXES = (".png", ".svg", ".html")

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; max-width: 75rem; margin: 1rem auto }} svg {{ width: 100%; height: auto }}
pre {{ overflow-x: auto }}</style></head>
<body><h1>{title}</h1>
{picture}
<pre>{text}</pre>
</body></html>
"""


class PictureError(UserError):
    """The picture cannot be made; the message says why in one line."""


def check(path: Path) -> None:
    """Refuse a path where no picture can be made, before anything is measured. Raises PictureError, FileError."""
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{path}: unknown kind of picture; use one of {', '.join(SUFFIXES)}")
    check_writable(path)


def write(path: Path, recording: Recording) -> None:
    """Draw drive and light with the marked crossings. Raises PictureError, FileError."""
    from trelscope.host.report import png, text  # Qt is needed for pictures alone

    check(path)
    suffix = path.suffix.lower()
    if suffix == ".png":
        png.write_png(recording, path)
        return
    drawn = png.as_svg(recording)
    if suffix == ".html":
        svg = drawn.decode()
        page = _PAGE.format(
            title=html.escape(recording.source),
            picture=svg[svg.index("<svg") :],
            text=html.escape(text.table(recording)),
        )
        drawn = page.encode()
    formats.store(path, drawn)
