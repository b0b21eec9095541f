"""The texts of PNG files, as the server's workers write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")


def texts(png: bytes) -> dict[str, str]:
    """The uncompressed texts by keyword; the last of several counts. ValueError for a damaged file."""
    found = {}
    for kind, data, _ in _chunks(png):
        keyword, separator, rest = data.partition(b"\0")
        if kind == b"tEXt" and separator:
            found[keyword.decode("latin-1")] = rest.decode("latin-1")
        elif kind == b"iTXt" and rest[:1] == b"\0":
            parts = rest[2:].split(b"\0", 2)  # the language, the translated keyword, the text
            if len(parts) == 3:
                found[keyword.decode("latin-1")] = parts[2].decode()
    return found


def without_texts(png: bytes) -> bytes:
    """The same file without texts and EXIF data. ValueError for a damaged file."""
    return _SIGNATURE + b"".join(chunk for kind, _, chunk in _chunks(png) if kind not in _TEXTS)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, data and all bytes of each chunk."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("the file is not a PNG")
    at = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", png, at) if at + 8 <= len(png) else (0, b"")
        chunk = png[at : at + 12 + size]
        if not kind or len(chunk) != 12 + size:
            raise ValueError("the PNG is cut")
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise ValueError("the PNG is damaged: a checksum does not match")
        yield kind, chunk[8:-4], chunk
        at += len(chunk)
