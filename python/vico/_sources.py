"""What a caller gives as pictures or files to upload: folders, paths, bytes, images of Pillow."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Union

from vico.pictures import Picture

if TYPE_CHECKING:
    import PIL.Image

PIECE_BYTES = 1 << 20

#: One picture to upload: a path, the bytes of a file, a Picture with its bytes, or an image of Pillow.
PictureSource = Union[str, "os.PathLike[str]", bytes, bytearray, Picture, "PIL.Image.Image"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif", ".avif")


@dataclass(frozen=True)
class Source:
    """Bytes to upload; opened once for each attempt."""

    name: str  #: of the file, for people
    size_bytes: int
    sha256: str
    open: Callable[[], BinaryIO]

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces of at most 1 MiB. Raises OSError if they have changed since describe()."""
        digest = sha256()
        with self.open() as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
                yield piece
        if digest.hexdigest() != self.sha256:
            raise OSError(f"{self.name}: the file changed during the upload")


def describe_file(path: str | os.PathLike[str]) -> Source:
    """Reads the file once. Raises OSError."""
    file_path = Path(path)
    digest = sha256()
    size = 0
    with file_path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return Source(_plain(file_path.name), size, digest.hexdigest(), lambda: file_path.open("rb"))


def describe_bytes(name: str, data: bytes) -> Source:
    return Source(_plain(name), len(data), sha256(data).hexdigest(), lambda: io.BytesIO(data))


def pictures_of(
    given: PictureSource | Iterable[PictureSource],
) -> list[Source]:
    """The pictures of a folder in the order of their names, or those of a list. Raises OSError for a file
    that cannot be read, ValueError for a folder without pictures, TypeError for other things."""
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        if path.is_dir():
            return [describe_file(file) for file in _pictures_in(path)]
        return [describe_file(path)]
    if isinstance(given, (bytes, bytearray, Picture)) or _is_image(given):
        return [describe_picture(given)]  # type: ignore[arg-type]
    if not isinstance(given, Iterable):
        raise TypeError(_wrong(given))
    return [describe_picture(one, index) for index, one in enumerate(given)]


def _pictures_in(folder: Path) -> list[Path]:
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _ENDINGS and not file.name.startswith(".") and file.is_file()
    )
    if not files:
        raise ValueError(f"{folder}: holds no picture; their names end with {', '.join(_ENDINGS)}")
    return files


def describe_picture(one: PictureSource, index: int = 0) -> Source:
    """One picture, the one with this index of a list. Raises OSError for a file that cannot be read and
    TypeError for other things."""
    if isinstance(one, (str, os.PathLike)):
        return describe_file(one)
    if isinstance(one, (bytes, bytearray)):
        return describe_bytes(f"picture_{index}", bytes(one))
    if isinstance(one, Picture):
        return describe_bytes(one.file_name or one.default_name, one.bytes)
    if _is_image(one):
        return describe_bytes(f"picture_{index}.png", _png(one))
    raise TypeError(_wrong(one))


def _is_image(one: object) -> bool:
    """Whether it is an image of Pillow, without importing Pillow."""
    return hasattr(one, "save") and hasattr(one, "mode") and hasattr(one, "size")


def _png(image: PIL.Image.Image) -> bytes:
    if image.mode not in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"):
        image = image.convert("RGB")
    out = io.BytesIO()
    # The server turns the picture as EXIF says and converts it to sRGB.
    image.save(out, "PNG", icc_profile=image.info.get("icc_profile"), exif=image.getexif())
    return out.getvalue()


def _wrong(given: object) -> str:
    return f"a picture must be a path, bytes, a Picture or an image of Pillow, got {type(given).__name__}"


def _plain(name: str) -> str:
    """A name for people: control characters, marks of direction and invalid bytes become _."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "_", name)[:255]
