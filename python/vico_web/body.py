"""The body of a request, counted while it arrives."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope


class Refused(Exception):
    """The request cannot be answered by a call; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Disconnected(Exception):
    """The browser closed the connection."""


def header(scope: Scope, name: bytes) -> str:
    """A header of the request, or the empty text."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def read_parts(
    scope: Scope, receive: Receive, limit_bytes: int, idle_seconds: float
) -> AsyncIterator[bytes]:
    """The parts of a body. Refused with 413 above the limit, with 408 when nothing arrives for a while."""
    declared = header(scope, b"content-length")
    if declared and int(declared) > limit_bytes:  # the server of HTTP has checked that it is a number
        raise Refused(413, f"the body must have at most {limit_bytes} bytes")
    received = 0
    while True:
        try:
            event = await asyncio.wait_for(receive(), idle_seconds)
        except asyncio.TimeoutError:
            raise Refused(408, f"no data for {idle_seconds:g} s") from None
        if event["type"] == "http.disconnect":
            raise Disconnected
        part = event.get("body", b"")
        received += len(part)
        if received > limit_bytes:
            raise Refused(413, f"the body must have at most {limit_bytes} bytes")
        if part:
            yield part
        if not event.get("more_body", False):
            return
