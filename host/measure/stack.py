"""Several pulses of one record, averaged: their scatter is the noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure import noise

Array = NDArray[np.float64]

_PERIODIC = 0.5  # samples that instants may be off a line, for the line to be believed


@dataclass(frozen=True, eq=False)
class Stack:
    """k: (m,) samples from the anchor. mean, se: (channels, m). pulses: how many were averaged."""

    k: Array
    mean: Array
    se: Array
    pulses: int


def anchors(instants: Sequence[float]) -> Array:
    """Where pulses are, in samples; of a periodic train, without what noise adds to each."""
    at = np.array(instants, np.float64)
    if at.size < 3:
        return at
    number = np.rint((at - at[0]) / np.median(np.diff(at)))
    line = np.polynomial.polynomial.polyval(number, np.polynomial.polynomial.polyfit(number, at, 1))
    return np.asarray(line) if np.abs(line - at).max() < _PERIODIC else at


def stack(records: Sequence[Array], at: Sequence[float], before: int, after: int) -> Stack:
    """Average records (channels, n each) from `before` samples before each `at` to `after` samples after it.

    A pulse is moved by whole samples. What is left of its place, up to half a sample to either side, is in the mean
    what a bin's own width is, and its mean is in k.
    """
    whole = np.rint(at).astype(int)
    cut = np.array([y[:, w - before : w + after + 1] for y, w in zip(records, whole, strict=True)])
    k = np.asarray(
        np.arange(-before, after + 1) - float(np.mean(np.asarray(at) - whole)), np.float64
    )
    mean = cut.mean(axis=0)
    if len(cut) < 2:
        return Stack(k, mean, np.full(mean.shape, np.nan), 1)
    rest = cut - mean
    freedom = len(cut) - 1
    errors = np.empty(mean.shape)
    for channel in range(mean.shape[0]):
        squares = np.sum(rest[:, channel] ** 2, axis=0)
        step = noise.quantum(cut[0, channel])
        variance = np.maximum(_pooled(squares, freedom), step**2 / 12)
        wide = float(np.mean([noise.alike(row[channel]) for row in rest]))
        errors[channel] = np.sqrt(variance / len(cut) * wide)
    return Stack(k, mean, errors, len(cut))


_POOLED = 100  # degrees of freedom behind each variance


def _pooled(squares: Array, freedom: int) -> Array:
    """(m,) variances, each over so many neighbouring samples that it is good to 7 %."""
    size = min(max(1, -(-_POOLED // freedom)), squares.size) | 1
    padded = np.pad(squares, size // 2, mode="reflect" if squares.size > size // 2 else "edge")
    return np.asarray(np.convolve(padded, np.full(size, 1 / size), "valid") / freedom)
