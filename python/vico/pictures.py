"""Pictures that the server made or stores."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vico import _png

if TYPE_CHECKING:
    import PIL.Image

    from vico.provenance import Signer

Kind = Literal["picture", "preview", "sample", "mask", "concept", "reference", "report", "upload"]

_Bytes = bytes  # Picture has a property of this name
_DRAWN = ("picture", "preview", "sample")  # by a model; the others are photographs and masks
_ENDINGS = {"image/png": (".png",), "image/jpeg": (".jpg", ".jpeg")}


@dataclass(frozen=True)
class Picture:
    """A picture: what is known about it and, once they have been received, its bytes."""

    #: A finished picture or a preview of a generation, a sample or a mask of a training, a picture of a
    #: concept, the reference of an adapter, or an uploaded picture.
    kind: Kind
    #: For client.pictures.download(), for example "jobs/{id}/pictures/0"; empty if the server is older.
    name: str = ""
    #: In its job or concept.
    index: int = 0
    #: Of a preview, sample or mask.
    step: int | None = None
    #: Of a picture or sample.
    seed: int | None = None
    #: Of a generation or sample.
    prompt: str = ""
    #: Pixels; 0: not known.
    width: int = 0
    #: Pixels; 0: not known.
    height: int = 0
    #: Of the bytes.
    sha256: str = ""
    media_type: str = "image/png"
    #: The name of the file that was uploaded, of a picture of a concept.
    file_name: str = ""
    #: The job that made it, "jobs/{id}".
    job: str = ""
    data: _Bytes | None = field(default=None, repr=False, compare=False)

    @property
    def bytes(self) -> _Bytes:
        """The file's bytes. Raises LookupError if they were not received."""
        if self.data is None:
            raise LookupError(
                f"{self.name or 'the picture'} has not been downloaded; "
                "client.pictures.download(picture) returns it with its bytes"
            )
        return self.data

    def with_bytes(self, data: _Bytes) -> Picture:
        """The same picture with its bytes."""
        return replace(self, data=data)

    def pil(self) -> PIL.Image.Image:
        """The picture for Pillow, which `pip install vico-client[pil]` installs."""
        import PIL.Image

        return PIL.Image.open(io.BytesIO(self.bytes))

    @property
    def metadata(self) -> dict[str, Any] | None:
        """How a picture or a sample was made: "spec", "seed", "index", "base_model", "adapter" and "version"
        of the program (docs/picture-metadata.md). None for other pictures, and for those of older
        workers. Raises LookupError if the bytes were not received."""
        data = self.bytes
        if self.media_type != "image/png":
            return None
        try:
            made_with = json.loads(_png.texts(data).get("vico", "null"))
        except ValueError:
            return None
        return made_with if isinstance(made_with, dict) else None

    def save(
        self,
        path: str | os.PathLike[str] = ".",
        *,
        force: bool = False,
        metadata: bool = True,
        c2pa: Signer | None = None,
    ) -> Path:
        """Writes the picture and returns where it is. In a folder, which `path` is if it exists or ends with
        a slash, the file gets `default_name`, or the next free name if that is taken. Another file of yours
        is never replaced: FileExistsError, unless `force`. A file with the same bytes is used as it is.

        The file says how it was made, prompt included; `metadata=False` leaves that out. `c2pa` signs it:
        vico.provenance.Signer."""
        data = self._file(metadata, c2pa)
        text = os.fspath(path)
        target = Path(text)
        if target.is_dir() or text.endswith(("/", os.sep)):
            return self._save_in(target, data, force)
        endings = _ENDINGS.get(self.media_type, ())
        if endings and target.suffix.lower() not in endings:
            raise ValueError(
                f"{target}: the picture is {self.media_type}; write a name that ends with {endings[0]}, or "
                "picture.pil().save(path) for another format"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if force or not target.exists():
            write_file(target, data, force=force)
        elif target.read_bytes() != data:
            raise FileExistsError(f"{target}: is there already; force=True replaces it")
        return target

    def _file(self, metadata: bool, signer: Signer | None) -> _Bytes:
        """The bytes to save."""
        data = self.bytes
        if not metadata and self.media_type == "image/png":
            data = _png.without_texts(data)
        if signer is None:
            return data
        from vico import provenance

        if self.media_type != "image/png":
            raise ValueError(f"only a PNG can be signed, and the picture is {self.media_type}")
        if self.kind not in _DRAWN:
            raise ValueError(f"only what a model has drawn can be signed, and this is a {self.kind}")
        return provenance.sign(data, signer, self.metadata if metadata else None)

    def _save_in(self, folder: Path, data: _Bytes, force: bool) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        name = Path(self.default_name)
        number = 1
        while True:
            target = folder / (name if number == 1 else f"{name.stem}_{number}{name.suffix}")
            if not target.exists() or force:
                try:
                    write_file(target, data, force=force)
                    return target
                except FileExistsError:
                    pass  # another program was faster
            elif target.is_file() and target.read_bytes() == data:
                return target
            number += 1

    @property
    def default_name(self) -> str:
        """The name of the file in a folder, with the first letters of the id of its job, concept or adapter:
        "91c2f00d_a-photo-of-s-on-the-beach_7.png", "91c2f00d_sample_step_20.png"."""
        owner = (self.job or self.name).split("/")[1:2]
        parts = [part[:8] for part in owner]
        if self.kind == "picture":
            parts += [_slug(self.prompt) or "picture", str(self.index if self.seed is None else self.seed)]
        elif self.kind == "sample":
            parts += ["sample"] + ([str(self.index)] if self.index else [])
        elif self.kind in ("reference", "report", "upload"):
            parts.append(self.kind)
        else:
            parts += [self.kind, str(self.index)]
        if self.step is not None:
            parts.append(f"step_{self.step}")
        ending = _ENDINGS.get(self.media_type, (".png",))[0]
        return "_".join(parts) + ending

    # Jupyter shows a picture by itself.
    def _repr_png_(self) -> _Bytes | None:
        return self.data if self.media_type == "image/png" else None

    def _repr_jpeg_(self) -> _Bytes | None:
        return self.data if self.media_type == "image/jpeg" else None


def _slug(text: str) -> str:
    """The words of a prompt for a file name, whole ones of at most 40 bytes, as the command line has them."""
    most_bytes = 40
    words = "".join(c.lower() if unicodedata.category(c)[0] in "LMN" else " " for c in text).split()
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer.encode()) > most_bytes:
            # A text without spaces is one long word.
            return slug or longer.encode()[:most_bytes].decode("utf-8", "ignore")
        slug = longer
    return slug


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_file(target: Path, data: bytes, *, force: bool) -> None:
    """Writes the file under a temporary name in its folder and renames it when it is whole. FileExistsError
    if there is one, unless `force`."""
    descriptor, temporary = tempfile.mkstemp(prefix=".vico.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        commit(Path(temporary), target, force=force)
    finally:
        Path(temporary).unlink(missing_ok=True)


def commit(temporary: Path, target: Path, *, force: bool) -> None:
    """Gives a whole file its final name."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)  # mkstemp gives access to the owner only
    if force:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)  # unlike rename, it fails if there is a file
    except FileExistsError:
        raise FileExistsError(f"{target}: is there already; force=True replaces it") from None
    except OSError:  # a file system without hard links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        temporary.replace(target)
