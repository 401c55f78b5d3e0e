"""Laws of decay, seen through the response of the detector."""

import numpy as np

from host.decay.result import Array

_NEAR = 1e-4  # closest relative distance kept between a lifetime and the response


def survival(t: Array, life: float, response: float) -> tuple[Array, Array, Array]:
    """Part of a component's photons still to come at `t` (s after the excitation).

    Returns it, its derivative by ln(life), and the rate (1/s) at which they come; all in the shape
    of t. A lifetime within _NEAR of the response is moved to that distance.
    """
    if abs(life - response) < _NEAR * response:
        life = response * (1 + _NEAR)
    after = np.maximum(t, 0.0)
    slow = np.exp(-after / life)
    fast = np.exp(-after / response) if response > 0 else np.zeros_like(t)
    gap = life - response
    left = np.where(t > 0, (life * slow - response * fast) / gap, 1.0)
    by_life = np.where(t > 0, life * ((1 + after / life) * slow - left) / gap, 0.0)
    return left, by_life, np.where(t > 0, (slow - fast) / gap, 0.0)
