"""The addresses that Client() takes: the same as those of the command line.

The grammar of host and port is that of RFC 3986; the schemes of gRPC are in its naming.md. The C++ programs
read addresses in common/rpc/address.cc; tests/python/settings_test.py compares the two.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from vico.errors import ConfigError, FieldViolation

_FORMS = "host:port, https://host:port or unix:path"


@dataclass(frozen=True)
class Peer:
    """Whom a channel calls."""

    address: str  #: as given
    target: str  #: for gRPC: host:port, [IPv6]:port, unix:path or unix-abstract:name
    tls: bool


@dataclass(frozen=True)
class _Address:
    target: str
    scheme: str = ""  # "", "plain" or "tls"
    loopback: bool = False
    wildcard: bool = False


def field_error(field: str, message: str) -> ConfigError:
    """The error of a field, with its name before the message."""
    return ConfigError(
        f"{field}: {message}", reason="INVALID_FIELD", field_violations=[FieldViolation(field, message)]
    )


def peer_at(field: str, text: str, *, ca: bool = False) -> Peer:
    """Reads an address to connect to. TLS is used with https:// and grpcs://, with a CA, and to every
    address that is not of this machine. Raises ConfigError, which names `field`."""
    address = _Parser(field, text).parse()
    if address.wildcard:
        raise field_error(
            field,
            f'is an address to listen on; connect to 127.0.0.1 or to the machine\'s name, got "{text}"',
        )
    if address.target.endswith(":0") and not address.target.startswith("unix"):
        raise field_error(field, f'must have a port in 1..65535, got "{text}"')
    if address.scheme == "plain" and ca:
        raise field_error(
            field, f'is without TLS, but a CA or a certificate is given; write https://, got "{text}"'
        )
    if address.scheme == "plain" and not address.loopback:
        raise field_error(
            field,
            "must not be without TLS, since the connection leaves this machine; write https://, got "
            f'"{text}"',
        )
    return Peer(text, address.target, address.scheme == "tls" or ca or not address.loopback)


class _Parser:
    """One address on its way from text to its parts."""

    def __init__(self, field: str, text: str) -> None:
        self._field = field
        self._text = text
        self._scheme = ""
        self._family = ""  # that ipv4: or ipv6: requires

    def parse(self) -> _Address:
        text = self._text
        if text.lower().startswith("unix:"):
            return self._unix(text[len("unix:") :])
        if text.lower().startswith("unix-abstract:"):
            return self._abstract(text[len("unix-abstract:") :])
        if not text:
            raise self._wrong(f'must be {_FORMS}, got ""')
        # First, so that no other error repeats a password.
        if "@" in text:
            raise self._wrong(f"has a user name or a password before @; write only {_FORMS}")
        if re.search(r'[^!-~]|["\\]', text):
            raise self._wrong(f'holds a character that no address has, got "{text}"')
        rest = self._take_scheme(text).rstrip("/")
        if re.search(r"[/?#]", rest):
            raise self._wrong(f'must have no path after the port, got "{text}"')
        return self._host_and_port(rest)

    def _wrong(self, message: str) -> ConfigError:
        return field_error(self._field, message)

    def _unix(self, path: str) -> _Address:
        if path.startswith("//"):
            path = path[2:]
            if not path.startswith("/"):
                raise self._wrong(f'must be unix:path or unix:///absolute/path, got "{self._text}"')
        if not path or "\0" in path:
            raise self._wrong(f'must have a path after unix:, got "{self._text}"')
        return _Address("unix:" + path, loopback=True)

    def _abstract(self, name: str) -> _Address:
        if not name or "\0" in name:
            raise self._wrong(f'must have a name after unix-abstract:, got "{self._text}"')
        return _Address("unix-abstract:" + name, loopback=True)

    def _take_scheme(self, rest: str) -> str:
        """Takes "https://" or "dns:///" off the text and notes what it means."""
        colon = rest.find(":")
        if colon >= 0 and rest.find("://") == colon:
            name, rest = rest[:colon].lower(), rest[colon + 3 :]
            self._scheme = {"http": "plain", "grpc": "plain", "https": "tls", "grpcs": "tls"}.get(name, "")
            if self._scheme:
                return rest
            if name == "dns" and rest.startswith("/"):
                return rest[1:]
            if name == "dns":
                raise self._wrong(f'must not name a DNS server; write dns:///host:port, got "{self._text}"')
            raise self._wrong(
                f'has a scheme that Vico does not know; write {_FORMS}, got "{self._text}"'
            )
        for name in ("dns:", "ipv4:", "ipv6:"):
            # "dns:50051" is a host that is called dns.
            if rest.lower().startswith(name) and ":" in rest[len(name) :]:
                self._family = {"ipv4:": "IPv4", "ipv6:": "IPv6"}.get(name, "")
                return rest[len(name) :]
        return rest

    def _host_and_port(self, text: str) -> _Address:
        # gRPC writes the brackets of ipv6: also as escapes.
        text = re.sub("%5b", "[", text, count=1, flags=re.IGNORECASE)
        text = re.sub("%5d", "]", text, count=1, flags=re.IGNORECASE)
        if "," in text:
            raise self._wrong(f'must be one address, got "{self._text}"')
        brackets = text.startswith("[")
        end = text.find("]") if brackets else text.find(":")
        if brackets and end < 0:
            raise self._wrong(f'must have a ] after the IPv6 address, got "{self._text}"')
        if not brackets and end != text.rfind(":"):
            raise self._wrong6(text)
        host = text[1:end] if brackets else text[:end] if end >= 0 else text
        colon = end + 1 if brackets else end if end >= 0 else len(text)
        if colon >= len(text) or len(text) == colon + 1:
            raise self._wrong(f'has no port; write {text[:colon]}:PORT, got "{self._text}"')
        if text[colon] != ":":
            raise self._wrong(f'must be [address]:port, got "{self._text}"')
        digits = text[colon + 1 :]
        if not re.fullmatch("[0-9]+", digits) or len(digits.lstrip("0")) > 5 or int(digits) > 65535:
            raise self._wrong(f'must have a port in 0..65535, got "{self._text}"')
        if not host:
            raise self._wrong(f'must be {_FORMS}, got "{self._text}"')
        return self._ipv6(host, int(digits)) if brackets else self._ipv4_or_name(host, int(digits))

    def _wrong6(self, text: str) -> ConfigError:
        """More than one colon without brackets."""
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            return self._wrong(f'must be {_FORMS}, with an IPv6 address in brackets, got "{self._text}"')
        return self._wrong(f'has no port; write [{text}]:PORT, got "{self._text}"')

    def _ipv6(self, host: str, port: int) -> _Address:
        try:
            # A zone names the network interface of a link-local address.
            address = ipaddress.IPv6Address(host.split("%", 1)[0])
        except ValueError:
            address = None
        if address is None or self._family == "IPv4":
            raise self._wrong(f'must have an {self._family or "IPv6"} address, got "{self._text}"')
        mapped = address.ipv4_mapped
        return _Address(
            f"[{host}]:{port}",
            self._scheme,
            loopback=address.is_loopback or (mapped is not None and mapped.packed[0] == 127),
            wildcard=address.is_unspecified or (mapped is not None and int(mapped) == 0),
        )

    def _ipv4_or_name(self, host: str, port: int) -> _Address:
        try:
            # inet_aton also reads the short forms that browsers and ping read: 127.1 is 127.0.0.1.
            packed = socket.inet_aton(host) if self._family != "IPv6" else None
        except OSError:
            packed = None
        if packed is not None:
            return _Address(
                f"{socket.inet_ntoa(packed)}:{port}",
                self._scheme,
                loopback=packed[0] == 127,
                wildcard=packed == b"\0\0\0\0",
            )
        if self._family:
            kind = "IPv6 (in brackets)" if self._family == "IPv6" else "IPv4"
            raise self._wrong(f'must have an {kind} address, got "{self._text}"')
        name = host.lower()
        name = name[:-1] if name.endswith(".") else name
        # The last part of a name is never a number.
        number = re.fullmatch("[0-9]*", name[name.rfind(".") + 1 :])
        if not re.fullmatch(r"[a-z0-9._-]*", name) or number or len(name) > 253:
            raise self._wrong(f'must have a host name or an IP address, got "{self._text}"')
        return _Address(f"{name}:{port}", self._scheme, loopback=name == "localhost")
