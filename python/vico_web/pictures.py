"""GET /blob/{sha256}?name=…&side=…: a picture by its digest and its name, for <img>.

The digest makes the answer immutable, so the browser asks once. The name is what the server gives access to: a digest
alone opens nothing. This is the one place that reads messages.
"""

from __future__ import annotations

import hashlib
import re
import urllib.parse

import grpc
import grpc.aio
from starlette.types import Receive, Scope, Send

from vico.v1 import picture_pb2
from vico_web.body import Refused, header
from vico_web.bridge import Caller
from vico_web.limits import Limits

_METHOD = "vico.v1.PictureService/DownloadPicture"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPES = ("image/png", "image/jpeg")
_STATUS = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
}


class Pictures:
    """A whole picture must have the digest of its address. A thumbnail is named by its picture's digest."""

    def __init__(self, caller: Caller, limits: Limits) -> None:
        self._caller = caller
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        digest = scope["path_params"]["sha256"]
        query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        name = query.get("name", [""])[0]
        side = query.get("side", ["0"])[0]
        if not _DIGEST.fullmatch(digest) or not name or not re.fullmatch(r"[0-9]{1,4}", side):
            raise Refused(404, "no such picture")
        etag = f'"{digest}-{int(side)}"'
        unchanged = etag in (tag.strip() for tag in header(scope, b"if-none-match").split(","))
        request = picture_pb2.DownloadPictureRequest(name=name, thumbnail_side=int(side)).SerializeToString()
        call = self._caller.call(_METHOD, request, self._caller.key(scope), self._limits.picture_seconds)
        try:
            media_type, data = await self._read(call, digest, whole=side == "0", headers_only=unchanged)
        except grpc.aio.AioRpcError as error:
            raise Refused(_STATUS.get(error.code(), 502), error.details() or "no picture") from None
        finally:
            call.cancel()
        headers = [
            (b"etag", etag.encode()),
            # Another session of the same browser may belong to another tenant, hence Vary.
            (b"cache-control", b"private, max-age=31536000, immutable"),
            (b"vary", b"Cookie"),
        ]
        if unchanged:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
            return
        headers += [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(data))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})

    async def _read(
        self, call: grpc.aio.UnaryStreamCall[bytes, bytes], digest: str, *, whole: bool, headers_only: bool
    ) -> tuple[str, bytes]:
        media_type = ""
        data = bytearray()
        async for answer in call:
            part = picture_pb2.DownloadPictureResponse.FromString(answer)
            if not media_type:
                head = part.header
                media_type = head.media_type
                if media_type not in _MEDIA_TYPES:
                    raise Refused(502, "the server sent no picture")
                if head.size_bytes > self._limits.picture_bytes:
                    raise Refused(502, "the picture is too large")
                if whole and head.sha256 != digest:
                    raise Refused(404, "the picture of this name has other bytes by now")
                if headers_only:
                    return media_type, b""
                continue
            data += part.chunk.data
            if len(data) > self._limits.picture_bytes:
                raise Refused(502, "the picture is too large")
        if whole and hashlib.sha256(data).hexdigest() != digest:
            raise Refused(502, "the picture is damaged")
        return media_type, bytes(data)
