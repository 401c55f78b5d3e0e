"""Bytes to lines of text: encodings, byte order marks, line ends, and what is no text at all."""

import codecs
import re

from trelscope.host.files.foreign.problems import Unreadable

PICTURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"%PDF": "PDF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"<svg": "SVG",
}
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_LINE_END = re.compile("\r\n|\r|\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1b]")
_LOOKED_AT = 1 << 16  # bytes


def lines_of(content: bytes) -> list[str]:
    """The lines of a text file. Raises Unreadable."""
    return _LINE_END.split(_text(content))


def _text(content: bytes) -> str:
    if not content.strip():
        raise Unreadable("is empty; give a file that holds a waveform")
    for magic, name in PICTURES.items():
        if content.startswith(magic):
            raise Unreadable(f"is a picture ({name}); save the waveform's data, as CSV for one")
    head = content[:_LOOKED_AT]
    for mark, encoding in _WIDE.items():
        if content.startswith(mark):
            return _decoded(content, encoding)
    if head.count(0) > len(head) // 3:  # of two bytes a letter, without a mark
        return _decoded(content, "utf-16-be" if head[:1] == b"\0" else "utf-16-le")
    if len(_CONTROL.findall(head)) > len(head) // 1000:
        raise Unreadable("is no text and no binary format that is known; save the waveform as CSV")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(content, "cp1252")  # as instruments that run Windows write the µ


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(
            "is no text in an encoding that is known; save the waveform as CSV"
        ) from None
