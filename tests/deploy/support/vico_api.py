"""Vico's API for the deployment tests: messages and stubs built from proto/ at run time, without generated code."""
import functools
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import time
import uuid
import zlib

import tools

PROTOC, = tools.need("protoc")
tools.need_modules("grpc", "google.protobuf")

import grpc  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402


@functools.cache
def _pool():
    files = sorted(str(p.relative_to(tools.ROOT / "proto")) for p in (tools.ROOT / "proto/vico/v1").glob("*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([PROTOC, "--include_imports", f"--descriptor_set_out={out.name}",
                        f"-I{tools.ROOT / 'proto'}", *files], check=True, cwd=tools.ROOT / "proto")
        described = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    return pool


def message(kind, /, **fields):
    """A message of package vico.v1."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"vico.v1.{kind}"))(**fields)


def call(channel, service, method):
    """The callable of a method, unary or streaming."""
    described = _pool().FindServiceByName(f"vico.v1.{service}").FindMethodByName(method)
    request, answer = (message_factory.GetMessageClass(kind)
                       for kind in (described.input_type, described.output_type))
    kind = ("stream" if described.client_streaming else "unary",
            "stream" if described.server_streaming else "unary")
    return getattr(channel, "_".join(kind))(f"/vico.v1.{service}/{method}",
                                            request_serializer=request.SerializeToString,
                                            response_deserializer=answer.FromString)


def health(channel, service=""):
    """The status of a service from grpc.health.v1 as a number; 1 is SERVING."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    stub = health_pb2_grpc.HealthStub(channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status


def noise_png(width, height, seed):
    """A PNG with incompressible content: about 3 bytes per pixel."""
    rows = b"".join(b"\0" + hashlib.shake_128(f"{seed}:{y}".encode()).digest(3 * width) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


def upload_parts(pictures, chunk_bytes=1 << 20):
    """The messages of one UploadConcept."""
    header = message("UploadConceptRequest")
    header.header.request_id = str(uuid.uuid4())
    for i, picture in enumerate(pictures):
        header.header.pictures.add(sha256=hashlib.sha256(picture).hexdigest(), size_bytes=len(picture),
                                   file_name=f"{i}.png")
    yield header
    for i, picture in enumerate(pictures):
        for at in range(0, len(picture), chunk_bytes):
            part = message("UploadConceptRequest")
            part.chunk.picture_index = i
            part.chunk.data = picture[at:at + chunk_bytes]
            yield part


class Server:
    """A vico-server process with its own data folder; stops at the end of the `with` statement."""

    def __init__(self, program, *flags, clients="127.0.0.1:0"):
        self._folder = tempfile.TemporaryDirectory(prefix="vico-deploy.")
        self.folder = self._folder.name
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "server.log")
        self._command = [program, "--data", self.data, "--listen", clients, "--worker-listen", "127.0.0.1:0",
                         *flags]

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        ports = pathlib.Path(self.data, "ports.json")
        self.ports = json.loads(wait_for(lambda: ports.exists() and ports.read_text(),
                                         "the server to listen", alive=self.process))
        return self

    def __exit__(self, *_):
        stop(self.process)
        self._folder.cleanup()

    @property
    def address(self):
        return f"127.0.0.1:{self.ports['client_port']}"

    @property
    def worker_address(self):
        return f"127.0.0.1:{self.ports['worker_port']}"


def stop(process, seconds=60):
    """Sends SIGTERM, and SIGKILL after `seconds`. Returns the exit status."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def wait_for(holds, what, seconds=30, alive=None):
    """Polls `holds()` and returns its first true value. Fails after `seconds`, or when the process `alive` ends."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert alive is None or alive.poll() is None, f"a program ended while waiting for {what}"
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
