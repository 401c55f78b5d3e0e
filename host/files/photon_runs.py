"""Runs of stamps to files and back: recorded as they come, saved as Photon-HDF5, read again."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from trelscope.host.acquisition.acquisition import DRIVE
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.photon_run import PhotonRun
from trelscope.host.acquisition.stamps import StampAcquisition
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.files import photon_hdf5, tag_journal
from trelscope.host.files.failures import FileError, damaged
from trelscope.host.files.journal import is_left
from trelscope.host.files.recordings import build
from trelscope.host.files.tag_journal import SUFFIX, TagJournal
from trelscope.host.files.target import check_replaceable, check_writable
from trelscope.host.measure.trace import Trace
from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.stream import PhotonAccounting, TagStream
from trelscope.host.photons.timing import Timing
from trelscope.host.settings import Settings

SUFFIXES = (".h5", ".hdf5")
INCOMPLETE = "its program was killed"


def check(path: Path, force: bool = False) -> None:
    """Refuse a path that cannot be written, or holds something else than photons. Raises FileError."""
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path}: photons are saved as Photon-HDF5; call it {path.stem}.h5")
    check_writable(path)
    if not force:
        check_replaceable(path, "a file of photons", photon_hdf5.is_one)


def journal_path(path: Path) -> Path:
    """Where packets are kept until the file `path` can be written."""
    return path.with_suffix(SUFFIX)


def is_run(path: Path) -> bool:
    """Whether a file holds photons: a journal, or Photon-HDF5."""
    suffix = path.suffix.lower()
    return suffix == SUFFIX or (suffix in SUFFIXES and path.is_file() and photon_hdf5.is_one(path))


def load(path: Path) -> PhotonRun:
    """The run in a file. Raises FileError."""
    try:
        return _of_journal(path) if path.suffix.lower() == SUFFIX else _of_hdf5(path)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged(path) from None


def save(path: Path, run: PhotonRun) -> None:
    """Write a run as Photon-HDF5; whole or not at all. Raises FileError."""
    known = {
        "source": run.source,
        "board": run.board,
        "front_end": run.front_end.as_dict(),
        "settings": run.settings.as_dict(),
        "metadata": dict(run.metadata),
    }
    end = {
        **asdict(run.accounting),
        "crc_errors": run.crc_errors,
        "realtime_factor": run.realtime_factor,
        "incomplete": run.incomplete,
    }
    photon_hdf5.write(path, known, run.chunks(), run.timing, run.drive, end)


def rescue(path: Path, target: Path | None) -> PhotonRun:
    """What a journal that was left behind holds; saved as `target`, if given, and then removed. Raises FileError."""
    if path.is_file() and not is_left(path):
        raise FileError(f"{path}: is not to be had: a program that runs is still writing it")
    run = load(path)
    if target is not None:
        save(target, run)
        path.unlink()
    return run


class Recorder:
    """Keeps the packets of an acquisition in a journal beside `path`, and makes a file of them in the end."""

    def __init__(
        self, path: Path, instrument: Instrument, taken: StampAcquisition, known: Mapping[str, Any]
    ) -> None:
        """known: more for the metadata. Raises FileError."""
        self._taken = taken
        settings = taken.acquisition.settings
        about = {
            "source": instrument.link.name,
            "board": instrument.identity.board,
            "front_end": instrument.link.front_end.as_dict(),
            "settings": settings.as_dict(),
            "timing": asdict(taken.timing),
            "metadata": {**taken.acquisition.metadata, **known},
            "train": taken.acquisition.train,
        }
        self._journal = TagJournal(journal_path(path), about)
        taken.keep = self._journal.add

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._journal.size

    def finish(self, run: PhotonRun, target: Path) -> None:
        """Say how it ended, and write the file; only then is the journal gone. run: see `live`. Raises FileError."""
        assert self._taken.end is not None, "it has ended"
        pulses, photons = self._taken.end
        about = {
            "pulses": pulses,
            "photons": photons,
            "crc_errors": run.crc_errors,
            "realtime_factor": run.realtime_factor,
            "incomplete": run.incomplete,
        }
        path = self._journal.path
        try:
            with suppress(FileError):  # of which no more is lost than how it ended
                self._journal.end(about)
            save(target, replace(run, chunks=load(path).chunks))
        except FileError as error:
            raise FileError(
                f"{error}; what was recorded is in {path}, for `trelscope recover {path} -o FILE`"
            ) from None
        finally:
            self._journal.close()
        self._journal.remove()


def live(
    instrument: Instrument,
    taken: StampAcquisition,
    incomplete: str,
    known: Mapping[str, Any],
) -> PhotonRun:
    """The run that an acquisition has been, without its photons. known: more for the metadata."""
    acquisition = taken.acquisition
    return PhotonRun(
        source=instrument.link.name,
        board=instrument.identity.board,
        front_end=instrument.link.front_end,
        settings=acquisition.settings,
        timing=taken.timing,
        accounting=taken.accounting,
        crc_errors=acquisition.accounting.crc_errors,
        realtime_factor=instrument.link.realtime_factor,
        drive=acquisition.traces()[DRIVE] if acquisition.accounting.pulses_averaged else None,
        chunks=lambda: iter(()),
        incomplete=incomplete,
        metadata={**acquisition.metadata, **known},
    )


def _of_journal(path: Path) -> PhotonRun:
    known, end = tag_journal.about(path)
    timing = build(Timing, known["timing"])

    def stream() -> TagStream:
        return TagStream(known["train"], timing)

    def chunks(stream: TagStream) -> Iterator[Chunk]:
        for payloads in tag_journal.packets(path):
            yield from stream.add(payloads)
        pulses = stream.accounting.pulses_emitted if end is None else end["pulses"]
        yield from stream.finish(pulses, None if end is None else end["photons"])

    counted = stream()
    for _ in chunks(counted):
        pass
    cut_off = {"crc_errors": 0, "realtime_factor": None, "incomplete": INCOMPLETE}
    return _run(known, end or cut_off, timing, counted.accounting, None, lambda: chunks(stream()))


def _of_hdf5(path: Path) -> PhotonRun:
    known, drive = photon_hdf5.about(path)
    end = known["end"]
    account = {f.name: end[f.name] for f in fields(PhotonAccounting)}
    timing = build(Timing, known["timing"])
    accounting = build(PhotonAccounting, account)
    return _run(known, end, timing, accounting, drive, lambda: photon_hdf5.read(path))


def _run(
    known: Mapping[str, Any],
    end: Mapping[str, Any],
    timing: Timing,
    accounting: PhotonAccounting,
    drive: Trace | None,
    chunks: Callable[[], Iterator[Chunk]],
) -> PhotonRun:
    return PhotonRun(
        source=str(known["source"]),
        board=str(known["board"]),
        front_end=FrontEnd.from_dict(known["front_end"]),
        settings=build(Settings, known["settings"]),
        timing=timing,
        accounting=accounting,
        crc_errors=int(end["crc_errors"]),
        realtime_factor=end["realtime_factor"],
        drive=drive,
        chunks=chunks,
        incomplete=str(end["incomplete"]),
        metadata=dict(known["metadata"]),
    )
