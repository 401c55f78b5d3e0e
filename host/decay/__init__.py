"""Lifetimes from a histogram of photon arrivals, with standard errors, by maximum likelihood.

The rate of arrivals after an excitation at t0 is

    background + sum_k amplitude_k exp(-(t - t0) / lifetime_k), spread by the detector's response,

and its integral over a bin, times the excitations, is the mean of a Poisson variable. The
likelihood is that of the Poisson distribution: least squares on sqrt(counts) is biased where counts
are few (W. Cash, Astrophys. J. 228, 939, 1979), and here most bins of a tail hold none or one. It
is climbed by Fisher scoring; standard errors are from the inverse of the Fisher information at the
top.

The response is one pole, so a component is the difference of two exponentials and everything is in
closed form. Inside, a component is counted in photons (amplitude times lifetime), which the data
fix far better than the amplitude.
"""

from trelscope.host.decay.corrections import (
    LONGEST_DEAD_TIME,
    PILE_UP_LIMIT,
    after_pulses,
    live_pulses,
    pile_up,
)
from trelscope.host.decay.fall import falls, fit_fall
from trelscope.host.decay.fit import fit_decay
from trelscope.host.decay.response import MeasuredResponse, Response, measured
from trelscope.host.decay.result import Component, Decay, Key, Value

__all__ = [
    "LONGEST_DEAD_TIME",
    "PILE_UP_LIMIT",
    "Component",
    "Decay",
    "Key",
    "MeasuredResponse",
    "Response",
    "Value",
    "after_pulses",
    "falls",
    "fit_decay",
    "fit_fall",
    "live_pulses",
    "measured",
    "pile_up",
]
