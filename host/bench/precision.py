"""How precisely instants are read: error over the information limit, for fixed cases, next to other ways to do it."""

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from trelscope.host.bench.devices import device_rise
from trelscope.host.bench.effort import Effort
from trelscope.host.bench.rows import TIMES, Report, Row, measured, missing
from trelscope.host.bench.waveforms import (
    WIDTH,
    Pulse,
    Shape,
    bin_means,
    delayed_exponential,
    first_passage,
    gamma_rise,
    grid,
    hyperbolic,
    lognormal,
    noisy,
    ringing,
    sigmoid,
    squared_exponential,
    stretched,
    two_exponentials,
)
from trelscope.host.measure.measure import Estimator, MeasureOptions, measure
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]

BINS = grid(16384, 4e-9, -2e-6)  # s: the window's default
FALL = delayed_exponential(100e-9, 600e-9)
STEP = 1e-4  # of a parameter, relative: for derivatives by differences
BOXCAR = 0.06  # of the response: width of the moving average
PACKAGE = "pulse_transitions"
HOW = "not installed: pip install pulse-transitions==0.1.0 pydantic pandas (its 0.2.0 lacks a file)"


@dataclass(frozen=True)
class Case:
    """A family of rises with the parameters of the one that is measured."""

    name: str
    family: Callable[..., Shape]
    parameters: tuple[float, ...]

    def pulse(self, parameters: Sequence[float] | None = None) -> Pulse:
        """The member with other parameters, or this one."""
        return Pulse(self.family(*(parameters or self.parameters)), FALL)


PAPER_PRESETS = (
    "control-4mm2",
    "bmim3-4mm2",
    "bmim3-libr-4mm2",
    "bmim3-1mm2",
    "hr-4mm2",
    "hr-1mm2",
)
CASES = (
    Case("exponential", delayed_exponential, (300e-9, 1.5e-6)),
    Case("stretched", stretched, (200e-9, 1e-6, 0.7)),
    Case("ringing", ringing, (100e-9, 3e-6, 0.35)),
    Case("sigmoid", sigmoid, (5e-6, 0.4e-6)),
    Case("two exponentials", two_exponentials, (100e-9, 0.3e-6, 4e-6, 0.7)),
    Case("squared exponential", squared_exponential, (2e-6, 8e-6)),
    Case("cascade", gamma_rise, (150e-9, 0.5e-6, 3.0)),
    *(Case(name, partial(device_rise, name), (1.0, 1.0, 1.0)) for name in PAPER_PRESETS),
    Case("hyperbolic (no family has it)", hyperbolic, (0.4e-6, 2e-6, 3.0)),
    Case("lognormal (no family has it)", lognormal, (50e-9, 1e-6, 0.6)),
)


def times(pulse: Pulse) -> Array:
    """s (3,): onset, rise and response of a waveform without noise."""
    fine = np.linspace(0.9 * pulse.width, pulse.width, 2001)
    top = float(np.mean(pulse.rise(fine)))
    low, high = (first_passage(pulse.rise, part * top, pulse.width) for part in (0.1, 0.9))
    return np.array([low, high - low, high])


def bound(case: Case, snr: float, bins: Array = BINS) -> Array:
    """s (3,): the Cramér–Rao bound of `times` for who knows the family, but none of its parameters, nor base and
    amplitude; snr: amplitude over the standard deviation of one bin.

    No estimator without bias has a smaller standard deviation (S. M. Kay, Fundamentals of Statistical Signal
    Processing, vol. 1, 1993, ch. 3).
    """
    t = bins[bins < WIDTH]
    derivatives, gradients = [np.ones_like(t), bin_means(case.pulse(), t)], [np.zeros(3)] * 2
    for k, value in enumerate(case.parameters):
        step = np.zeros(len(case.parameters))
        step[k] = STEP * value
        up, down = (case.pulse(tuple(np.array(case.parameters) + sign * step)) for sign in (1, -1))
        derivatives.append((bin_means(up, t) - bin_means(down, t)) / (2 * step[k]))
        gradients.append((times(up) - times(down)) / (2 * step[k]))
    jacobian, gradient = np.array(derivatives), np.array(gradients)
    scale = np.linalg.norm(jacobian, axis=1)
    information = (jacobian / scale[:, None]) @ (jacobian / scale[:, None]).T * snr**2
    spread = gradient / scale[:, None]
    return np.asarray(np.sqrt(np.sum(spread * np.linalg.solve(information, spread), axis=0)))


Reader = Callable[[Trace], Sequence[float]]
"""s (3,): onset, rise and response from a trace."""


def _ours(estimator: Estimator, trace: Trace) -> Sequence[float]:
    m = measure(trace, WIDTH, options=MeasureOptions(estimator=estimator))
    return m.onset.value, m.rise.value, m.response.value


def _levels(trace: Trace) -> tuple[float, float]:
    y, t = trace.y, trace.t
    return float(y[t < 0].mean()), float(y[(t > 0.9 * WIDTH) & (t < WIDTH)].mean())


