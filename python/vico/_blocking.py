"""Runs flows with blocking calls. Any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from vico import _channel as channels
from vico import errors
from vico._flow import Call, Deliver, Effect, Flow, Limits, Open, Read, Send, Sleep
from vico._methods import Method
from vico.settings import Settings

T = TypeVar("T")


class BlockingDriver:
    """A channel, and what flows ask for. It connects at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metadata = channels.metadata(settings)
        credentials = channels.credentials(settings)
        target, options = settings.peer.target, channels.OPTIONS
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=options)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=options)
        self._closed = False

    def close(self) -> None:
        """Ends the calls that go on. Jobs go on."""
        self._closed = True
        self._channel.close()

    def run(self, flow: Flow[T]) -> T:
        """Runs a flow that delivers nothing, and returns its result."""
        steps = _Steps(flow)
        try:
            while (effect := steps.next()) is not None:
                steps.perform(self, effect)
        finally:
            flow.close()
        result: T = steps.result
        return result

    def iterate(self, flow: Flow[None]) -> Generator[Any, None, None]:
        """Runs a flow and yields what it delivers."""
        steps = _Steps(flow)
        try:
            while (effect := steps.next()) is not None:
                if isinstance(effect, Deliver):
                    yield effect.value
                else:
                    steps.perform(self, effect)
        finally:
            flow.close()

    def perform(self, effect: Effect) -> Any:
        """Does what a flow asks for. Raises VicoError."""
        if self._closed:
            raise RuntimeError("the client is closed")
        try:
            if isinstance(effect, Call):
                unary = self._channel.unary_unary(effect.method.path, *_codec(effect.method))
                return unary(effect.request, timeout=effect.timeout, metadata=self._metadata)
            if isinstance(effect, Send):
                return self._send(effect)
            if isinstance(effect, Open):
                streaming = self._channel.unary_stream(effect.method.path, *_codec(effect.method))
                call = streaming(effect.request, timeout=effect.timeout, metadata=self._metadata)
                return _WatchedStream(call)
            if isinstance(effect, Read):
                assert isinstance(effect.stream, _WatchedStream)
                return effect.stream.read(effect.timeout)
            if isinstance(effect, Sleep):
                return time.sleep(effect.seconds)
        except grpc.RpcError as error:
            raise channels.from_rpc(error, self._settings) from None
        raise AssertionError(effect)

    def _send(self, effect: Send) -> Message:
        """gRPC takes the requests on a thread of its own."""
        local: list[Exception] = []
        calls: list[Any] = []
        begun = threading.Event()

        def requests() -> Iterator[Message]:
            try:
                yield from effect.requests()
            except Exception as error:  # of a file; raised below
                local.append(error)
                begun.wait()
                calls[0].cancel()

        sending = self._channel.stream_unary(effect.method.path, *_codec(effect.method))
        call: Any = sending.future(requests(), timeout=effect.timeout, metadata=self._metadata)
        calls.append(call)
        begun.set()
        try:
            response: Message = call.result()
            return response
        except (grpc.RpcError, grpc.FutureCancelledError):
            if local:
                raise local[0] from None
            raise
        finally:
            call.cancel()  # does nothing after the end of the call


class _WatchedStream:
    """A stream whose reads have a timeout. gRPC's blocking reads have none: a thread cancels the call."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None  # of the read that goes on
        self._ended = False
        self._silent = False

    def read(self, timeout: float | None) -> Any:
        if timeout is None:
            return next(self._call, None)
        self._deadline = time.monotonic() + timeout
        if self._thread is None:
            self._thread = threading.Thread(target=self._guard, args=(timeout,), daemon=True)
            self._thread.start()
        try:
            return next(self._call, None)
        except grpc.RpcError:
            if self._silent:
                text = f"the server has sent nothing for {timeout:g} s"
                raise errors.out_of_reach(errors.Unavailable(text)) from None
            raise
        finally:
            self._deadline = None

    def cancel(self) -> None:
        self._call.cancel()
        with self._condition:
            self._ended = True
            self._condition.notify()

    def _guard(self, timeout: float) -> None:
        with self._condition:
            while not self._ended:
                deadline = self._deadline
                left = timeout if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    self._silent = True
                    self._call.cancel()
                    return
                self._condition.wait(left)


class _Steps:
    """A flow, and the result or error that it gets next."""

    def __init__(self, flow: Flow[Any]) -> None:
        self._flow = flow
        self._value: Any = None
        self._error: Exception | None = None
        self.result: Any = None  #: after the last step

    def next(self) -> Effect | None:
        """What the flow asks for; None at its end."""
        value, error = self._value, self._error
        self._value = self._error = None
        try:
            return self._flow.send(value) if error is None else self._flow.throw(error)
        except StopIteration as stop:
            self.result = stop.value
            return None

    def perform(self, driver: BlockingDriver, effect: Effect) -> None:
        try:
            self._value = driver.perform(effect)
        except Exception as error:
            self._error = error


def _codec(method: Method[Any, Any]) -> tuple[Any, Any]:
    return method.request.SerializeToString, method.response.FromString


class Core:
    """What all objects of a client share."""

    def __init__(self, driver: BlockingDriver, limits: Limits) -> None:
        self.driver = driver
        self.limits = limits

    def run(self, flow: Flow[Any]) -> Any:
        return self.driver.run(flow)

    def iterate(self, flow: Flow[None]) -> Generator[Any, None, None]:
        return self.driver.iterate(flow)
