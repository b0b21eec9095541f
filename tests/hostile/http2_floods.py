"""Floods of HTTP/2 frames, written byte by byte. A module of http2_flood_test.py, which also runs it as a program:
http2_floods.py NAME PORT SECONDS CONNECTIONS [CA_FILE]"""
import itertools
import json
import select
import socket
import ssl
import struct
import sys
import threading
import time

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CHUNK = 64 << 10  # bytes of one write, about


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def number(value, prefix_bits, first=0):
    """An integer of HPACK (RFC 7541, 5.1)."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    out = [first | most]
    value -= most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def text(value):
    return number(len(value), 7) + value


def literal(name, value, indexed=False):
    return (b"\x40" if indexed else b"\0") + text(name) + text(value)


def call(path=b"/grpc.health.v1.Health/Check"):
    """The headers of a call. 0x83, 0x86: POST and http."""
    return (b"\x83\x86" + literal(b":path", path) + literal(b":authority", b"localhost") +
            literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers"))


CALL = call()
UPLOAD = call(b"/vico.v1.ConceptService/UploadConcept")
MESSAGE = b"\0" + struct.pack(">I", 4 << 20)  # the head of a message of 4 MiB
START = PREFACE + frame(SETTINGS)
SETTINGS_ACK = frame(SETTINGS, ACK)


def repeated(one, first=b""):
    """`first`, then the same bytes for ever."""
    chunk = one * max(1, CHUNK // len(one))
    return itertools.chain([START + SETTINGS_ACK + first], itertools.repeat(chunk))


def with_streams(of_stream, first=START + SETTINGS_ACK, at_once=512):
    """What `of_stream` makes of each number that a client may give a stream, so many in a write."""
    yield first
    numbers = itertools.count(1, 2)
    while True:
        yield b"".join(of_stream(n) for n in itertools.islice(numbers, at_once))


def open_call(stream, headers=CALL, flags=END_HEADERS):
    return frame(HEADERS, flags, stream, headers)


def hpack_bomb():
    """An entry of 4 kB in the table, and calls that name it thousands of times."""
    first = frame(HEADERS, END_HEADERS | END_STREAM, 1, CALL + literal(b"x-bomb", b"b" * 3900, indexed=True))
    bomb = CALL + b"\xbe" * 15000
    return with_streams(lambda n: frame(HEADERS, END_HEADERS | END_STREAM, n + 2, bomb), START + SETTINGS_ACK + first,
                        at_once=16)


def long_headers():
    """Calls with a megabyte of metadata each, in frames of the greatest size."""
    part = literal(b"x-long", b"l" * 16000)

    def of_stream(n):
        return (frame(HEADERS, 0, n, CALL) + frame(CONTINUATION, 0, n, part) * 63 +
                frame(CONTINUATION, END_HEADERS, n, part))
    return with_streams(of_stream, at_once=1)


PARTS_OF_UPLOAD = frame(DATA, 0, 1, MESSAGE)
# Name: the bytes that a connection sends, chunk by chunk, for as long as it likes.
FLOODS = {
    "continuation": lambda: repeated(frame(CONTINUATION, 0, 1, literal(b"x-long", b"l" * 16000)), open_call(1, CALL, 0)),
    "empty_continuation": lambda: repeated(frame(CONTINUATION, 0, 1), open_call(1, CALL, 0)),
    "long_headers": long_headers,
    "hpack_bomb": hpack_bomb,
    "rapid_reset": lambda: with_streams(lambda n: open_call(n) + frame(RST, 0, n, struct.pack(">I", 8))),
    "made_you_reset": lambda: with_streams(lambda n: open_call(n) + frame(WINDOW, 0, n, struct.pack(">I", 0))),
    "reset_after_data": lambda: with_streams(
        lambda n: open_call(n, UPLOAD) + frame(DATA, 0, n, MESSAGE + b"x" * 1024) + frame(RST, 0, n, struct.pack(">I", 8))),
    "bad_calls": lambda: with_streams(lambda n: frame(HEADERS, END_HEADERS | END_STREAM, n, b"\x82\x84")),
    "streams_past_the_limit": lambda: with_streams(lambda n: open_call(n)),
    "settings_never_acknowledged": lambda: with_streams(lambda n: open_call(n, UPLOAD), START),
    "ping": lambda: repeated(frame(PING, 0, 0, b"12345678")),
    "ping_answers_unread": lambda: repeated(frame(PING, 0, 0, b"12345678")),
    "ping_acks": lambda: repeated(frame(PING, ACK, 0, b"12345678")),
    "settings": lambda: repeated(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535) + struct.pack(">HI", 4, 70000))),
    "settings_answers_unread": lambda: repeated(frame(SETTINGS)),
    "settings_acks": lambda: repeated(SETTINGS_ACK),
    "priority": lambda: repeated(frame(PRIORITY, 0, 1, struct.pack(">IB", 3, 7)), open_call(1)),
    "empty_data": lambda: repeated(frame(DATA, 0, 1), open_call(1, UPLOAD)),
    "data_of_one_byte": lambda: repeated(frame(DATA, 0, 1, b"x"), open_call(1, UPLOAD) + PARTS_OF_UPLOAD),
    "data_beyond_the_window": lambda: repeated(frame(DATA, 0, 1, b"x" * 16384), open_call(1, UPLOAD) + PARTS_OF_UPLOAD),
    "data_of_no_stream": lambda: repeated(frame(DATA, 0, 99, b"x")),
    "window_update_of_1": lambda: repeated(frame(WINDOW, 0, 0, struct.pack(">I", 1))),
    "window_update_of_a_stream": lambda: repeated(frame(WINDOW, 0, 1, struct.pack(">I", 1)), open_call(1, UPLOAD)),
    "headers_of_one_stream": lambda: repeated(open_call(1, b""), open_call(1)),
    "unknown_frames": lambda: repeated(frame(77, 0, 0, b"?" * 16)),
    "goaway": lambda: repeated(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0))),
    "push_promise": lambda: repeated(frame(PUSH, END_HEADERS, 1, struct.pack(">I", 2) + CALL), open_call(1)),
    "half_a_preface": lambda: iter([PREFACE[:12]]),
    "garbage": lambda: itertools.repeat(b"\xff\xff\xff\x00" * 4096),
}
# These never read, so that the server's answers pile up.
UNREAD = {"ping_answers_unread", "settings_answers_unread", "bad_calls", "made_you_reset", "hpack_bomb"}


def connect(port, ca):
    plain = socket.create_connection(("127.0.0.1", port), 10)
    if not ca:
        return plain
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(plain, server_hostname="localhost")


def flood_once(name, port, ca, until, counts):
    """Floods one connection until the server closes it or the time is over."""
    with connect(port, ca) as connection:
        connection.setblocking(False)
        chunks = FLOODS[name]()
        rest = b""
        while time.monotonic() < until:
            try:
                if name not in UNREAD and not connection.recv(65536):
                    return
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            rest = rest or next(chunks, b"")
            if not rest:  # nothing more to send; the server has to close it
                select.select([connection], [], [], 0.2)
                continue
            try:
                sent = connection.send(rest)
                counts["bytes"] += sent
                rest = rest[sent:]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                select.select([connection], [connection], [], 0.1)


def flood(name, port, seconds, connections, ca=None):
    """Floods with several connections at a time; a connection that the server closes is replaced. Returns counts."""
    until = time.monotonic() + seconds
    counts = {"bytes": 0, "connections": 0}

    def one():
        while time.monotonic() < until:
            counts["connections"] += 1
            try:
                flood_once(name, port, ca, until, counts)
            except OSError:
                pass  # the server closed it
    threads = [threading.Thread(target=one) for _ in range(connections)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return counts


if __name__ == "__main__":
    print(json.dumps(flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:6])))
