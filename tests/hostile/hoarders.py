"""Peers that make the server hold memory, each in another way, until they are closed. A function returns the peers;
`source` is their address."""
import struct
import time

from http2_peer import Peer, message, method

MIB = 1 << 20
WIDE_OPEN = (1 << 31) - (1 << 16)  # a window that no answer here fills
STREAMS = 100  # of a connection; the server takes no more
UPLOAD = method("ConceptService", "UploadConcept")


def close(peers):
    for peer in peers:
        peer.close()


def _ask(port, source, path, request, calls, streams=STREAMS, window=0, of_all=0, **headers):
    """Calls whose answers may flow as far as the windows allow. Nothing is read."""
    peers = []
    for at in range(0, calls, streams):
        peer = Peer(port, window, of_all, source)
        peers.append(peer)
        opened = [peer.open(path, **headers) for _ in range(min(streams, calls - at))]
        for stream in opened:
            peer.write(stream, message(request.SerializeToString()), end=True)
    return peers


def unread(port, source, path, request, calls, key):
    """Answers that the windows of HTTP/2 do not let through."""
    return _ask(port, source, path, request, calls, authorization=f"Bearer {key}")


def stuck(port, source, path, request, calls, key):
    """Answers that the windows of HTTP/2 let through, on connections from which the peer reads no byte."""
    return _ask(port, source, path, request, calls, window=WIDE_OPEN, of_all=WIDE_OPEN, authorization=f"Bearer {key}")


def unread_stream(port, source, path, request, calls, key, first_bytes=4096):
    """Streams of which only the first bytes may flow."""
    return _ask(port, source, path, request, calls, 12, window=first_bytes, authorization=f"Bearer {key}")


def calls_without_message(port, path, source="127.0.0.1", connections=60):
    peers = [Peer(port, source=source) for _ in range(connections)]
    for peer in peers:
        for _ in range(STREAMS):
            peer.open(path)
    return peers


def send_as_allowed(left, seconds):
    """Sends bytes on all the calls of `left`, by (peer, stream), as fast as the windows allow, until all is sent or
    nothing moves for as long as `seconds`. Returns whether all is sent."""
    moved_at = time.monotonic()
    while time.monotonic() < moved_at + seconds:
        for peer in {peer for peer, _ in left}:
            peer.read()
        for (peer, stream), data in list(left.items()):
            sent = peer.write(stream, data[:MIB])
            if sent:
                moved_at = time.monotonic()
                left[peer, stream] = data[sent:]
            if sent == len(data) or stream in peer.ended or peer.closed:
                del left[peer, stream]
        if not left:
            return True
        time.sleep(0.005)
    return False


def unfinished_messages(port, path, announced, source="127.0.0.1", connections=8, seconds=0.3, **headers):
    """All but the last bytes of a message on each stream. Connections that the server ends are not replaced."""
    peers = [Peer(port, source=source) for _ in range(connections)]
    zeros = memoryview(bytes([0]) + struct.pack(">I", announced) + bytes(max(announced - 16, 0)))
    send_as_allowed({(peer, peer.open(path, **headers)): zeros for peer in peers for _ in range(STREAMS)}, seconds)
    return peers


def unfinished_uploads(port, source, key, uploads, header, chunks):
    """Uploads whose last byte is missing. `header` makes the first message of one, `chunks` are the others."""
    rest = memoryview(b"".join(message(chunk.SerializeToString()) for chunk in chunks))[:-1]
    peers = []
    left = {}
    for at in range(0, uploads, 4):
        peer = Peer(port, source=source)
        peers.append(peer)
        for _ in range(min(4, uploads - at)):
            stream = peer.open(UPLOAD, authorization=f"Bearer {key}")
            peer.write_all(stream, message(header().SerializeToString()))
            left[peer, stream] = rest
    send_as_allowed(left, 3)
    return peers
