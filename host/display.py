"""Whether there is a screen to show a window on."""

import os
import sys

NONE = "no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)"


def has_display() -> bool:
    """What the system says; whether it may be used shows when one tries."""
    return (
        sys.platform in ("win32", "darwin")
        or bool(os.environ.get("DISPLAY"))
        or bool(os.environ.get("WAYLAND_DISPLAY"))
    )
