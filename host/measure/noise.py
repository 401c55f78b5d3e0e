"""The noise of a waveform's samples, from the waveform alone."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ENOUGH = 16  # samples of a level that show its noise
_LAGS = 0.1  # of the samples: the farthest that are looked at together


def quick(y: Array) -> float:
    """Standard deviation of a sample, from second differences, whatever the waveform is but for a few edges."""
    spread = float(np.median(np.abs(np.diff(y, 2)))) / 0.6745 / np.sqrt(6)
    return float(max(spread, quantum(y) / np.sqrt(12)))


def quantum(y: Array) -> float:
    """The converter's step: the least difference between two values that are not the same; 0 if there is none."""
    values = np.unique(y)
    if values.size < 2:
        return 0.0
    steps = np.diff(values)
    real = steps[steps > 1e-6 * (values[-1] - values[0])]
    # Of noise without steps the least difference is nothing like the usual one.
    return float(real.min()) if real.size and real.min() > 0.1 * np.median(real) else 0.0


def of_level(y: Array) -> float:
    """Standard error per sample of a steady level (n,), so that a mean over many has the error that it does have.

    Neighbouring samples of an oscilloscope are alike: its bandwidth, or its own averaging, spreads noise over several.
    So the scatter is widened by the square root of the number of samples that say the same. nan for too few.
    """
    if y.size < _ENOUGH:
        return float("nan")
    k = np.linspace(-1, 1, y.size)
    rest = y - np.polynomial.polynomial.polyval(k, np.polynomial.polynomial.polyfit(k, y, 2))
    spread = float(np.sqrt(np.sum(rest**2) / (y.size - 3)))
    spread = max(spread, float(quantum(y) / np.sqrt(12)))
    return spread * float(np.sqrt(alike(rest)))


def alike(rest: Array) -> float:
    """How many neighbouring samples of noise (n,) say the same: 1 + 2 * the sum of its correlations while positive."""
    n = rest.size
    power = float(rest @ rest)
    if not power > 0:
        return 1.0
    total = 1.0
    for lag in range(1, max(2, int(_LAGS * n))):
        correlation = float(rest[:-lag] @ rest[lag:]) / power
        if correlation < 2 / np.sqrt(n):
            break
        total += 2 * correlation
    return total
