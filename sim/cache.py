"""Where things are kept that can be made again: compiled emulators, bitstreams, the paper's captures."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "TRELSCOPE_CACHE"
"""What names another folder, in the environment."""


def cache_folder(name: str = "trelscope") -> Path:
    """The folder that `VARIABLE` names, else `name` in this system's folder for caches."""
    return Path(os.environ.get(VARIABLE) or platformdirs.user_cache_path(name))
