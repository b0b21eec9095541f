"""The built page, read into memory at the start: a request names an entry of a table, never a file."""
import dataclasses
import gzip
import hashlib
import importlib.resources
import mimetypes
from importlib.resources.abc import Traversable

from starlette.types import Receive, Scope, Send

from vico_web.body import Refused, header

# Text that gets smaller. Fonts and pictures are compressed already.
_COMPRESSED = ("text/html", "text/css", "text/javascript", "image/svg+xml", "application/json")


@dataclasses.dataclass(frozen=True)
class File:
    media_type: str
    etag: str
    immutable: bool  # its name holds a digest of its content
    plain: bytes
    gzipped: bytes | None


def load(folder: Traversable) -> dict[str, File]:
    """The files by their path on the site, as "/assets/index-3f2a.js"."""
    files = {}

    def add(at: Traversable, path: str) -> None:
        for entry in at.iterdir():
            name = f"{path}/{entry.name}"
            if entry.is_dir():
                add(entry, name)
                continue
            data = entry.read_bytes()
            media_type = mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
            if media_type == "application/javascript":
                media_type = "text/javascript"
            small = gzip.compress(data, 9, mtime=0) if media_type in _COMPRESSED else None
            files[name] = File(media_type, f'"{hashlib.sha256(data).hexdigest()[:32]}"',
                               name.startswith("/assets/"), data, small)

    add(folder, "")
    return files


def bundle() -> dict[str, File]:
    """The page that this package carries."""
    files = load(importlib.resources.files("vico_web") / "static")
    if "/index.html" not in files:
        raise RuntimeError("this package carries no page; scripts/studio --build makes it")
    return files


class StaticFiles:
    """GET of a file, and of the page itself for every address that the page's own router knows."""

    def __init__(self, files: dict[str, File]) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        file = self._files.get(path)
        if file is None:
            if path.startswith("/assets/") or "." in path.rsplit("/", 1)[-1]:
                raise Refused(404, "no such file")
            file = self._files["/index.html"]
        headers = [(b"etag", file.etag.encode()),
                   (b"cache-control", b"public, max-age=31536000, immutable" if file.immutable else b"no-cache")]
        if header(scope, b"if-none-match") == file.etag:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
            return
        data = file.plain
        if file.gzipped is not None:
            headers.append((b"vary", b"Accept-Encoding"))
            if "gzip" in header(scope, b"accept-encoding"):
                data = file.gzipped
                headers.append((b"content-encoding", b"gzip"))
        charset = "; charset=utf-8" if file.media_type.startswith("text/") else ""
        headers += [(b"content-type", (file.media_type + charset).encode()),
                    (b"content-length", b"%d" % len(data))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
