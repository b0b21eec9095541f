"""The studio for tests: on a real port, over a stand-in for the Vico server that knows calls but no messages."""
import asyncio
import contextlib
import http.client
import pathlib
import sys
import threading

import grpc
import grpc.aio
import uvicorn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from vico_web import app, rules  # noqa: E402
from vico_web.static_files import File  # noqa: E402

PAGE = {"/index.html": File("text/html", '"page"', False, b"<!doctype html><title>page</title>", None),
        "/assets/a-1.js": File("text/javascript", '"script"', True, b"1", None)}


def frame(data, flag=0):
    return bytes([flag]) + len(data).to_bytes(4, "big") + data


def frames_of(body):
    """The frames of a body as (flag, data)."""
    found, at = [], 0
    while at < len(body):
        size = int.from_bytes(body[at + 1:at + 5], "big")
        found.append((body[at], body[at + 5:at + 5 + size]))
        at += 5 + size
    return found


class Upstream:
    """Serves every method. `answer(method, requests, context)` is an async generator of bytes."""

    def __init__(self):
        self.calls = []  # (method, metadata, requests)
        self.ended = []  # methods whose call the other side ended
        self.answer = self._echo

    async def _echo(self, method, requests, context):
        yield b"".join(requests) or b"empty"

    def service(self, details):
        method = details.method.removeprefix("/")
        metadata = dict(details.invocation_metadata)

        async def handle(requests, context):
            received = [one async for one in requests]
            self.calls.append((method, metadata, received))
            try:
                async for one in self.answer(method, received, context):
                    yield one
            except asyncio.CancelledError:
                self.ended.append(method)
                raise

        return grpc.stream_stream_rpc_method_handler(handle)


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, upstream):
        self._upstream = upstream

    def service(self, details):
        return self._upstream.service(details)


@contextlib.contextmanager
def running(upstream, **options):
    """Runs both in an event loop of their own. Yields the port of the studio."""
    ready = threading.Event()
    state = {}

    async def serve():
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_Handlers(upstream),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        names = frozenset(("studio.test", "127.0.0.1"))
        site = options.pop("site", rules.Site(names, frozenset(f"http://{name}" for name in names)))
        studio = app.build(lambda: grpc.aio.insecure_channel(f"127.0.0.1:{port}"), site, PAGE, **options)
        web = uvicorn.Server(uvicorn.Config(studio, host="127.0.0.1", port=0, log_config=None, access_log=False,
                                            timeout_graceful_shutdown=1))
        state.update(web=web, loop=asyncio.get_running_loop())
        task = asyncio.ensure_future(web.serve())
        while not web.started:
            await asyncio.sleep(0.01)
        state["port"] = web.servers[0].sockets[0].getsockname()[1]
        ready.set()
        await task
        await server.stop(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10), "the studio did not start"
    try:
        yield state["port"]
    finally:
        state["web"].should_exit = True
        thread.join(10)


SAFE = {"host": "studio.test", "origin": "http://studio.test", "sec-fetch-site": "same-origin",
        "content-type": "application/grpc-web+proto"}


def request(port, method, path, body=b"", **changes):
    """Sends a request as the page would, with changed headers; None leaves one out. Names have _ for -."""
    headers = SAFE | {name.replace("_", "-"): value for name, value in changes.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body or None,
                       {name: value for name, value in headers.items() if value is not None})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data
