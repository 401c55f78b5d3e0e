"""What commands about recordings share: opening one."""

import argparse
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.commands.common import seconds, window_range
from trelscope.host.errors import UserError
from trelscope.host.files import journal, photon_runs, recordings
from trelscope.host.files.formats import FORMATS
from trelscope.host.planning import SettingsError

KINDS = f"{', '.join(FORMATS)}, or a {journal.SUFFIX} that `trelscope recover` lists"


def add_histogram(p: argparse.ArgumentParser) -> None:
    """Add what a histogram of stamps can be asked for with; see `load`."""
    p.add_argument(
        "--window",
        type=window_range,
        metavar="START:LENGTH",
        help="of photons that have stamps: s from the drive edge, and s (default: as they were captured)",
    )
    p.add_argument(
        "--bin", type=seconds, help="of photons that have stamps: bin width in whole ns, given in s"
    )


def load(
    path: Path, window: tuple[float, float] | None = None, bin: float | None = None
) -> Recording:
    """The recording in a file, or what a journal has saved. Raises UserError.

    window, bin: see `PhotonRun.recording`; only of photons that have stamps.
    """
    if photon_runs.is_run(path):
        return photon_runs.load(path).recording(window, bin)
    if (window, bin) != (None, None):
        raise SettingsError(
            f"{path}: its photons have no stamps, so window and bins are those it has; leave out --window and --bin"
        )
    if path.suffix.lower() != journal.SUFFIX:
        return recordings.load(path)
    found = journal.recover(path)
    if found is None:
        raise UserError(f"{path}: nothing had been averaged yet; there is nothing to recover")
    return found
