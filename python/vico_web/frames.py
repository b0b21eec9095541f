"""The frames of gRPC-Web: a flag byte, the length as 4 bytes, the message. Messages are copied, never read.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
"""

import base64
import struct
import urllib.parse
from collections.abc import AsyncIterator, Iterable

CONTENT_TYPE = "application/grpc-web+proto"
_HEADER = struct.Struct(">BI")
_MESSAGE = 0x00
_TRAILERS = 0x80

# What the trailers of an answer may carry besides status and message.
_FORWARDED = ("grpc-status-details-bin", "x-request-id")


class FrameError(ValueError):
    """The body is not a sequence of uncompressed message frames."""


def message(data: bytes) -> bytes:
    """The frame of a message."""
    return _HEADER.pack(_MESSAGE, len(data)) + data


def trailers(code: int, text: str, metadata: Iterable[tuple[str, str | bytes]] = ()) -> bytes:
    """The last frame of an answer: gRPC's status code, its message, and details of the error."""
    lines = [f"grpc-status: {code}", f"grpc-message: {urllib.parse.quote(text, safe=' ()[]{},:;=*/+-_.!?')}"]
    for name, value in metadata:
        if name in _FORWARDED:
            if isinstance(value, bytes):
                value = base64.b64encode(value).decode().rstrip("=")
            lines.append(f"{name}: {value}")
    data = "".join(line + "\r\n" for line in lines).encode("ascii", "replace")
    return _HEADER.pack(_TRAILERS, len(data)) + data


async def read_messages(body: AsyncIterator[bytes], limit_bytes: int) -> AsyncIterator[bytes]:
    """The messages of a body. At most one is in memory. FrameError for a message above the limit, an
    unknown flag, or a body that ends within a frame."""
    buffered = bytearray()
    async for part in body:
        buffered += part
        while len(buffered) >= _HEADER.size:
            flag, size = _HEADER.unpack_from(buffered)
            if flag != _MESSAGE:
                raise FrameError(f"frames with the flag {flag:#04x} are not accepted")
            if size > limit_bytes:
                raise FrameError(f"a message must have at most {limit_bytes} bytes")
            end = _HEADER.size + size
            if len(buffered) < end:
                break
            yield bytes(buffered[_HEADER.size : end])
            del buffered[:end]
    if buffered:
        raise FrameError("the body ends within a frame")