def _first_crossing(trace: Trace) -> Sequence[float]:
    """Of the raw samples, interpolated."""
    base, top = _levels(trace)
    at = []
    lit = np.flatnonzero(trace.t > 0)
    for part in (0.1, 0.9):
        level = base + part * (top - base)
        k = int(lit[np.argmax(trace.y[lit] > level)])
        part_of_bin = (level - trace.y[k - 1]) / (trace.y[k] - trace.y[k - 1])
        at.append(float(trace.t[k - 1] + part_of_bin * (trace.t[k] - trace.t[k - 1])))
    return at[0], at[1] - at[0], at[1]


def _boxcar(response: float, trace: Trace) -> Sequence[float]:
    """First crossing after a moving average over a small part of the response."""
    size = max(1, round(BOXCAR * response / (trace.t[1] - trace.t[0])))
    smooth = np.convolve(trace.y, np.full(size, 1 / size), "same")
    return _first_crossing(Trace(trace.t, smooth, trace.se, trace.pulses))


def _package(module: ModuleType, trace: Trace) -> Sequence[float]:
    """The public package, told the levels: it finds those of a pulse by a histogram otherwise."""
    lit = trace.t < WIDTH
    try:
        edge = module.get_rising_edge(trace.t[lit], trace.y[lit], levels=_levels(trace))
    except ValueError:  # noise makes it find an end before the start, which it refuses
        edge = None
    if edge is None:
        return np.nan, np.nan, np.nan
    return edge.start, edge.end - edge.start, edge.end


def readers(response: float) -> dict[str, Reader]:
    """Estimators by name; response: s, about, for those that must be told how much to smooth."""
    return {
        "best": partial(_ours, Estimator.BEST),
        "fast": partial(_ours, Estimator.FAST),
        "boxcar": partial(_boxcar, response),
        "first crossing": _first_crossing,
    }


def errors(read: Reader, case: Case, snr: float, runs: int, seed: int = 1) -> Array:
    """s (runs, 3): measured less true, of `runs` traces with noise of their own."""
    pulse = case.pulse()
    clean, truth = bin_means(pulse, BINS), times(pulse)
    rng = np.random.default_rng(seed)
    return np.array([read(noisy(clean, BINS, 1 / snr, rng)) for _ in range(runs)]) - truth


def rows(effort: Effort, report: Report) -> list[Row]:
    """Root mean square error of the response over its bound, by case, noise and estimator; bias in standard errors of
    the mean beside it."""
    return list(_rows(effort, report))


def _rows(effort: Effort, report: Report) -> Iterator[Row]:
    module = _installed()
    for case in CASES[: effort.cases]:
        ways = readers(float(times(case.pulse())[2]))
        if module:
            ways[PACKAGE] = partial(_package, module)
        for snr in effort.snrs:
            report(f"precision: {case.name}, SNR {snr:g}")
            limit = float(bound(case, snr)[2])
            for name, read in ways.items():
                found = errors(read, case, snr, effort.runs, seed=round(snr))[:, 2]
                yield _row(case, snr, name, found[np.isfinite(found)], limit, effort.runs)
    yield from _durations(effort, report)
    if not module:
        yield missing(f"precision.{PACKAGE}", f"response, {PACKAGE}", TIMES, HOW)


def _durations(effort: Effort, report: Report) -> Iterator[Row]:
    """Processor time for one trace."""
    report("precision: time for one trace")
    case = CASES[0]
    trace = noisy(bin_means(case.pulse(), BINS), BINS, 1 / 30, np.random.default_rng(1))
    for estimator in Estimator:
        samples = []
        for _ in range(effort.samples):
            before = time.process_time()
            _ours(estimator, trace)
            samples.append(time.process_time() - before)
        what = f"{BINS.size} bins measured, {estimator}"
        yield measured(f"precision.seconds.{estimator}", what, samples, "s")


def _row(case: Case, snr: float, name: str, found: Array, limit: float, runs: int) -> Row:
    id = f"precision.{case.name.split(' (')[0]}.{snr:g}.{name}".replace(" ", "_")
    what = f"{case.name}, SNR {snr:g}: response, {name}"
    if found.size < 2:
        return missing(id, what, TIMES, "not measured")
    rmse = float(np.sqrt(np.mean(found**2)))
    bias = float(found.mean() / (found.std(ddof=1) / np.sqrt(found.size)))
    note = f"rmse {rmse * 1e9:.3g} ns, bound {limit * 1e9:.3g} ns, bias {bias:+.1f} se of the mean"
    if found.size < runs:
        note += f", {runs - found.size} of {runs} not measured"
    return Row(id, what, rmse / limit, TIMES, note)


def _installed() -> ModuleType | None:
    try:
        return importlib.import_module(f"{PACKAGE}.transient_response")
    except ImportError:
        return None
