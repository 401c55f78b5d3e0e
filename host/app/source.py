"""What a source's URL says about itself."""

from urllib.parse import urlsplit

from host.link.open import is_emulated
from sim.presets import device_names


def preset(source: str) -> str | None:
    """Name of the preset that `source` is, unchanged by parameters; None if it is anything else."""
    parts = urlsplit(source)
    known = parts.scheme == "emulator" and not parts.query and parts.path in device_names()
    return parts.path if known else None


def label(source: str) -> str:
    """The source as titles name it: "EMULATOR bmim3-1mm2", "serial:/dev/ttyUSB0"."""
    if is_emulated(source):
        return "EMULATOR " + source.partition(":")[2]
    return source


def emulators() -> list[str]:
    """The source of every preset."""
    return [f"emulator:{name}" for name in device_names()]
