"""Code-density test of the photon lanes: how wide each of the eight is. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from trelscope.gateware.protocol import CYCLE_NS
from trelscope.host.calibration.level import CalibrationError

LEAST_PHOTONS = 20_000  # of all lanes together: a width to 2 %
STEADY = 1e-6
"""p-value below which the light counts as unsteady."""


@dataclass(frozen=True, eq=False)
class Lanes:
    """Widths of the eight sampling lanes, ns, (8,), their standard errors, and how uneven they are.

    photons: counted in all. chi2: of the lanes' counts against equal ones, 7 degrees of freedom; p: its chance then.
    """

    widths: NDArray[np.float64]
    errors: NDArray[np.float64]
    photons: int
    chi2: float
    p: float


def lanes(counts: NDArray[np.int64]) -> Lanes:
    """Code-density test: light that is not synchronous to the clock falls into each lane in proportion to its width.

    counts: (cycles, 8) photons by clock cycle within the window, and lane. Raises CalibrationError if they are too few,
    or more in some cycles than in others by more than chance: such light follows the pulses.
    """
    by_lane = counts.sum(axis=0)
    photons = int(by_lane.sum())
    if photons < LEAST_PHOTONS:
        raise CalibrationError(
            f"{photons} photons are too few, {LEAST_PHOTONS} are needed; take more pulses or more steady light"
        )
    by_cycle = counts.sum(axis=1)
    unsteady = _chi2(by_cycle, len(by_cycle))
    if chdtrc(len(by_cycle) - 1, unsteady) < STEADY:
        raise CalibrationError(
            "the light follows the pulses; light the detector steadily (a torch), and look where the device is dark"
        )
    shares = by_lane / photons
    chi2 = _chi2(by_lane, CYCLE_NS)
    return Lanes(
        widths=CYCLE_NS * shares,
        errors=CYCLE_NS * np.sqrt(shares * (1 - shares) / photons),
        photons=photons,
        chi2=chi2,
        p=float(chdtrc(CYCLE_NS - 1, chi2)),
    )


def _chi2(counts: NDArray[np.int64], cells: int) -> float:
    """Of counts against equal ones."""
    mean = counts.sum() / cells
    return float(((counts - mean) ** 2).sum() / mean)
