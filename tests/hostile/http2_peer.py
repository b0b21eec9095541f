"""A client of HTTP/2 that a test controls byte by byte: it sends within the windows that the server grants, and reads
its answers only when asked."""
import re
import socket
import struct
import time

import http2_floods as http2
from http2_floods import ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST, SETTINGS, WINDOW

FRAME_BYTES = 16384
RECEIVED_BYTES = 64 << 10  # what the kernel keeps for a peer that does not read


def message(payload, flag=0):
    return bytes([flag]) + struct.pack(">I", len(payload)) + payload


def method(service, name):
    return f"/vico.v1.{service}/{name}".encode()


class Peer:
    """One connection. `window`: what the server may send on a stream at first; the peer never grants more. `of_all`:
    what it may send besides on all streams. `source`: the peer's own address."""

    def __init__(self, port, window=65535, of_all=0, source="127.0.0.1"):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        self.socket.settimeout(10)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.closed = False
        self._unread = b""
        self._stream = -1
        self._first_window = self._window = 65535
        self._windows = {}
        self.answers = {}  # by stream: what its headers and trailers contain
        self.ended = set()
        self._send(http2.PREFACE + http2.frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)) + http2.SETTINGS_ACK)
        if of_all:
            self._send(http2.frame(WINDOW, 0, 0, struct.pack(">I", of_all)))
        self.read(0.2)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, path, **headers):
        """Begins a call and returns its stream."""
        self._stream += 2
        block = http2.call(path) + b"".join(
            http2.literal(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        self._windows[self._stream] = self._first_window
        self._send(http2.frame(HEADERS, END_HEADERS, self._stream, block))
        return self._stream

    def write(self, stream, data, end=False):
        """Sends as much as the windows allow; returns how much."""
        sent = 0
        while sent < len(data) and stream not in self.ended and not self.closed:
            size = min(self._window, self._windows[stream], FRAME_BYTES, len(data) - sent)
            if size <= 0:
                break
            last = end and sent + size == len(data)
            self._send(http2.frame(DATA, END_STREAM if last else 0, stream, data[sent:sent + size]))
            self._window -= size
            self._windows[stream] -= size
            sent += size
        return sent

    def write_all(self, stream, data, end=False, seconds=5):
        """Sends all of it, unless the server ends the call before or the time is over."""
        until = time.monotonic() + seconds
        sent = 0
        while sent < len(data) and stream not in self.ended and not self.closed and time.monotonic() < until:
            sent += self.write(stream, data[sent:], end)
            self.read(0.01)
        return sent

    def wait(self, stream, seconds=5):
        """Whether the server ends the call in this time."""
        until = time.monotonic() + seconds
        while stream not in self.ended and not self.closed and time.monotonic() < until:
            self.read(0.02)
        return stream in self.ended

    def status(self, stream):
        """The number of the call's gRPC status, or None. The server encodes it without Huffman's code."""
        found = re.search(rb"grpc-status[\x01\x02](\d+)", self.answers.get(stream, b""))
        return int(found[1]) if found else None

    def read(self, seconds=0.0):
        """Reads what is there, or what comes first within `seconds`."""
        self.socket.settimeout(max(seconds, 0.0001))
        try:
            while not self.closed:
                received = self.socket.recv(1 << 20)
                self.closed = not received
                self._unread += received
                self.socket.settimeout(0.0001)
        except (TimeoutError, BlockingIOError):
            pass
        except OSError:
            self.closed = True
        while len(self._unread) >= 9:
            size = int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < 9 + size:
                break
            kind, flags, stream = struct.unpack(">BBI", self._unread[3:9])
            payload, self._unread = self._unread[9:9 + size], self._unread[9 + size:]
            self._take(kind, flags, stream, payload)

    def _take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for number, value in struct.iter_unpack(">HI", payload):
                if number == 4:
                    self._windows = {s: left + value - self._first_window for s, left in self._windows.items()}
                    self._first_window = value
            self._send(http2.SETTINGS_ACK)
        elif kind == PING and not flags & ACK:
            self._send(http2.frame(PING, ACK, 0, payload))
        elif kind == WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == WINDOW and stream in self._windows:
            self._windows[stream] += int.from_bytes(payload, "big")
        elif kind == HEADERS:
            self.answers[stream] = self.answers.get(stream, b"") + payload
        elif kind == GOAWAY:
            self.closed = True
        if kind == RST or (kind in (HEADERS, DATA) and flags & END_STREAM):
            self.ended.add(stream)

    def _send(self, data):
        try:
            self.socket.settimeout(10)
            self.socket.sendall(data)
        except OSError:
            self.closed = True
