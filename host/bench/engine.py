"""A way to run the gateware."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """The gateware from power-up on, with the workload's commands arriving and every ADC sample 0."""

    key: str
    name: str
    block: int
    """Cycles to run at a time: a second at most."""

    def watch(self, cycles: int) -> NDArray[np.uint32]:
        """Run so many further cycles; what each showed, as `workload` packs it."""

    def run(self, cycles: int) -> float:
        """Run so many further cycles in the way that is usual with this engine; the seconds it took of its core."""

    def close(self) -> None:
        """Let go of it."""
