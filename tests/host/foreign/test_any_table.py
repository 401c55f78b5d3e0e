"""Any table in any dialect gives its numbers back, and no bytes at all give a traceback."""

from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as how
from hypothesis import strategies as st

from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.table import table

NUMBERS = st.floats(-1e3, 1e3, width=32).map(float)
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12}
UNITS = {"V": 1.0, "mV": 1e-3, "Volt": 1.0, "A": 1.0}
SEPARATORS = ("\t", ";", ",", " ; ", ", ")
HEADS = ("names", "units row", "metadata", "comment")


def text(head: str, between: str, time: str, unit: str, rows: Sequence[Sequence[str]]) -> str:
    """A table with as many channels as rows have, less the time."""
    names = [f"CH{k}" for k in range(1, len(rows[0]))]
    if head == "units row":
        lines = [between.join(["Time", *names]), between.join([time, *[unit] * len(names)])]
    else:
        lines = [between.join([f"Time ({time})", *[f"{name} ({unit})" for name in names]])]
    if head == "metadata":
        lines = ["Model: DSO 9", "Serial Number: 12345", "", *lines]
    if head == "comment":
        lines = [f"# {lines[0]}"]
    return "\n".join([*lines, *(between.join(row) for row in rows)])


@how(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=8, max_size=30),
    st.integers(1, 3),
    st.sampled_from(HEADS),
    st.sampled_from(SEPARATORS),
    st.sampled_from(".,"),
    st.sampled_from(tuple(TIME_UNITS)),
    st.sampled_from(tuple(UNITS)),
    st.sampled_from(("\n", "\r\n", "\r")),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")),
    st.sampled_from(("", ",", "\t")),
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 10),
)
def test_a_table_gives_its_numbers_back(
    values: list[list[float]],
    channels: int,
    head: str,
    between: str,
    decimal: str,
    time: str,
    unit: str,
    end: str,
    encoding: str,
    trailing: str,
    start: float,
    step: float,
) -> None:
    comma = between.strip(" ") == ","
    assume(not (comma and decimal == ","))
    assume(not trailing or trailing == between)
    y = np.array(values)[:, :channels]
    t = start + step * np.arange(len(y))
    rows = [[f"{x:.9e}".replace(".", decimal) for x in (a, *b)] for a, b in zip(t, y, strict=True)]
    content = text(head, between, time, unit, rows)
    content = "\n".join(line + trailing for line in content.split("\n")).replace("\n", end)
    found = table(content.encode(encoding))
    assert found.t is not None
    assert np.allclose(
        found.t, t * TIME_UNITS[time], rtol=1e-8, atol=1e-5 * step * TIME_UNITS[time]
    )
    assert np.allclose([c.values for c in found.channels], y.T * UNITS[unit], rtol=1e-8, atol=0)
    assert [c.name for c in found.channels] == [f"CH{k}" for k in range(1, channels + 1)]


CELL = st.one_of(
    st.sampled_from(
        ["", "1", "0,5", "-2.5e-7", "nan", "∞", "time", "s", "V", "#", '"', "*BLOCK 1", "x=1"]
    ),
    st.text(max_size=6),
)


@how(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")),
        st.lists(st.lists(CELL, max_size=5), max_size=12).map(
            lambda rows: "\n".join(";".join(row) for row in rows).encode("utf-8", "replace")
        ),
        st.lists(st.lists(CELL, max_size=5), max_size=12).map(
            lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
        ),
    ),
    st.sampled_from([Choices(), Choices(interval=1e-9), Choices(time_unit="ns")]),
)
def test_no_bytes_give_a_traceback(content: bytes, said: Choices) -> None:
    found, problem = None, ""
    try:
        found = table(content, said)
    except Unreadable as refused:
        problem = str(refused)
    if found is None:
        assert problem
        assert "\n" not in problem
    else:
        assert found.t is not None
        assert all(channel.values.size == found.t.size for channel in found.channels)
