"""Launch-phase table: how far each of the eight launch phases is off its nanosecond. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert
from scipy.optimize import least_squares
from scipy.special import chdtrc

from trelscope.gateware.protocol import CYCLE_NS
from trelscope.host.calibration.level import CalibrationError
from trelscope.host.measure.crossings import pilot
from trelscope.host.measure.trace import Trace, unfit
from trelscope.host.planning import CaptureRequest

Array = NDArray[np.float64]

# An odd number of half cycles: the falling edge meets the phases 4 ns from where the rising one does.
WIDTH = 1.004e-6  # s
WINDOW = (-0.2e-6, 2e-6)  # s: start, length
RATE = 15e3  # Hz
FRAMES = 128  # so many that each bin has a standard error of its own
STEP = 250e-12  # s, one step of the PLL
SHAPE_HOLDS = 1e-4
"""p-value below which the shape is rejected."""
SHARPEST = 0.5 * STEP  # s: an offset with a larger standard error is not known at all
FOOT, SETTLED = 0.1, 0.99  # of the step: where an edge begins and ends to be looked at
# Degree of the polynomial, and whether a faster pole comes before: (1, False) is a single pole, (1, True) exactly two.
SHAPES = [
    (1, False),
    (2, False),
    (1, True),
    (3, False),
    (2, True),
    (4, False),
    (3, True),
    (5, False),
    (6, False),
]
FAINTEST = 100.0  # standard errors in a step that is to be told from noise
SLOWER = "slow the monitor's edge with an RC of some 10 ns for this calibration"


def request(pulses: int) -> CaptureRequest:
    """The capture whose drive trace `phases` reads."""
    return CaptureRequest(
        rate=RATE,
        width=WIDTH,
        pulses=pulses,
        window=WINDOW,
        bin=1e-9,
        frame_pulses=max(pulses // FRAMES, 1),
    )


@dataclass(frozen=True, eq=False)
class PhaseTable:
    """Offsets of the eight launch phases, s, (8,), of zero mean, and their standard errors.

    Positive: the launch is late. nan where not known.
    """

    offsets: Array
    errors: Array

    @property
    def far_off(self) -> list[int]:
        """Phases off by more than a step of the PLL."""
        return np.flatnonzero(np.abs(self.offsets) > STEP).tolist()

    def as_dict(self) -> dict[str, list[float | None]]:
        """Both by name, None where not known."""
        offsets, errors = (
            [None if np.isnan(each) else float(each) for each in column]
            for column in (self.offsets, self.errors)
        )
        return {"offsets": offsets, "se": errors}


@dataclass(frozen=True, eq=False)
class Phases:
    """A launch-phase table, and how well it fits.

    why: in words, what is not known; or "". chi2: of the residuals, with `dof` degrees of freedom; p: its chance, were
    the shape right.
    """

    table: PhaseTable
    why: str
    chi2: float
    dof: int
    p: float


@dataclass(frozen=True, eq=False)
class _EdgeSamples:
    """What one edge adds: instants t ns and phases p of its samples, the way left to the settled level (about 1 to 0).

    se: standard errors, in steps.
    """

    t: Array
    p: NDArray[np.intp]
    left: Array
    se: Array


def phases(drive: Trace, edges: Sequence[float]) -> Phases:
    """From the drive monitor in 1 ns bins around `edges` (s, as commanded, each settled before the next).

    Bin t holds the samples taken with phase (-t) mod 8: each phase sees the same edge, displaced by its offset. From
    its foot on, the way left to the settled level is exp of a polynomial in time, of each edge its own, perhaps with
    the last of a faster pole's response: the one of SHAPES with the least AIC.
    Raises CalibrationError where no shape holds, or no phase can be told.
    """
    _check(drive)
    found = [_edge_samples(drive, at, edges) for at in edges]
    # An edge that misses a phase is shorter than a cycle, and its shape is not to be told from the others' offsets.
    seen = np.unique(np.concatenate([edge.p for edge in found]))
    fits = [_fit(found, *shape) for shape in SHAPES if _degrees_of_freedom(found, *shape) > 1]
    if seen.size < CYCLE_NS or not fits:
        raise CalibrationError(f"the drive's edges are too fast; {SLOWER}")
    _, best = min(fits, key=lambda fit: fit[0])
    if not best.p >= SHAPE_HOLDS:
        raise CalibrationError(
            f"no smooth edge fits the drive (chi2 {best.chi2:.0f} for {best.dof}): it rings, or is too fast;"
            f" take the device off, and {SLOWER}"
        )
    offsets, errors = best.table.offsets.copy(), best.table.errors.copy()
    vague = np.flatnonzero(errors > SHARPEST)
    why = ""
    if vague.size:
        which = ", ".join(map(str, vague))
        why = f"phase {which}: known to no better than {SHARPEST * 1e12:.0f} ps; take more pulses, or {SLOWER}"
    offsets[vague] = errors[vague] = np.nan
    if not np.isfinite(offsets).any():
        raise CalibrationError(why)
    return Phases(PhaseTable(offsets, errors), why, best.chi2, best.dof, best.p)


def shift(before: Trace, after: Trace) -> tuple[float, float]:
    """How much later the drive's edges come in the second of two traces, s, and its standard error.

    For shifts that are small against the edges.
    """
    slope = np.gradient(before.y, before.t)
    weight = slope / (before.se**2 + after.se**2)
    weight[~np.isfinite(weight)] = 0.0
    known = float(np.sum(weight * slope))
    if known <= 0:
        return 0.0, float("inf")
    return float(np.sum(weight * (before.y - after.y))) / known, known**-0.5


def _check(drive: Trace) -> None:
    problem = unfit(drive, 1.0)
    if problem:
        raise CalibrationError(f"drive monitor: {problem}")
    step = float(np.mean(np.diff(drive.t))) * 1e9
    if abs(step - 1) > 1e-3:
        raise CalibrationError(
            f"the bins are of {step:.3g} ns; the phases show in bins of 1 ns only"
        )
    if not (np.isfinite(drive.se).all() and drive.se.min() > 0):
        raise CalibrationError("the drive's noise is not known; take more pulses")


def _edge_samples(drive: Trace, at: float, edges: Sequence[float]) -> _EdgeSamples:
    """The samples between foot and settled level of the edge commanded at `at` s."""
    limits = [float(drive.t[0]), *(other for other in edges if other != at), float(drive.t[-1])]
    start = max(limit for limit in limits if limit < at)
    end = min(limit for limit in limits if limit > at)
    before = drive.y[(drive.t > (start + at) / 2) & (drive.t < at)]
    after = drive.y[(drive.t > (at + end) / 2) & (drive.t < end)]
    if min(before.size, after.size) < CYCLE_NS:
        raise CalibrationError("the window is too short around the drive's edges")
    low, high = float(before.mean()), float(after.mean())
    near = (drive.t > at - (at - start) / 2) & (drive.t < (at + end) / 2)
    t, y, se = drive.t[near] * 1e9, drive.y[near], drive.se[near]
    if abs(high - low) < FAINTEST * se.max():
        raise CalibrationError(
            "the drive monitor shows no edge; connect it, or take a higher level"
        )
    foot, settled = pilot((y - low) / (high - low), np.array([FOOT, SETTLED]))
    if not settled > foot >= 0:
        raise CalibrationError(
            f"the drive monitor shows no whole edge near {at * 1e9:.0f} ns; is an RC before it too slow?"
        )
    on = slice(int(np.ceil(foot)), int(np.ceil(settled)) + 1)
    nanosecond = np.rint(t[on]).astype(np.intp)
    return _EdgeSamples(
        t[on] - t[on][0],
        -nanosecond % CYCLE_NS,
        (high - y[on]) / (high - low),
        se[on] / abs(high - low),
    )


def _degrees_of_freedom(found: list[_EdgeSamples], degree: int, faster: bool) -> int:
    """Degrees of freedom that a fit leaves."""
    own = degree + 2 + 2 * faster
    return sum(edge.t.size for edge in found) - len(found) * own - (CYCLE_NS - 1)


def _fit(found: list[_EdgeSamples], degree: int, faster: bool) -> tuple[float, Phases]:
    """AIC (with its term for few samples), and the phases as this shape has them."""
    contrasts = helmert(CYCLE_NS)  # (7, 8): they span the vectors of zero mean
    common = len(contrasts)

    def residuals(x: Array) -> Array:
        late = x[:common] @ contrasts
        parts = []
        for edge, own in zip(found, x[common:].reshape(len(found), -1), strict=True):
            # Time in units of the edge, or powers of it would differ by decades.
            u = (edge.t - late[edge.p]) / (edge.t[-1] + 1)
            way = np.exp(np.minimum(np.polynomial.polynomial.polyval(u, own[1 : degree + 2]), 50.0))
            if faster:
                share, rate = own[degree + 2 :]
                way *= 1 - share * np.exp(np.minimum(-rate * u, 50.0))
            parts.append((edge.left - own[0] - way) / edge.se)
        return np.concatenate(parts)

    # From the foot to 1 - SETTLED of the way left, straight.
    straight = np.log([1 - FOOT, (1 - SETTLED) / (1 - FOOT)])
    own = np.concatenate(([0.0], straight, np.zeros(degree - 1), [0.1, 20.0] if faster else []))
    start = np.concatenate((np.zeros(common), np.tile(own, len(found))))
    fit = least_squares(residuals, start, x_scale="jac", max_nfev=100)
    size, free = fit.fun.size, fit.x.size
    chi2, dof = float(2 * fit.cost), size - free
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac)[:common, :common]
    offsets = fit.x[:common] @ contrasts * 1e-9
    errors = np.sqrt(np.diag(contrasts.T @ covariance @ contrasts)) * 1e-9
    aic = chi2 + 2 * free * size / (dof - 1)
    p = float(chdtrc(dof, chi2))
    return aic, Phases(PhaseTable(offsets, errors), "", chi2, dof, p)
