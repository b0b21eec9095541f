"""Which requests are refused before anything else happens. Each rule is one function, and one test removes it.

The studio sends its cookie with every call, so a page of another site must not be able to make a call: not by a form,
not by fetch, and not by a host name that it points at this address (DNS rebinding).
"""

import dataclasses
from collections.abc import Callable

from vico_web.frames import CONTENT_TYPE

# A method that is not listed cannot be called from a page: no administration, no workers, no keys.
SERVICES = frozenset(
    f"vico.v1.{name}"
    for name in ("AdapterService", "ConceptService", "JobService", "ModelService", "PictureService")
)

HEADERS = {
    # Scripts and styles come from this origin only; there is no inline code.
    "content-security-policy": "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@dataclasses.dataclass(frozen=True)
class Refusal:
    """An answer to a request that breaks a rule."""

    status: int
    text: str


@dataclasses.dataclass(frozen=True)
class Request:
    """What the rules read. Header names are lower case; a header that occurs twice is joined by commas."""

    method: str
    path: str
    headers: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Site:
    """The names under which the studio is reached, for example {"localhost:8080"} and {"http://localhost:8080"}."""

    hosts: frozenset[str]
    origins: frozenset[str]


Rule = Callable[[Request, Site], Refusal | None]


def known_host(request: Request, site: Site) -> Refusal | None:
    """A name of somebody else's that resolves to this address is not ours."""
    if request.headers.get("host", "").lower() in site.hosts:
        return None
    return Refusal(421, "this name is not the studio's; see --origin")


def known_method(request: Request, site: Site) -> Refusal | None:
    """There is no preflight to answer, since no other origin may call."""
    if request.method in ("GET", "HEAD", "POST", "DELETE"):
        return None
    return Refusal(405, "method not allowed")


def same_origin(request: Request, site: Site) -> Refusal | None:
    """Another site may link to a page, and nothing else."""
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site in (None, "same-origin"):
        return None
    reads = request.method in ("GET", "HEAD")
    if reads and fetch_site == "none":  # typed into the address bar
        return None
    if (
        reads
        and request.headers.get("sec-fetch-mode") == "navigate"
        and not request.path.startswith("/blob/")
    ):
        return None
    return Refusal(403, "requests of other sites are refused")


def known_origin(request: Request, site: Site) -> Refusal | None:
    """What changes something names the origin of its page. Browsers set this header, pages cannot."""
    if request.method in ("GET", "HEAD") or request.headers.get("origin", "") in site.origins:
        return None
    return Refusal(403, "the origin of this request is not the studio's; see --origin")


def known_content(request: Request, site: Site) -> Refusal | None:
    """Forms of other sites can send text and multipart bodies without being asked; these types they cannot."""
    if request.method != "POST":
        return None
    wanted = "application/json" if request.path == "/session" else CONTENT_TYPE
    if request.headers.get("content-type", "") == wanted:
        return None
    return Refusal(415, f"the content type must be {wanted}")


def listed_service(request: Request, site: Site) -> Refusal | None:
    """Of the server's services only those that the page uses."""
    if request.method != "POST" or request.path in ("/session", "/upload"):
        return None
    service, _, method = request.path.removeprefix("/").partition("/")
    if service in SERVICES and method.isalnum() and method.isascii():
        return None
    return Refusal(404, "no such method")


RULES: tuple[Rule, ...] = (known_host, known_method, same_origin, known_origin, known_content, listed_service)


def check(request: Request, site: Site, rules: tuple[Rule, ...] = RULES) -> Refusal | None:
    """The first refusal, if any rule refuses."""
    for rule in rules:
        refusal = rule(request, site)
        if refusal is not None:
            return refusal
    return None
