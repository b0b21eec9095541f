"""GET, POST and DELETE /session: who is signed in, sign in with a key, sign out.

A key that the studio was started with is not for everyone who reaches its port: the address that `vico-web` prints
holds a token, and the token opens a session with that key.
"""

import json

import grpc
import grpc.aio
from starlette.types import Receive, Scope, Send

from vico_web.body import Refused, header, read_parts
from vico_web.bridge import Caller
from vico_web.limits import Limits
from vico_web.sessions import Secret, Sessions

_PROBE = "vico.v1.ModelService/GetCapabilities"


class SignIn:
    """`own_key` is the key that the studio was started with, `token` what opens it."""

    def __init__(
        self, caller: Caller, sessions: Sessions, limits: Limits, own_key: Secret | None, token: Secret
    ) -> None:
        self._caller = caller
        self._sessions = sessions
        self._limits = limits
        self._own_key = own_key
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookies = header(scope, b"cookie")
        if scope["method"] == "GET":
            await _json(send, 200, {"signed_in": self._sessions.key_of(cookies) is not None})
            return
        if scope["method"] == "DELETE":
            await _json(send, 200, {"signed_in": False}, self._sessions.close(cookies))
            return
        key = self._key(await self._fields(scope, receive))
        await self._check(key)
        self._sessions.close(cookies)
        await _json(send, 200, {"signed_in": True}, self._sessions.open(key))

    async def _fields(self, scope: Scope, receive: Receive) -> dict[str, str]:
        body = b"".join([part async for part in read_parts(scope, receive, 4096, self._limits.idle_seconds)])
        try:
            fields = json.loads(body)
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise Refused(400, "the body must be a JSON object of texts")
        return fields

    def _key(self, fields: dict[str, str]) -> Secret:
        if "token" in fields:
            if self._own_key is None or not self._token.equals(fields["token"]):
                raise Refused(401, "this address is no longer valid; vico-web printed a new one")
            return self._own_key
        key = fields.get("key", "").strip()
        if not key or len(key) > 512 or not all("!" <= letter <= "~" for letter in key):
            raise Refused(401, "this is not a key")
        return Secret(key)

    async def _check(self, key: Secret) -> None:
        """Asks the server. An empty message is no bytes, so nothing has to be known of it."""
        call = self._caller.call(_PROBE, b"", key, self._limits.sign_in_seconds)
        try:
            async for _ in call:
                pass
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
                raise Refused(401, "the server does not accept this key") from None
            raise Refused(503, f"the server cannot be asked: {error.code().name}") from None


async def _json(send: Send, status: int, value: dict[str, bool], cookie: str | None = None) -> None:
    data = json.dumps(value).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(data)),
        (b"cache-control", b"no-store"),
    ]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
