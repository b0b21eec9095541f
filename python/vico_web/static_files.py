"""The built page, read into memory at the start: a request names an entry of a table, never a file."""

import dataclasses
import gzip
import hashlib
import pathlib

from starlette.types import Receive, Scope, Send

from vico_web.body import Refused, header

# Not those of the machine, which its administrator may have changed.
_MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}
# Fonts are compressed already.
_COMPRESSED = ("text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml")


@dataclasses.dataclass(frozen=True)
class File:
    media_type: str
    etag: str
    immutable: bool  # its name holds a digest of its content
    plain: bytes
    gzipped: bytes | None


def load(folder: pathlib.Path) -> dict[str, File]:
    """The files by their path on the site, as "/assets/index-3f2a.js"."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = f"/{path.relative_to(folder).as_posix()}"
        data = path.read_bytes()
        media_type = _MEDIA_TYPES.get(path.suffix, "application/octet-stream")
        small = gzip.compress(data, 9, mtime=0) if media_type in _COMPRESSED else None
        files[name] = File(
            media_type, f'"{hashlib.sha256(data).hexdigest()[:32]}"', name.startswith("/assets/"), data, small
        )
    return files


def bundle() -> dict[str, File]:
    """The page that this package carries."""
    files = load(pathlib.Path(__file__).parent / "static")
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
        headers = [
            (b"etag", file.etag.encode()),
            (b"cache-control", b"public, max-age=31536000, immutable" if file.immutable else b"no-cache"),
        ]
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
        headers += [
            (b"content-type", (file.media_type + charset).encode()),
            (b"content-length", b"%d" % len(data)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
