"""Runs flows with asyncio. One event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from vico import _channel as channels
from vico import errors
from vico._flow import Call, Deliver, Effect, Flow, Limits, Open, Read, Send, Sleep
from vico._methods import Method
from vico.settings import Settings

T = TypeVar("T")

# What gRPC puts in place of the status when a call ends during a write (grpc/grpc issue 36066).
_ENDED_WHILE_WRITING = "Internal error from Core"


class AsyncioDriver:
    """A channel, and what flows ask for. It connects at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metadata = channels.metadata(settings)
        self._credentials = channels.credentials(settings)
        self._opened: Any = None  # a grpc.aio.Channel: it belongs to the loop of the first call
        self._closed = False

    async def close(self) -> None:
        """Ends the calls that go on. Jobs go on."""
        self._closed = True
        if self._opened is not None:
            await self._opened.close()

    async def run(self, flow: Flow[T]) -> T:
        """Runs a flow that delivers nothing, and returns its result."""
        value: Any = None
        error: Exception | None = None
        try:
            while True:
                effect = flow.send(value) if error is None else flow.throw(error)
                value, error = await self._attempt(effect)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Runs a flow and yields what it delivers."""
        value: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    effect = flow.send(value) if error is None else flow.throw(error)
                except StopIteration:
                    return
                if isinstance(effect, Deliver):
                    value, error = None, None
                    yield effect.value
                else:
                    value, error = await self._attempt(effect)
        finally:
            flow.close()

    async def _attempt(self, effect: Effect) -> tuple[Any, Exception | None]:
        try:
            return await self._perform(effect), None
        except Exception as error:
            return None, error

    def _channel(self) -> Any:
        if self._closed:
            raise RuntimeError("the client is closed")
        if self._opened is None:
            target, options = self._settings.peer.target, channels.OPTIONS
            if self._credentials is None:
                self._opened = grpc.aio.insecure_channel(target, options=options)
            else:
                self._opened = grpc.aio.secure_channel(target, self._credentials, options=options)
        return self._opened

    async def _perform(self, effect: Effect) -> Any:
        channel = self._channel()
        try:
            if isinstance(effect, Call):
                unary = channel.unary_unary(effect.method.path, *_codec(effect.method))
                return await unary(effect.request, timeout=effect.timeout, metadata=self._metadata)
            if isinstance(effect, Send):
                return await self._send(channel, effect)
            if isinstance(effect, Open):
                streaming = channel.unary_stream(effect.method.path, *_codec(effect.method))
                return streaming(effect.request, timeout=effect.timeout, metadata=self._metadata)
            if isinstance(effect, Read):
                stream: Any = effect.stream
                try:
                    message = await asyncio.wait_for(stream.read(), effect.timeout)
                except asyncio.TimeoutError:
                    text = f"the server has sent nothing for {effect.timeout:g} s"
                    raise errors.out_of_reach(errors.Unavailable(text)) from None
                return None if message is grpc.aio.EOF else message
            if isinstance(effect, Sleep):
                return await asyncio.sleep(effect.seconds)
        except grpc.RpcError as error:
            raise channels.from_rpc(error, self._settings) from None
        raise AssertionError(effect)

    async def _send(self, channel: Any, effect: Send) -> Message:
        sending = channel.stream_unary(effect.method.path, *_codec(effect.method))
        call = sending(timeout=effect.timeout, metadata=self._metadata)
        try:
            for request in effect.requests():
                try:
                    await call.write(request)
                except (grpc.RpcError, asyncio.InvalidStateError):
                    break  # the server has answered; `await call` says what
            else:
                try:
                    await call.done_writing()
                except (grpc.RpcError, asyncio.InvalidStateError):
                    pass
            response: Message = await call
            return response
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INTERNAL and error.details() == _ENDED_WHILE_WRITING:
                # The status of the server is lost. The same messages may be sent again.
                text = f"the call to {self._settings.peer.address} ended while the request was sent"
                raise errors.Unavailable(text) from None
            raise
        finally:
            call.cancel()  # does nothing after the end of the call


def _codec(method: Method[Any, Any]) -> tuple[Any, Any]:
    return method.request.SerializeToString, method.response.FromString


class Core:
    """What all objects of a client share."""

    def __init__(self, driver: AsyncioDriver, limits: Limits) -> None:
        self.driver = driver
        self.limits = limits

    async def run(self, flow: Flow[Any]) -> Any:
        return await self.driver.run(flow)

    def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        return self.driver.iterate(flow)
