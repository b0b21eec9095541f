"""vico-web: serves the studio, on this machine unless it is told otherwise."""

import argparse
import ipaddress
import logging
import os
import secrets
import socket
import sys
import urllib.parse
from collections.abc import Sequence

import grpc.aio
import uvicorn

from vico._channel import OPTIONS, credentials
from vico.errors import ConfigError
from vico.settings import Settings, read_settings
from vico_web import app, rules, static_files
from vico_web.limits import Limits
from vico_web.sessions import Secret

_HELP = """Serves the Vico studio: a page on which concepts are uploaded, adapters trained and pictures drawn.

It listens on this machine only. To serve others, put a proxy with TLS and HTTP/2 in front of it and name the address
that they see: vico-web --listen 127.0.0.1:8080 --origin https://studio.example.org
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(options.server, options.ca, None, options.key_file, os.environ)
        listener = _listen(options.listen)
        site = _site(listener, options.origin)
    except (ConfigError, OSError, ValueError) as error:
        print(f"vico-web: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    key = Secret(settings.key) if settings.key else None
    token = Secret(secrets.token_urlsafe(24))
    limits = Limits()
    application = app.build(
        lambda: _open(settings), site, static_files.bundle(), own_key=key, token=token, limits=limits
    )
    address = min(site.origins, key=lambda origin: "localhost" not in origin)
    print(f"{address}/#token={token.reveal()}" if key else address, flush=True)
    uvicorn.Server(
        uvicorn.Config(
            application,
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            ws="none",
            http="h11",
            limit_concurrency=limits.connections,
            timeout_keep_alive=65,
            h11_max_incomplete_event_size=32 << 10,
            timeout_graceful_shutdown=2,
            proxy_headers=False,
        )
    ).run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "vico-web", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--server",
        metavar="ADDRESS",
        help="the Vico server (default: VICO_SERVER, the configuration of vico, 127.0.0.1:50051)",
    )
    parser.add_argument(
        "--ca",
        metavar="FILE",
        help="certificates of the authority that signed the server's (default: VICO_CA, the configuration)",
    )
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        help="API key for the one who opens the printed address (default: VICO_KEY, VICO_KEY_FILE, the "
        "configuration); without a key each visitor signs in with one",
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8080",
        metavar="ADDRESS",
        help="address and port of the studio; port 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="the address that browsers see, if it is another one; may be repeated",
    )
    parser.add_argument("--verbose", action="store_true", help="log a line for each request")
    return parser


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f'--listen: must be ADDRESS:PORT, got "{address}"')
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host.strip("[]"), int(port)))
    return listener


def _site(listener: socket.socket, origins: Sequence[str]) -> rules.Site:
    """The names of the studio. What leaves this machine needs --origin, with TLS."""
    host, port = listener.getsockname()[:2]
    local = ipaddress.ip_address(host).is_loopback
    if not local and not origins:
        raise ValueError(
            "--listen: other machines reach this address, so --origin must say https://… that they see"
        )
    names = set()
    for origin in origins:
        parts = urllib.parse.urlsplit(origin)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
        ):
            raise ValueError(f'--origin: must be https://name or https://name:port, got "{origin}"')
        if parts.scheme == "http" and not _is_local(parts.hostname):
            raise ValueError(f'--origin: must be https://, since a key passes through it, got "{origin}"')
        names.add(f"{parts.scheme}://{parts.netloc.lower()}")
    if not names:
        names = {
            f"http://localhost:{port}",
            f"http://[::1]:{port}" if ":" in host else f"http://{host}:{port}",
        }
    return rules.Site(frozenset(name.partition("://")[2] for name in names), frozenset(names))


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open(settings: Settings) -> grpc.aio.Channel:
    trust = credentials(settings)
    if trust is None:
        return grpc.aio.insecure_channel(settings.peer.target, OPTIONS)
    return grpc.aio.secure_channel(settings.peer.target, trust, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
