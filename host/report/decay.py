"""A fit of a decay as text and as JSON."""

import math

from trelscope.host.decay import Decay, Value
from trelscope.host.units import format_si, format_with_error


def as_dict(fit: Decay) -> dict[str, object]:
    """As plain JSON types in SI units."""

    def value(v: Value) -> dict[str, float | None]:
        numbers = {"value": v.value, "se": v.se}
        return {key: n if math.isfinite(n) else None for key, n in numbers.items()}

    return {
        "photons": fit.photons,
        "components": [
            {
                "amplitude": value(c.amplitude),
                "lifetime": value(c.lifetime),
                "stretch": value(c.stretch),
            }
            for c in fit.components
        ],
        "background": value(fit.background),
        "t0": value(fit.t0),
        "amplitude_average": value(fit.amplitude_average),
        "intensity_average": value(fit.intensity_average),
        "model": fit.model,
        "bic": {str(name): above for name, above in fit.bic.items()},
        "deviance": fit.deviance,
        "deviance_expected": fit.deviance_expected,
    }


def table(title: str, fit: Decay, unit: str) -> str:
    """A line each. unit: of amplitudes and background."""

    def text(v: Value, unit: str) -> str:
        return format_with_error(v.value, v.se, unit)

    lines = [title, ""]
    for n, c in enumerate(fit.components, 1):
        lines.append(
            f"  lifetime {n}          {text(c.lifetime, 's'):<24} {text(c.amplitude, unit)}"
        )
    if fit.model == "stretched":
        lines.append(f"  stretch             {text(fit.components[0].stretch, '')}")
    lines += [
        f"  amplitude average   {text(fit.amplitude_average, 's')}",
        f"  intensity average   {text(fit.intensity_average, 's')}",
        f"  background          {format_si(fit.background.value, unit)}",
        "",
        *_chosen(fit),
        f"deviance per degree of freedom {fit.deviance:.3f}, {fit.deviance_expected:.3f} expected",
    ]
    return "\n".join(lines)


def _chosen(fit: Decay) -> list[str]:
    """Which model, and how much worse the others are."""
    names = {1: "1 exponential", "stretched": "a stretched exponential"}
    others = sorted((above, name) for name, above in fit.bic.items() if name != fit.model)
    if not others or fit.model is None:
        return []
    worse = ", ".join(f"{names.get(n, f'{n} exponentials')} +{above:.1f}" for above, n in others)
    return [f"{names.get(fit.model, f'{fit.model} exponentials')} by BIC; {worse}"]
