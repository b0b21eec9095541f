"""The logic of the client without input and output: generators that yield what to do, and get the result.

A flow is run by one of two drivers, for blocking code (_blocking.py) and for asyncio (_asyncio.py), so that
retries, uploads, downloads and watches are written once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from vico._methods import Method, Request, Response

T = TypeVar("T")


class Stream(Protocol):
    """A stream of messages from the server."""

    def cancel(self) -> Any: ...


@dataclass(frozen=True)
class Call:
    """Makes a unary call; the result is its response. `timeout` is in seconds."""

    method: Method[Any, Any]
    request: Message
    timeout: float


@dataclass(frozen=True)
class Send:
    """Sends a stream of requests; the result is the response. An exception of `requests` ends the call and
    is raised instead of the call's error."""

    method: Method[Any, Any]
    requests: Callable[[], Iterator[Message]]
    timeout: float


@dataclass(frozen=True)
class Open:
    """Opens a stream of responses; the result is a Stream."""

    method: Method[Any, Any]
    request: Message
    timeout: float


@dataclass(frozen=True)
class Read:
    """The result is the stream's next message, or None at its end. Unavailable if it does not come within
    about `timeout` seconds."""

    stream: Stream
    timeout: float | None = None


@dataclass(frozen=True)
class Sleep:
    """Waits."""

    seconds: float


@dataclass(frozen=True)
class Deliver:
    """Hands a value to the caller, who iterates."""

    value: Any


Effect = Call | Send | Open | Read | Sleep | Deliver
Flow = Generator[Effect, Any, T]


@dataclass(frozen=True)
class Limits:
    """How long calls may take, in seconds, and how often they are retried."""

    call: float = 30.0  #: a short call, retries included
    attempt: float = 10.0  #: one attempt of a short call
    transfer: float = 600.0  #: an upload or download, retries included
    stream: float = 3600.0  #: one stream of events; a watch opens another
    silence: float = 45.0  #: of a watch, in which the server sends a message each 15 s
    patience: float = 60.0  #: a watch fails after this time without a server
    attempts: int = 5  #: of one call, the first included


class Backoff:
    """The waits between attempts: drawn evenly between 0 and a bound that doubles from 0.2 s to 5 s, so that
    clients that lost the same server do not return to it at the same moment."""

    _FIRST = 0.2
    _LONGEST = 5.0

    def __init__(self) -> None:
        self._bound = self._FIRST

    def next(self) -> float:
        bound, self._bound = self._bound, min(2 * self._bound, self._LONGEST)
        return random.uniform(0, bound)

    def reset(self) -> None:
        """After a success: the next wait is the first again."""
        self._bound = self._FIRST


def call(method: Method[Request, Response], request: Request, timeout: float) -> Flow[Response]:
    response: Response = yield Call(method, request, timeout)
    return response


def send(
    method: Method[Request, Response], requests: Callable[[], Iterator[Request]], timeout: float
) -> Flow[Response]:
    response: Response = yield Send(method, requests, timeout)
    return response


def mapped(flow: Flow[None], convert: Callable[[Any], Iterable[Any]]) -> Flow[None]:
    """Delivers what `convert` makes of each value that `flow` delivers."""
    value: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                effect = flow.send(value) if error is None else flow.throw(error)
            except StopIteration:
                return
            value = error = None
            if isinstance(effect, Deliver):
                for converted in convert(effect.value):
                    yield Deliver(converted)
            else:
                try:
                    value = yield effect
                except Exception as failed:
                    error = failed
    finally:
        flow.close()
