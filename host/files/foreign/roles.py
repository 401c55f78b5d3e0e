"""Which channel of a file is the light, and which the drive."""

from collections.abc import Sequence

from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.waveforms import Channel

_LIGHT = (
    "light",
    "pd",
    "photodiode",
    "diode",
    "pmt",
    "apd",
    "spad",
    "sipm",
    "detector",
    "luminance",
    "emission",
    "el",
    "decay",
)
_DRIVE = (
    "drive",
    "gate",
    "trigger",
    "trig",
    "pulse",
    "generator",
    "gen",
    "bias",
    "awg",
    "ext",
    "input",
)
_MOST_NAMED = 12


def roles(
    channels: Sequence[Channel], choices: Choices
) -> tuple[Channel, Channel | None, tuple[str, ...]]:
    """Light, drive if there is one, and what was understood. Raises Unreadable where that cannot be told."""
    how: list[str] = []
    drive = _named(channels, choices.drive, "--drive") if choices.drive is not None else None
    if choices.light is not None:
        light = _named(channels, choices.light, "--light")
    else:
        light = _only([c for c in channels if c is not drive], channels)
    if drive is light:
        raise Unreadable(f"{light.name} cannot be light and drive at once; name two channels")
    if drive is None and choices.drive is None:
        drive = _drive(channels, light)
    how.append(f"light: {_described(light)}")
    if drive is not None:
        how.append(f"drive: {_described(drive)}")
    others = [c.name for c in channels if c is not light and c is not drive]
    if others:
        how.append(f"not looked at: {_listed(others)}")
    return light, drive, tuple(how)


def _described(channel: Channel) -> str:
    return channel.name + (f" in {channel.unit}" if channel.unit else ", which has no unit")


def _only(channels: Sequence[Channel], all_channels: Sequence[Channel]) -> Channel:
    """The one that can only be the light."""
    if len(channels) == 1:
        return channels[0]
    lit = [c for c in channels if _says(c.name, _LIGHT)]
    if len(lit) == 1:
        return lit[0]
    left = [c for c in channels if not _says(c.name, _DRIVE)]
    if len(left) == 1:
        return left[0]
    names = _listed([c.name for c in all_channels])
    raise Unreadable(
        f"has the channels {names}; say which one is the light with --light NAME, and which one the drive, if any, with"
        " --drive NAME"
    )


def _drive(channels: Sequence[Channel], light: Channel) -> Channel | None:
    named = [c for c in channels if c is not light and _says(c.name, _DRIVE)]
    return named[0] if len(named) == 1 else None


def _says(name: str, words: Sequence[str]) -> bool:
    parts = "".join(sign if sign.isalnum() else " " for sign in name.lower()).split()
    return any(part.rstrip("0123456789") in words for part in parts)


def _named(channels: Sequence[Channel], name: str, option: str) -> Channel:
    for plain in (str.lower, _plain):
        for channel in channels:
            if plain(channel.name) == plain(name):
                return channel
    if name.isdigit() and 1 <= int(name) <= len(channels):
        return channels[int(name) - 1]
    raise Unreadable(
        f"has no channel {name!r}; {option} can be {_listed([c.name for c in channels])}"
    )


def _plain(name: str) -> str:
    plain = "".join(sign for sign in name.lower() if sign.isalnum())
    for word in ("channel", "chan", "ch"):
        plain = plain.removeprefix(word)
    return plain


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
