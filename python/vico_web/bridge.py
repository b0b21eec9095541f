"""Carries gRPC-Web calls to the server. Requests and answers are bytes here: no message is known.

A call has one request and any number of answers. An upload has any number of requests. The call to the server ends when
the browser closes its connection, so a closed tab leaves no watch behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import urllib.parse
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from starlette.types import Receive, Scope, Send

from vico_web import frames
from vico_web.body import Disconnected, Refused, header, read_parts
from vico_web.limits import Limits
from vico_web.sessions import Secret, Sessions

# Methods whose requests are a stream, with the most bytes that their body may have. They are called through
# /upload?method=…
UPLOADS: dict[str, Callable[[Limits], int]] = {
    "vico.v1.ConceptService/UploadConcept": lambda limits: limits.concept_upload_bytes,
    "vico.v1.AdapterService/ImportAdapter": lambda limits: limits.adapter_upload_bytes,
    "vico.v1.PictureService/UploadPicture": lambda limits: limits.picture_upload_bytes,
}

_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def timeout_seconds(text: str, longest: float) -> float:
    """The value of a grpc-timeout header, at most `longest`, which also holds without the header."""
    digits, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (digits.isascii() and digits.isdigit()) or len(digits) > 8:
        return longest
    return min(int(digits) * _UNITS[unit], longest)


class Caller:
    """Makes calls with the key of a request's session. `open_channel` is called in the event loop, once."""

    def __init__(self, open_channel: Callable[[], grpc.aio.Channel], sessions: Sessions) -> None:
        self._channel = functools.cache(open_channel)
        self._sessions = sessions

    def key(self, scope: Scope) -> Secret | None:
        return self._sessions.key_of(header(scope, b"cookie"))

    def call(
        self, method: str, request: bytes, key: Secret | None, seconds: float
    ) -> grpc.aio.UnaryStreamCall[bytes, bytes]:
        """`method` is "package.Service/Method". A method with one answer is a stream of one."""
        start: Any = self._channel().unary_stream(f"/{method}")
        call: grpc.aio.UnaryStreamCall[bytes, bytes] = start(
            request, metadata=_metadata(key), timeout=seconds
        )
        return call

    def upload(
        self, method: str, requests: AsyncIterator[bytes], key: Secret | None, seconds: float
    ) -> grpc.aio.StreamStreamCall[bytes, bytes]:
        start: Any = self._channel().stream_stream(f"/{method}")
        call: grpc.aio.StreamStreamCall[bytes, bytes] = start(
            requests, metadata=_metadata(key), timeout=seconds
        )
        return call

    async def close(self) -> None:
        await self._channel().close()


def _metadata(key: Secret | None) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key.reveal()}"),) if key else ()


class Calls:
    """POST /package.Service/Method with one message."""

    def __init__(self, caller: Caller, limits: Limits) -> None:
        self._caller = caller
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            parts = read_parts(scope, receive, self._limits.call_bytes, self._limits.idle_seconds)
            requests = [one async for one in frames.read_messages(parts, self._limits.call_bytes)]
            if len(requests) != 1:
                raise Refused(400, f"a call has one message, got {len(requests)}")
        except frames.FrameError as error:
            raise Refused(400, str(error)) from None
        seconds = timeout_seconds(header(scope, b"grpc-timeout"), self._limits.call_seconds)
        call = self._caller.call(
            scope["path"].removeprefix("/"), requests[0], self._caller.key(scope), seconds
        )
        await _answer(call, receive, send)


class Uploads:
    """POST /upload?method=package.Service/Method with the messages of a client stream."""

    def __init__(self, caller: Caller, limits: Limits) -> None:
        self._caller = caller
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        method = query.get("method", [""])[0]
        body_bytes = UPLOADS.get(method)
        if body_bytes is None:
            raise Refused(404, "no such upload")
        parts = read_parts(scope, receive, body_bytes(self._limits), self._limits.idle_seconds)
        requests = _Requests(frames.read_messages(parts, self._limits.message_bytes))
        call = self._caller.upload(
            method, requests.messages(), self._caller.key(scope), self._limits.upload_seconds
        )
        try:
            answers = [answer async for answer in call]
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            if not call.done():
                call.cancel()
                raise
            answers = []
        # A browser that still sends does not read the answer, so the rest is read first.
        await requests.drain()
        await _start(send)
        for answer in answers:
            await _send(send, frames.message(answer))
        await _finish(call, send)


class _Requests:
    """The messages of an upload. An error of the body ends the call and is raised by `drain`."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._error: Exception | None = None
        self._busy = asyncio.Lock()

    async def messages(self) -> AsyncIterator[bytes]:
        while (one := await self._next()) is not None:
            yield one
        if self._error:
            raise self._error

    async def drain(self) -> None:
        while await self._next() is not None:
            pass
        if isinstance(self._error, frames.FrameError):
            raise Refused(400, str(self._error))
        if self._error:
            raise self._error

    async def _next(self) -> bytes | None:
        async with self._busy:
            if self._error:
                return None
            try:
                return await anext(self._source, None)
            except (Refused, Disconnected, frames.FrameError) as error:
                self._error = error
                return None


async def _answer(call: grpc.aio.UnaryStreamCall[bytes, bytes], receive: Receive, send: Send) -> None:
    """Copies answers until the call or the connection ends; whichever ends first ends the other."""
    copying = asyncio.ensure_future(_copy(call, send))
    closed = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((copying, closed), return_when=asyncio.FIRST_COMPLETED)
        if copying.done():
            copying.result()
    finally:
        call.cancel()
        for task in (copying, closed):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task


async def _copy(call: grpc.aio.UnaryStreamCall[bytes, bytes], send: Send) -> None:
    started = False
    with contextlib.suppress(grpc.aio.AioRpcError):
        async for answer in call:
            if not started:
                await _start(send)
                started = True
            await _send(send, frames.message(answer))
    if not started:
        await _start(send)
    await _finish(call, send)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", frames.CONTENT_TYPE.encode()),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),  # a proxy must pass each event on at once
            ],
        }
    )


async def _send(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _finish(call: grpc.aio.Call, send: Send) -> None:
    code, text = await call.code(), await call.details()
    metadata = [*(await call.initial_metadata() or ()), *(await call.trailing_metadata() or ())]
    await send({"type": "http.response.body", "body": frames.trailers(code.value[0], text or "", metadata)})
