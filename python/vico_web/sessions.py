"""Sessions: a cookie that no script can read stands for an API key, which stays in this process."""

import hmac
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie


class Secret:
    """A text that never appears in a log by accident: its repr and str are dots."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def equals(self, other: str) -> bool:
        """Takes the same time whatever differs."""
        return hmac.compare_digest(self._text.encode(), other.encode())

    def __repr__(self) -> str:
        return "Secret(…)"


class Sessions:
    """At most `limit` sessions; the one that was idle longest makes room. They end with this process."""

    def __init__(
        self,
        *,
        secure: bool,
        limit: int = 1000,
        idle_seconds: float = 7 * 24 * 3600,
        uptime: Callable[[], float] = time.monotonic,
    ) -> None:
        # A browser accepts __Host- cookies only with Secure, without a domain, and for the whole site.
        self.cookie_name = "__Host-vico" if secure else "vico"
        self._secure = secure
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._uptime = uptime
        self._sessions: dict[str, tuple[Secret, float]] = {}  # ordered by last use

    def open(self, key: Secret) -> str:
        """Starts a session and returns the value of the Set-Cookie header."""
        while len(self._sessions) >= self._limit:
            del self._sessions[next(iter(self._sessions))]
        name = secrets.token_urlsafe(32)
        self._sessions[name] = (key, self._uptime())
        return self._cookie(name, int(self._idle_seconds))

    def key_of(self, cookies: str) -> Secret | None:
        """The key of the session in a Cookie header."""
        name = self._name(cookies)
        key, used = self._sessions.pop(name, (None, 0.0))
        now = self._uptime()
        if key is None or now - used > self._idle_seconds:
            return None
        self._sessions[name] = (key, now)
        return key

    def close(self, cookies: str) -> str:
        """Ends the session and returns the Set-Cookie header that removes the cookie."""
        self._sessions.pop(self._name(cookies), None)
        return self._cookie("", 0)

    def _name(self, cookies: str) -> str:
        try:
            morsel = SimpleCookie(cookies).get(self.cookie_name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def _cookie(self, value: str, seconds: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie_name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
