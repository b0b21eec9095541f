"""Flows of calls with retries, of lists, and of creating calls with their request id."""

from __future__ import annotations

import re
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import TypeVar

from vico._flow import Backoff, Deliver, Flow, Limits, Sleep, call
from vico._methods import Method, Request, Response
from vico.address import field_error
from vico.errors import VicoError, is_worth_retrying

T = TypeVar("T")


def retrying(limits: Limits, total: float, each: float, attempt: Callable[[float], Flow[T]]) -> Flow[T]:
    """Runs `attempt` with its time in seconds until it succeeds, fails with an error that is not retried, or
    the attempts or the time `total` are used up."""
    end = time.monotonic() + total
    backoff = Backoff()
    tries = 1
    while True:
        try:
            return (yield from attempt(min(each, max(end - time.monotonic(), 0.001))))
        except VicoError as error:
            if not is_worth_retrying(error) or tries >= limits.attempts:
                raise
            wait = max(backoff.next(), error.retry_delay or 0.0)
            if time.monotonic() + wait >= end:
                raise
        yield Sleep(wait)
        tries += 1


def short(limits: Limits, method: Method[Request, Response], request: Request) -> Flow[Response]:
    """A short call."""
    response = yield from retrying(
        limits, limits.call, min(limits.attempt, limits.call), lambda timeout: call(method, request, timeout)
    )
    return response


def once(limits: Limits, method: Method[Request, Response], request: Request) -> Flow[Response]:
    """A short call that is not repeated, since the server would do again what it asks for."""
    return (yield from call(method, request, limits.call))


def patient(
    limits: Limits, method: Method[Request, Response], request: Request, timeout: float | None = None
) -> Flow[Response]:
    """A call within a wait: it looks for the server as long as a watch does, at most `timeout` seconds."""
    total = limits.patience if timeout is None else min(limits.patience, timeout)
    waiting = replace(limits, call=total, attempts=sys.maxsize)
    return (yield from short(waiting, method, request))


def creating(request_id: str, flow: Flow[T]) -> Flow[T]:
    """A flow that creates something: its errors carry the request id, with which the caller may repeat it."""
    try:
        return (yield from flow)
    except VicoError as error:
        error.request_id = request_id
        if is_worth_retrying(error) and not error.retry_delay:
            again = f'Repeat the call with request_id="{request_id}"; nothing is created twice'
            error.hint = f"{error.hint}. {again}" if error.hint else again
        raise


def new_request_id(given: str | None) -> str:
    """The caller's id for a creating call, or a new one."""
    if given is None:
        return uuid.uuid4().hex
    if not re.fullmatch("[A-Za-z0-9._-]{16,64}", given):
        raise field_error("request_id", f'must be 16..64 characters of [A-Za-z0-9._-], got "{given[:100]}"')
    return given


def part_of_request(request_id: str, part: str) -> str:
    """The id of a call that belongs to a creating call: a repetition of the whole repeats it, too."""
    return sha256(f"{request_id}/{part}".encode()).hexdigest()


def pages(
    limits: Limits,
    method: Method[Request, Response],
    request: Request,
    items: Callable[[Response], object],
    page_size: int,
) -> Flow[None]:
    """Delivers the items of all pages; fetches a page when the one before is used up."""
    page: Request = method.request()
    page.CopyFrom(request)
    setattr(page, "page_size", page_size)
    while True:
        answer = yield from short(limits, method, page)
        for item in items(answer):  # type: ignore[attr-defined]
            yield Deliver(item)
        token: str = getattr(answer, "next_page_token")
        if not token:
            return
        setattr(page, "page_token", token)
