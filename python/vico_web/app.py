"""The studio as an ASGI application: the rules first, then the bridge, the pictures, the session, the page."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable

import grpc.aio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vico_web import rules
from vico_web.body import Disconnected, Refused
from vico_web.bridge import Caller, Calls, Uploads
from vico_web.limits import Limits
from vico_web.pictures import Pictures
from vico_web.sessions import Secret, Sessions
from vico_web.sign_in import SignIn
from vico_web.static_files import File, StaticFiles

log = logging.getLogger("vico_web")


class Guard:
    """Applies the rules to every request, adds the headers to every answer, and logs one line without headers,
    bodies or queries."""

    def __init__(self, app: ASGIApp, site: rules.Site, checked: tuple[rules.Rule, ...]) -> None:
        self._app = app
        self._site = site
        self._rules = checked
        self._headers = [(name.encode(), value.encode()) for name, value in rules.HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # there is no WebSocket here
        begin = time.monotonic()
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        try:
            refusal = rules.check(_request(scope), self._site, self._rules)
            answer = _text(refusal.status, refusal.text) if refusal else self._app
            await answer(scope, receive, guarded)
        finally:
            log.info(
                "%s %s %d %.0f ms", scope["method"], scope["path"], status, (time.monotonic() - begin) * 1e3
            )


def _request(scope: Scope) -> rules.Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return rules.Request(scope["method"], scope["path"], headers)


def _text(status: int, text: str) -> PlainTextResponse:
    return PlainTextResponse(text, status, {"cache-control": "no-store"})


def _refused(request: Request, refused: Exception) -> PlainTextResponse:
    assert isinstance(refused, Refused)
    return _text(refused.status, refused.text)


def _closed(request: Request, disconnected: Exception) -> PlainTextResponse:
    return _text(499, "")  # nobody reads it; the log shows it


def build(
    open_channel: Callable[[], grpc.aio.Channel],
    site: rules.Site,
    files: dict[str, File],
    *,
    own_key: Secret | None = None,
    token: Secret = Secret(""),
    limits: Limits = Limits(),
    checked: tuple[rules.Rule, ...] = rules.RULES,
) -> ASGIApp:
    """`open_channel` makes the connection to the server. `own_key` needs a `token`."""
    sessions = Sessions(secure=all(origin.startswith("https://") for origin in site.origins))
    caller = Caller(open_channel, sessions)

    @contextlib.asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        yield
        await caller.close()

    return Guard(
        Starlette(
            lifespan=running,
            exception_handlers={Refused: _refused, Disconnected: _closed},
            routes=[
                Route(
                    "/session",
                    SignIn(caller, sessions, limits, own_key, token),
                    methods=["GET", "POST", "DELETE"],
                ),
                Route("/upload", Uploads(caller, limits), methods=["POST"]),
                Route("/blob/{sha256}", Pictures(caller, limits), methods=["GET"]),
                Route("/{service}/{method}", Calls(caller, limits), methods=["POST"]),
                Route("/{path:path}", StaticFiles(files), methods=["GET"]),
            ],
        ),
        site,
        checked,
    )
