"""What to type in order to count photons: enough of them, and not so many that they hide each other."""

from trelscope.host.app import source as sources
from trelscope.host.app.panels.counted_decay import CountedDecay
from trelscope.host.decay import PILE_UP_LIMIT
from trelscope.host.link.url_options import url_options
from trelscope.host.link.urls import is_emulated
from trelscope.sim.physics.photon_counter import PhotonCounter
from trelscope.sim.presets.presets import PresetError, load_plant

ENOUGH = 0.01  # photons in a pulse: with fewer, one waits for nothing
SURE = 1000  # pulses from which on few photons say something
AIM = PILE_UP_LIMIT / 2


def advice(source: str, found: CountedDecay | None) -> tuple[str, str]:
    """What to do, and the source to be opened for it; both "" where all is well.

    found: what is counted now, None: nothing is.
    """
    if not source:
        return "", ""
    if found is None:
        if not is_emulated(source):
            return "No photons are counted: the board needs a detector that counts.", ""
        url = sources.counted(source)
        return f"No photons are counted. To count them, type as source {_typed(url)}", url
    if found.pile_up > PILE_UP_LIMIT:
        what, change = "Photons hide later ones", "denser"
    elif found.per_pulse < ENOUGH and found.pile_up < AIM / 4 and found.pulses >= SURE:
        what, change = "Few photons", "clearer"
    else:
        return "", ""
    factor = AIM / max(found.pile_up, 1 / found.pulses)
    times = max(factor, 1 / factor)
    filters = f"{what}: a filter {times:.2g} times {change} is better."
    url = _with_filter(source, factor)
    return (f"{filters} Type as source {_typed(url)}", url) if url else (filters, "")


def _with_filter(source: str, factor: float) -> str:
    """The emulated source with a filter that lets so many times the light through; "" if it is not emulated."""
    if not is_emulated(source):
        return ""
    options = dict(url_options(source))
    device = source.partition("?")[0]
    try:
        detector = load_plant(device.partition(":")[2], options).detector
    except PresetError:
        return ""
    if not isinstance(detector, PhotonCounter):
        return ""
    options["filter"] = f"{min(detector.filter * factor, 1.0):.0e}".replace("e-0", "e-")
    return f"{device}?{'&'.join(f'{key}={value}' for key, value in options.items())}"


def _typed(url: str) -> str:
    """As it is typed, with room for line breaks."""
    text = url.removeprefix("emulator:")
    return text.replace("?", "\u200b?").replace("&", "\u200b&")
