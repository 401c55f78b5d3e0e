"""Which bins of a trace lie before, in and after the pulse: whole ones, since an edge within a bin spoils it."""

from dataclasses import dataclass

import numpy as np

from trelscope.host.measure.quantities import MeasureOptions, Top
from trelscope.host.measure.reference import Reference
from trelscope.host.measure.trace import Trace


@dataclass(frozen=True)
class Layout:
    """Times are in bins: bin i spans i ± 1/2.

    bins: of the trace; dt: s, width of a bin; width: of the pulse as commanded; u0, u1: the drive's edges.
    base, top: bins of baseline and top. lo, hi: first and one past the last bin of the pulse. after: first bin after
    it. own_top: whether the top is a mean of this trace's bins.
    """

    bins: int
    dt: float
    width: float
    u0: float
    u1: float
    base: slice
    top: slice
    lo: int
    hi: int
    after: int
    own_top: bool

    @classmethod
    def of(
        cls, light: Trace, width: float, reference: Reference, options: MeasureOptions
    ) -> "Layout":
        """Of a pulse of commanded `width` (s) between the edges of `reference`."""
        n = light.t.size
        dt = float(light.t[-1] - light.t[0]) / (n - 1)
        u0, u1 = ((edge - light.t[0]) / dt for edge in (reference.start, reference.end))
        lo = _clip(np.ceil(u0 + 0.5), n)
        hi = _clip(np.floor(u1 - 0.5) + 1, n)
        first = _clip(np.ceil(u1 - options.top_fraction * (u1 - u0) + 0.5), n)
        return cls(
            bins=n,
            dt=dt,
            width=width / dt,
            u0=u0,
            u1=u1,
            base=slice(0, _clip(np.floor(u0 - 0.5), n)),
            top=slice(
                hi if options.top else max(first, lo), hi
            ),  # a given top is no bin of this trace
            lo=lo,
            hi=hi,
            after=_clip(np.ceil(u1 + 0.5), n),
            own_top=options.top is None and options.top_method is Top.MEAN,
        )


def _clip(u: float, n: int) -> int:
    """A bin boundary (bins) held within a trace of n bins."""
    return int(min(max(u, 0), n))
