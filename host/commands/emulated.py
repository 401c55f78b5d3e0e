"""What commands about the emulated device share: the preset and its changes that a source URL names."""

from collections.abc import Iterator
from contextlib import contextmanager

from trelscope.host.errors import UserError
from trelscope.host.link.url_options import url_options, url_parts
from trelscope.sim.presets.presets import PresetError

EXAMPLE = "emulator:bmim3-4mm2?area=2.5&x_Nt=1.4"


def split(source: str) -> tuple[str, dict[str, str]]:
    """Preset and overrides of `emulator:PRESET?key=value&…`. Raises UserError for any other source."""
    parts = url_parts(source)
    if parts.scheme != "emulator":
        raise UserError(f"{source!r} is not emulated; give a source such as {EXAMPLE}")
    return parts.path, url_options(source)


@contextmanager
def refusing() -> Iterator[None]:
    """What the presets refuse is the user's to mend."""
    try:
        yield
    except PresetError as error:
        raise UserError(str(error)) from None
