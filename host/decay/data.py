"""What a decay is fitted to: the same search serves counts and traces."""

from abc import ABC, abstractmethod

import numpy as np

from trelscope.host.decay.models import Law
from trelscope.host.decay.response import Response
from trelscope.host.decay.result import Array


class FitData(ABC):
    """Numbers `y` (n,) with a likelihood, and a response.

    Parameters of a law given the data: an amount of each part, its shape, t0 (s), a background.
    """

    response: Response
    early: float
    late: float
    steady: bool
    """Whether the light was steady before t0, so that amounts are levels; else they are areas."""

    @property
    @abstractmethod
    def y(self) -> Array: ...

    @property
    @abstractmethod
    def grid(self) -> tuple[Array, Array]:
        """Times (s) at which curves are wanted, and the steps (s) between those."""

    @property
    @abstractmethod
    def cells(self) -> Array:
        """(m + 1,) s, borders of the stretches within which the model is smooth in t0."""

    @property
    @abstractmethod
    def floors(self) -> tuple[float, float]:
        """Least amount and least background."""

    @property
    @abstractmethod
    def guesses(self) -> tuple[float, float]:
        """Least amount and least background to begin from."""

    @property
    @abstractmethod
    def initial_weights(self) -> Array:
        """(n,) weights before there is a model."""

    @property
    @abstractmethod
    def observations(self) -> float:
        """How many, for BIC."""

    @property
    @abstractmethod
    def material(self) -> str:
        """What they are, in words."""

    @abstractmethod
    def observe(self, values: Array) -> Array:
        """(…, n) from curves on the grid."""

    @property
    @abstractmethod
    def flat(self) -> Array:
        """(n,) of a background of 1."""

    @property
    @abstractmethod
    def given(self) -> Array | float:
        """(n,) known in advance."""

    @abstractmethod
    def weight(self, mean: Array) -> Array:
        """(n,) reciprocal variances."""

    @abstractmethod
    def deviance(self, mean: Array) -> float: ...

    @abstractmethod
    def moments(self, mean: Array, jac: Array, covariance: Array) -> tuple[float, float]:
        """Mean and standard deviation of the deviance if the model is true; jac of what was free."""

    @abstractmethod
    def gross(self, amounts: Array) -> float:
        """Excess deviance from which on the model is another shape."""

    @property
    def span(self) -> float:
        """s, of the whole."""
        times = self.grid[0]
        return float(times[-1] - times[0])

    def cell_of(self, t0: float) -> int:
        """The cell that holds t0 (s), or the nearest in which it may be."""
        inside = min(max(t0, self.early, self.cells[0]), self.late)
        return int(
            np.clip(np.searchsorted(self.cells, inside, "right") - 1, 0, self.cells.size - 2)
        )

    def limits(self, law: Law, cell: int) -> tuple[Array, Array]:
        """Least and greatest parameters, each (parameters,), with t0 in `cell`."""
        first, end = self.cells[cell : cell + 2]
        end -= 1e-6 * (end - first)  # still in the cell
        start = max(first, self.early), max(min(end, self.late), self.early)
        shape = law.bounds(self.grid[1].min() / 20, 20 * self.span)
        amount, background = self.floors
        low = np.concatenate((np.full(law.parts, amount), shape[0], (start[0], background)))
        high = np.concatenate((np.full(law.parts, np.inf), shape[1], (start[1], np.inf)))
        return low, high

    def model(self, law: Law, p: Array) -> tuple[Array, Array]:
        """Expected numbers (n,) and their derivatives (n, parameters)."""
        n = law.parts
        value, by_shape, rate = law.seen(self.grid[0] - p[-2], p[n:-2], self.response, self.steady)
        jac = np.empty((self.y.size, p.size))
        jac[:, :n] = self.observe(value).T
        owner = list(law.owner)
        jac[:, n:-2] = (p[owner, None] * self.observe(by_shape)).T
        jac[:, -2], jac[:, -1] = p[:n] @ self.observe(rate), self.flat
        return jac[:, :n] @ p[:n] + jac[:, -1] * p[-1] + self.given, jac
