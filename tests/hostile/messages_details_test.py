"""Statuses as a client in another language reads them: whatever text a caller sends to any method, the status and
its details parse, and their texts are plain. Usage: messages_details_test.py VICO_SERVER"""
import itertools
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unicodedata
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy" / "support"))
import http2_floods  # noqa: E402
import tools  # noqa: E402
import vico_api  # noqa: E402

import grpc  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

SERVER_PROGRAM = sys.argv.pop(1)
# Long enough to be cut, in characters of one to four bytes, with what terminals obey.
NASTY = ["\u00f1" * 3000, "a" + "\u6a21" * 3000, "ab" + "\U0001f436" * 3000, "jobs/" + "\u00f1" * 40,
         "concepts/\x1b[2J\u202e\n", "adapters/" + "\u6a21" * 5000, "\u0085\u009b\u2066"]
CLIENTS = ("ConceptService", "JobService", "AdapterService", "ModelService", "KeyService")
WORKERS = ("WorkerService", "AdminService")
NO_BUG = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION,
          grpc.StatusCode.ABORTED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED}


def rpc_classes():
    """The message classes of google.rpc by full name."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([vico_api.PROTOC, "--include_imports", f"--descriptor_set_out={out.name}",
                        f"-I{tools.ROOT / 'proto'}", "google/rpc/status.proto", "google/rpc/error_details.proto"],
                       check=True, cwd=tools.ROOT / "proto")
        described = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    names = ("Status", "BadRequest", "ErrorInfo", "QuotaFailure", "RetryInfo")
    return {f"google.rpc.{name}": message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.rpc.{name}"))
            for name in names}


RPC = rpc_classes()


def texts_of(message):
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            if field.type == field.TYPE_STRING:
                yield each
            elif field.type == field.TYPE_MESSAGE and not field.message_type.GetOptions().map_entry:
                yield from texts_of(each)


def string_paths(described, prefix=(), depth=3):
    """The paths of the strings of a message type that is not too deep."""
    for field in described.fields:
        if field.is_repeated:
            continue
        if field.type == field.TYPE_STRING:
            yield (*prefix, field.name)
        elif field.type == field.TYPE_MESSAGE and depth > 0:
            yield from string_paths(field.message_type, (*prefix, field.name), depth - 1)


class MessagesDetailsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = vico_api.Server(SERVER_PROGRAM, "--drain-notice-seconds", "0", "--submits-per-second", "1000")
        cls.server.__enter__()
        cls.channels = {service: grpc.insecure_channel(address)
                        for names, address in ((CLIENTS, cls.server.address), (WORKERS, cls.server.worker_address))
                        for service in names}

    @classmethod
    def tearDownClass(cls):
        for channel in cls.channels.values():
            channel.close()
        cls.server.__exit__(None, None, None)

    def check(self, error, what):
        self.assertTrue(error.details(), what)
        found = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        texts = [error.details()]
        if found is not None:
            status = RPC["google.rpc.Status"].FromString(found)
            self.assertEqual(status.code, error.code().value[0], what)
            self.assertEqual(status.message, error.details(), what)
            for detail in status.details:
                self.assertIsInstance(detail.type_url, str)
                name = detail.type_url.rpartition("/")[2]
                texts += texts_of(RPC[name].FromString(detail.value))
        for text in texts:
            bad = [c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in "\u202e\u2066"]
            self.assertFalse(bad, f"{what}: {text!r}")
            self.assertLessEqual(len(text.encode()), 1024, what)

    def test_every_string_of_every_method(self):
        refused = 0
        for service in CLIENTS + WORKERS:
            for method in vico_api._pool().FindServiceByName(f"vico.v1.{service}").methods:
                call = vico_api.call(self.channels[service], service, method.name)
                for path, nasty in itertools.product(string_paths(method.input_type), NASTY):
                    request = vico_api.message(method.input_type.name)
                    inner = request
                    for name in path[:-1]:
                        inner = getattr(inner, name)
                    setattr(inner, path[-1], nasty)
                    what = f"{method.name} {'.'.join(path)}"
                    try:
                        answer = call(iter([request]) if method.client_streaming else request, timeout=20)
                        if method.server_streaming:
                            list(answer)
                    except grpc.RpcError as error:
                        refused += 1
                        self.assertIn(error.code(), NO_BUG, f"{what}: {error.details()}")
                        self.check(error, what)
        print(f"{refused} statuses parse and are plain", flush=True)
        self.assertGreater(refused, 200)


    def test_text_that_is_not_utf8_is_answered_and_not_logged(self):
        for service, method in (("JobService", "GetJob"), ("ConceptService", "DeleteConcept"),
                                ("WorkerService", "Lease")):
            call = self.channels[service].unary_unary(f"/vico.v1.{service}/{method}")
            with self.assertRaises(grpc.RpcError) as raised:
                call(b"\x0a\x04caf\xe9", timeout=20)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn("UTF-8", raised.exception.details())
            self.check(raised.exception, method)
        for line in pathlib.Path(self.server.log).read_text().splitlines():
            self.assertIn("time", json.loads(line))


class CutRequestTest(unittest.TestCase):
    """An upload whose stream ends inside a message, in the bytes of HTTP/2."""

    def send(self, server, *messages, rest=b""):
        """Sends whole messages and the rest of a stream, and waits until the server has ended the call."""
        data = b"".join(b"\0" + struct.pack(">I", len(each)) + each for each in messages) + rest
        with http2_floods.connect(server.ports["client_port"], None) as connection:
            connection.sendall(http2_floods.START + http2_floods.SETTINGS_ACK +
                               http2_floods.open_call(1, http2_floods.call(b"/vico.v1.ConceptService/UploadConcept")) +
                               http2_floods.frame(http2_floods.DATA, http2_floods.END_STREAM, 1, data))
            connection.settimeout(20)
            got = b""
            while b"grpc-status" not in got:
                try:
                    more = connection.recv(1 << 16)
                except ConnectionResetError:
                    break
                if not more:
                    break
                got += more

    def concepts(self, server):
        """Their number. A peer that has sent a cut request may be refused for some seconds."""
        def count():
            with grpc.insecure_channel(server.address) as channel:
                try:
                    answer = vico_api.call(channel, "ConceptService", "ListConcepts")(
                        vico_api.message("ListConceptsRequest"), timeout=5)
                    return [len(answer.concepts)]
                except grpc.RpcError:
                    return None
        return vico_api.wait_for(count, "an answer to ListConcepts")[0]

    def test_it_makes_no_concept(self):
        with vico_api.Server(SERVER_PROGRAM, "--drain-notice-seconds", "0") as server:
            pictures = [vico_api.noise_png(64, 64, seed) for seed in (1, 2)]
            with grpc.insecure_channel(server.address) as channel:
                vico_api.call(channel, "ConceptService", "UploadConcept")(vico_api.upload_parts(pictures), timeout=60)
            self.send(server, next(vico_api.upload_parts(pictures)).SerializeToString())
            self.assertEqual(self.concepts(server), 2, "the header alone is a whole upload")
            for rest in (b"\0", b"\0\0\0\0", struct.pack(">BI", 0, 100), struct.pack(">BI", 0, 100) + b"x" * 99):
                self.send(server, next(vico_api.upload_parts(pictures)).SerializeToString(), rest=rest)
                self.assertEqual(self.concepts(server), 2, rest)


if __name__ == "__main__":
    unittest.main()
