"""Options and credentials of gRPC channels, and what gRPC's errors mean."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from vico import errors
from vico._google.rpc import status_pb2
from vico.address import Peer
from vico.settings import Settings

OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", 8 << 20),
    ("grpc.max_send_message_length", 4 << 20),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.enable_http_proxy", 0),
    # The client repeats calls itself. gRPC's own retry of a call that meets the end of a connection now
    # and then never ends: seen with 1.54 and 1.66.
    ("grpc.enable_retries", 0),
]

_DETAILS = "grpc-status-details-bin"


def credentials(settings: Settings) -> grpc.ChannelCredentials | None:
    """None for a connection without TLS."""
    if not settings.peer.tls:
        return None
    certificate, key = settings.certificate or (None, None)
    return grpc.ssl_channel_credentials(settings.ca_pem or _system_authorities(), key, certificate)


def _system_authorities() -> bytes | None:
    """The CAs of the system in PEM; None, which is gRPC's own list, if it has none."""
    context = ssl.create_default_context()
    pem = [ssl.DER_cert_to_PEM_cert(der) for der in context.get_ca_certs(binary_form=True)]
    return "".join(pem).encode() or None


def metadata(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The metadata of each call: the API key."""
    return (("authorization", f"Bearer {settings.key}"),) if settings.key else ()


def from_rpc(error: grpc.RpcError, settings: Settings) -> errors.VicoError:
    """The exception for an error of a call."""
    call: Any = error  # a grpc.Call, or grpc.aio.AioRpcError
    number: int = call.code().value[0]
    status = status_pb2.Status(code=number, message=call.details() or "")
    for key, value in _pairs(call.trailing_metadata()):
        if key == _DETAILS:
            status = _with_details(status, value)
    answered = len(status.details) > 0
    translated = errors.from_status(status)
    if answered:
        return translated  # the server's own words
    _explain(translated, settings)
    return translated


def _pairs(trailers: Any) -> Iterable[tuple[str, Any]]:
    for pair in trailers or ():
        yield pair[0], pair[1]


def _with_details(status: status_pb2.Status, data: bytes) -> status_pb2.Status:
    """Drops details that do not parse or that contradict the code."""
    try:
        detailed = status_pb2.Status.FromString(data)
    except DecodeError:
        return status
    if detailed.code != status.code:
        return status
    detailed.message = status.message
    return detailed


def _explain(error: errors.VicoError, settings: Settings) -> None:
    """Replaces gRPC's text about a connection by one for people, and says what to do. The texts that it
    looks for are those of common/rpc/channel.cc."""
    peer, text = settings.peer, error.message
    http = text.partition("Received http2 header with status: ")[2]
    if http:
        error.message = (
            f"{peer.address} answers as a web server or a proxy (HTTP status {http}), not as a server of "
            "Vico"
        )
        error.hint = _address_hint(settings)
        return
    if isinstance(error, errors.DeadlineExceeded):
        error.message = f"no answer from {peer.address} in time"
        error.hint = _address_hint(settings)
        return
    if not isinstance(error, errors.Unavailable):
        return
    sentence = _sentence(text, peer)
    if sentence:
        error.message = sentence
    elif "onnect" in text or "DNS" in text or "resol" in text:
        errors.out_of_reach(error)
        cause = text.rpartition(": ")[2]
        error.message = f"cannot connect to {peer.address}: {cause}"
    else:
        error.message = f"the connection to {peer.address} is lost: {text}"
    error.hint = _address_hint(settings)


def _address_hint(settings: Settings) -> str:
    return f"Does the server run there? The address comes from {settings.source}"


def _sentence(text: str, peer: Peer) -> str:
    """A sentence for what gRPC's text tells about a connection; empty if it tells nothing special."""
    if "wrong version number" in text or "WRONG_VERSION_NUMBER" in text:
        return (
            f"{peer.address} does not use TLS, and this program does; a server on this machine without TLS "
            "is http://127.0.0.1:PORT without a CA"
        )
    if any(t in text for t in ("certificate verify failed", "asn1 encoding", "CERTIFICATE_VERIFY_FAILED")):
        return (
            f"the certificate of {peer.address} is not signed by a CA that this program trusts; ca= names "
            "the file of its CA"
        )
    if "Hostname Verification Check failed" in text or "Peer name" in text:
        return f"the certificate of {peer.address} is for another name; connect to a name in it"
    if any(t in text for t in ("certificate required", "CERTIFICATE_REQUIRED", "bad certificate")):
        return f"{peer.address} requires a certificate of this program, or does not accept it"
    if "Failed parsing HTTP/2" in text or "http1.x server" in text or "http1 server" in text:
        return f"{peer.address} is a web server of another kind, not a server of Vico"
    closed = "Socket closed" in text or "Connection reset by peer" in text
    if closed and "failed to connect to all addresses" in text:
        may = (
            "not use TLS; a server on this machine without TLS is http://127.0.0.1:PORT without a CA"
            if peer.tls
            else "require TLS; write https://HOST:PORT, and ca= with the file of its CA"
        )
        return f"{peer.address} closes the connection: it may {may}"
    return ""
