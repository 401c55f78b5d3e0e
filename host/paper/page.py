"""The rows as text, as CSV and as one HTML page that needs nothing else."""

import csv
import html
import io
import re
from collections.abc import Mapping, Sequence

from trelscope.host.paper.run import LIMIT_PERCENT, Row, worst_percent
from trelscope.host.units import format_si, format_with_error

FITTED = (
    "The device model was fitted to eleven of these times, so agreement says little about the device. What it tests is"
    " the instrument: gateware, detector, link, averaging and measurement must give back what the model emits."
)
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #ccc; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
figure { margin: 2rem 0; } figure svg { max-width: 100%; height: auto; }
"""


def table(rows: Sequence[Row]) -> str:
    """A line each: condition, target, measured, error."""
    lines = [f"{'Fig.':<6}{'condition':<44}{'paper':>10}  {'measured':<24}{'error':>8}  flags"]
    for row in rows:
        error = "prediction" if row.error_percent is None else f"{row.error_percent:+.2f} %"
        lines.append(
            f"{row.figure:<6}{row.condition:<44}{_target(row):>10}  {_measured(row):<24}{error:>10}"
            f"  {' '.join(row.flags)}".rstrip()
        )
    return "\n".join(lines)


def as_csv(rows: Sequence[Row]) -> str:
    """The rows with every field but the trace."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0].as_dict()), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row.as_dict() | {"flags": " ".join(row.flags)})
    return text.getvalue()


def as_html(rows: Sequence[Row], figures: Mapping[str, str]) -> str:
    """The page; figures: SVG text by title."""
    body = "".join(
        f"<tr><td>{_text(row.figure)}</td><td>{_text(row.condition)}</td>"
        f'<td class="number">{_text(_target(row))}</td><td class="number">{_text(_measured(row))}</td>'
        f'<td class="number">{_error(row)}</td><td>{_text(" ".join(row.flags))}</td>'
        f"<td>{_text(row.doubt)}</td></tr>\n"
        for row in rows
    )
    drawings = "".join(
        f"<figure>{_inline(svg, number)}<figcaption>{_text(title)}</figcaption></figure>\n"
        for number, (title, svg) in enumerate(figures.items())
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>The paper through the emulated instrument</title><style>{STYLE}</style></head><body>\n"
        "<h1>The paper through the emulated instrument</h1>\n"
        "<p>Transient electroluminescence of Zhang et al., <i>Light: Science &amp; Applications</i> (2025),"
        " doi 10.1038/s41377-025-01959-y. EMULATED: no sample and no board was involved.</p>\n"
        f"<p>Worst distance from a quoted time: {worst_percent(rows):.2f} % (limit {LIMIT_PERCENT:g} %). {FITTED}</p>\n"
        "<table><tr><th>Fig.</th><th>Condition</th><th>Paper</th><th>Measured</th><th>Error</th><th>Flags</th>"
        f"<th>Doubts</th></tr>\n{body}</table>\n{drawings}</body></html>\n"
    )


def _target(row: Row) -> str:
    return "–" if row.target is None else format_si(row.target, "s")


def _measured(row: Row) -> str:
    return format_with_error(row.measured, row.se, "s")


def _error(row: Row) -> str:
    return "prediction" if row.error_percent is None else f"{row.error_percent:+.2f} %"


def _text(text: str) -> str:
    return html.escape(text)


def _inline(svg: str, number: int) -> str:
    """An SVG file's element, its ids made the page's own."""
    element = svg[svg.index("<svg") :]
    for name in set(re.findall(r'\bid="([^"]+)"', element)):
        element = re.sub(
            rf'(id="|url\(#|href="#){re.escape(name)}\b', rf"\g<1>f{number}-{name}", element
        )
    return element
