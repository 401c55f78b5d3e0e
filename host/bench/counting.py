"""Photon counting at a million counts a second."""

from host.bench.effort import Effort
from host.bench.rows import TIMES, Report, Row, missing


def rows(effort: Effort, report: Report) -> list[Row]:
    """The real-time factor in counting mode.

    To be had when `host.settings` knows counting: then, as in `instrument`, a `Live` of a plant that counts, its filter
    such that a million pulses a second come on average.
    """
    why = "not available: host.settings has no counting mode yet"
    return [missing("counting.million", "photon counting, 1 M counts/s", TIMES, why)]
