"""Which bins of a trace lie before, in and after the pulse: whole ones, since an edge within a bin spoils it."""

from dataclasses import dataclass

import numpy as np

from trelscope.host.measure.quantities import MeasureOptions, Top
from trelscope.host.measure.reference import Reference
from trelscope.host.measure.trace import Trace

_LEAST = 2  # bins of a level


@dataclass(frozen=True)
class Layout:
    """Times are in bins: bin i spans i ± 1/2.

    bins: of the trace; dt: s, width of a bin; width: of the pulse as commanded; u0, u1: the drive's edges, or where
    the light is known to begin and to end before them.
    base: bins before the pulse. baseline, top: bins that the levels are means of, none where they are given. lo, hi:
    first and one past the last bin of the pulse. after: first bin after it. own_top: whether the top is a mean of
    this trace's bins. borrowed: whether a level is that at the window's end, for want of the bins it should be of.
    """

    bins: int
    dt: float
    width: float
    u0: float
    u1: float
    base: slice
    baseline: slice
    top: slice
    lo: int
    hi: int
    after: int
    own_top: bool
    borrowed: bool

    @classmethod
    def of(
        cls, light: Trace, width: float, reference: Reference, options: MeasureOptions
    ) -> "Layout":
        """Of a pulse of commanded `width` (s) between the edges of `reference`."""
        n = light.t.size
        dt = float(light.t[-1] - light.t[0]) / (n - 1)
        u0, u1 = ((edge - light.t[0]) / dt for edge in (reference.first, reference.last))
        lo = _clip(np.ceil(u0 + 0.5), n)
        hi = _clip(np.floor(u1 - 0.5) + 1, n)
        first = _clip(np.ceil(u1 - options.top_fraction * (u1 - u0) + 0.5), n)
        after = _clip(np.ceil(u1 + 0.5), n)
        base = slice(0, _clip(np.floor(u0 - 0.5), n))
        top, baseline = slice(max(first, lo), hi), base
        borrowed = False
        if options.top:  # no bin of this trace
            top = slice(hi, hi)
        elif _size(top) < _LEAST <= hi - lo:
            top, borrowed = _end(lo, hi, options), True
        if options.baseline:
            baseline = slice(0, 0)
        elif _size(base) < _LEAST <= n - after:
            baseline, borrowed = _end(after, n, options), True
        return cls(
            bins=n,
            dt=dt,
            width=width / dt,
            u0=u0,
            u1=u1,
            base=base,
            baseline=baseline,
            top=top,
            lo=lo,
            hi=hi,
            after=after,
            own_top=options.top is None and options.top_method is Top.MEAN,
            borrowed=borrowed,
        )

    @property
    def rises(self) -> bool:
        """Whether the window shows what follows the drive's rising edge."""
        return self.u0 > -1


def _size(part: slice) -> int:
    return int(part.stop - part.start)


def _end(start: int, stop: int, options: MeasureOptions) -> slice:
    """The last part of bins start … stop-1, as large a part as that of a pulse that makes its top."""
    return slice(stop - max(int(options.top_fraction * (stop - start)), _LEAST), stop)


def _clip(u: float, n: int) -> int:
    """A bin boundary (bins) held within a trace of n bins."""
    return int(min(max(u, 0), n))
