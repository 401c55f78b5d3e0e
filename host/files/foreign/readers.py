"""Binary files of oscilloscopes and photon counters, by the readers that others keep: the extra `files`."""

import importlib
import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.waveforms import Channel, Waveforms

PHOTONS = (".ptu", ".phu", ".sdt")
LECROY = (".trc",)
SCOPES = (".wfm", ".isf", ".bin", ".wvf", ".wdf")
SUFFIXES = (*PHOTONS, *LECROY, *SCOPES)

_INSTALL = 'pip install "trelscope[files]"'
_SUBARRAYS = 144  # where a LeCroy file has the number of its segments
_MOST_BINS = 1 << 20
_SAID = ("model", "firmware", "serial_number", "user_name")


def read(path: Path, content: bytes) -> Waveforms:
    """What such a file holds. Raises Unreadable, for one where its reader is not installed."""
    if not content:
        raise Unreadable("is empty; give a file that holds a waveform")
    suffix = path.suffix.lower()
    if suffix in (".ptu", ".phu"):
        name, reader = "ptufile", _picoquant
    elif suffix == ".sdt":
        name, reader = "sdtfile", _becker_hickl
    elif suffix in LECROY:
        name, reader = "lecroyparser", _lecroy
    else:
        name, reader = "RigolWFM.wfm", _scope
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module(name)
    except ImportError:
        raise Unreadable(f"needs the reader {name.split('.')[0]}: {_INSTALL}") from None
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            return reader(module, path, content)
    except Unreadable:
        raise
    except (Exception, SystemExit) as error:  # readers fail in every way there is
        said = " ".join(str(error).split())[:80] or type(error).__name__
        raise Unreadable(
            f"cannot be read by {name.split('.')[0]} ({said}); save it as CSV"
        ) from None


def _picoquant(module: Any, path: Path, content: bytes) -> Waveforms:
    """PicoQuant: a histogram for each channel that counted, of time tags or as it was saved."""
    if path.suffix.lower() == ".phu":
        with module.PhuFile(path) as file:
            tags = dict(file.tags)
            counts = np.atleast_2d(np.asarray(file.histograms(), np.float64))
            # Of the bins as they were recorded; the reader's own is that of the hardware, before binning.
            own = tags.get("HistResDscr_MDescResolution", file.histogram_resolutions)
            steps = np.atleast_1d(np.asarray(own, np.float64))
        if np.ptp(steps) > 0:
            raise Unreadable("has histograms of different resolution; save one of them alone")
        return _histograms("PicoQuant PHU", counts, float(steps[0]), None, _tags(tags))
    with module.PtuFile(path) as file:
        counts = np.atleast_2d(np.asarray(file.decode_histogram(), np.float64))
        step = float(file.tcspc_resolution)
        syncs = round(file.global_acquisition_time) if file.is_t3 else None
        tags = dict(file.tags)
    return _histograms("PicoQuant PTU", counts, step, syncs, _tags(tags))


def _tags(tags: dict[str, Any]) -> dict[str, str]:
    wanted = ("File_Comment", "File_CreatingTime", "CreatorSW_Name", "HW_Type", "TTResult_SyncRate")
    return {name: str(tags[name]) for name in wanted if name in tags}


def _becker_hickl(module: Any, path: Path, content: bytes) -> Waveforms:
    """Becker & Hickl: a curve for each block; an image is summed over its pixels."""
    file = module.SdtFile(path)
    curves, step = [], 0.0
    for data, t in zip(file.data, file.times, strict=True):
        if t is None or len(t) < 2:
            continue
        curves.append(np.asarray(data, np.float64).reshape(-1, len(t)).sum(axis=0))
        step = float(t[1] - t[0])
    if not curves or len({curve.size for curve in curves}) > 1:
        raise Unreadable("holds no decay curves that belong together; save one of them as ASCII")
    return _histograms(
        "SDT of Becker & Hickl", np.array(curves), step, None, {"info": str(file.info).strip()}
    )


def _histograms(
    kind: str, counts: Any, step: float, excitations: int | None, metadata: dict[str, str]
) -> Waveforms:
    if counts.shape[1] > _MOST_BINS:
        raise Unreadable(f"has {counts.shape[1]} bins, at most {_MOST_BINS} are read")
    filled = [k for k, curve in enumerate(counts) if curve.any()]
    channels = tuple(Channel(f"curve {k + 1}", "counts", counts[k]) for k in filled)
    if not channels:
        raise Unreadable("has counted no photons")
    t = step * np.arange(counts.shape[1])
    how = (
        ()
        if excitations
        else ("pile-up: not looked for, as the file does not say how many excitations there were",)
    )
    return Waveforms(kind, t, channels, (), True, excitations or None, metadata, how)


def _lecroy(module: Any, path: Path, content: bytes) -> Waveforms:
    file = module.ScopeData(data=content)
    y = np.asarray(file.y, np.float64)
    segments = max(int(file.parseInt32(_SUBARRAYS)), 1)
    if y.size % segments:
        raise Unreadable("has segments of different length; save one of them alone")
    each = y.size // segments
    # The reader's own times end one step too late.
    t = np.tile(float(file.horizOffset) + float(file.horizInterval) * np.arange(each), segments)
    said = {"instrument": file.instrumentName, "trigger time": file.triggerTime}
    breaks = tuple(range(each, y.size, each))
    channel = Channel(str(file.waveSource), "V", y)
    metadata = {key: str(value).strip("\0 ") for key, value in said.items()}
    return Waveforms("LeCroy TRC", t, (channel,), breaks, metadata=metadata)


def _scope(module: Any, path: Path, content: bytes) -> Waveforms:
    """Rigol, Tektronix, Siglent, Keysight, Rohde & Schwarz, Yokogawa: RigolWFM finds out which."""
    model = module.detect_model(str(path)) if hasattr(module, "detect_model") else "auto"
    file = module.Wfm.from_file(str(path), model)
    channels, t = [], None
    for channel in file.channels:
        if not getattr(channel, "enabled", True) or channel.volts is None:
            continue
        unit = getattr(channel.unit, "name", "v").upper()
        channels.append(
            Channel(
                str(channel.name),
                unit if unit in ("V", "A", "W") else "",
                np.asarray(channel.volts, np.float64),
            )
        )
        t = np.asarray(channel.times, np.float64)
    if t is None or not channels:
        raise Unreadable("holds no waveform")
    said = {name: str(getattr(file, name)) for name in _SAID if getattr(file, name, None)}
    return Waveforms(f"binary of an oscilloscope ({model})", t, tuple(channels), metadata=said)
