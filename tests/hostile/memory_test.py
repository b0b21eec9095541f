"""Traffic that makes gRPC hold memory: compressed messages, messages left unfinished, calls without a message, answers
and streams that nobody reads. While it lasts, memory stays within bounds and health answers.
Usage: memory_test.py VICO_SERVER [SECONDS]"""
import gzip
import pathlib
import struct
import subprocess
import sys
import threading
import time
import unittest
import uuid
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy"))
import fake_worker  # noqa: E402
import tools  # noqa: E402
import vico_api  # noqa: E402
from http2_peer import Peer, message, method  # noqa: E402

import grpc  # noqa: E402

SERVER_PROGRAM = sys.argv[1]
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
del sys.argv[1:]

MIB = 1 << 20
OF_A_PEER = 64 * MIB  # without a key
OF_A_TENANT = 256 * MIB
OF_THE_SERVER = 700 * MIB
MOST_SECONDS = 1.0  # of a health check
INVALID_ARGUMENT, UNIMPLEMENTED = 3, 12

UNARY = method("ModelService", "GetCapabilities")
UPLOAD = method("ConceptService", "UploadConcept")
STREAM = method("JobService", "WatchJob")
WORKER_UNARY = method("WorkerService", "Register")
WORKER_UPLOAD = method("WorkerService", "PutBlob")
HEALTH = b"/grpc.health.v1.Health/Check"


class Watcher:
    """Samples the server's memory and the time of a health check while a `with` statement lasts."""

    def __init__(self, server):
        self._pid = server.process.pid
        self._channel = grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)])
        self._over = threading.Event()
        self.slowest = 0.0
        self.failed = None

    def bytes(self, field):
        status = pathlib.Path(f"/proc/{self._pid}/status").read_text()
        line, = [line for line in status.splitlines() if line.startswith(field + ":")]
        return int(line.split()[1]) << 10

    def __enter__(self):
        assert vico_api.health(self._channel) == 1
        self._before = self.bytes("VmRSS")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self):
        while not self._over.wait(0.05) and not self.failed:
            began = time.monotonic()
            try:
                assert vico_api.health(self._channel) == 1
            except grpc.RpcError as error:
                self.failed = error
            self.slowest = max(self.slowest, time.monotonic() - began)

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._channel.close()
        self.peak = self.bytes("VmHWM")
        self.grown = self.peak - self._before


class MemoryTest(unittest.TestCase):
    def setUp(self):
        # A server that has grown once would hide that it grows again.
        self.server = vico_api.Server(SERVER_PROGRAM, "--answer-seconds", "2", "--submits-per-second", "1000",
                                      "--submit-burst", "1000").__enter__()
        self.addCleanup(self.server.__exit__)
        self.clients, self.workers = self.server.ports["client_port"], self.server.ports["worker_port"]
        self.key = self.tenant("acme")

    def tenant(self, name):
        for command in (["tenants", "create"], ["keys", "create"]):
            made = subprocess.run([SERVER_PROGRAM, *command, "--data", self.server.data, "--tenant", name], check=True,
                                  capture_output=True, text=True, timeout=60)
        key = made.stdout.strip()
        with grpc.insecure_channel(self.server.address) as channel:
            vico_api.wait_for(lambda: self.accepts(channel, key), "the server to know the key")
        return key

    def metadata(self, key):
        return [("authorization", f"Bearer {key}")]

    def accepts(self, channel, key):
        try:
            vico_api.call(channel, "ModelService", "GetCapabilities")(
                vico_api.message("GetCapabilitiesRequest"), metadata=self.metadata(key), timeout=10)
            return True
        except grpc.RpcError:
            return False

    def check(self, what, watcher, most):
        print(f"{what}: memory at most {watcher.peak / 1e6:.0f} MB, {watcher.grown / 1e6:+.1f}; slowest health check "
              f"{watcher.slowest * 1000:.0f} ms", flush=True)
        self.assertIsNone(self.server.process.poll())
        self.assertIsNone(watcher.failed)
        self.assertLess(watcher.grown, most)
        self.assertLess(watcher.peak, OF_THE_SERVER)
        self.assertLess(watcher.slowest, MOST_SECONDS)

    def send_compressed(self, port, path, packed, flag, **headers):
        with Peer(port) as peer:
            stream = peer.open(path, **headers)
            peer.write_all(stream, message(packed, flag), end=True)
            self.assertTrue(peer.wait(stream), (path, flag, headers))
            return peer.status(stream)

    def test_compressed_messages_are_not_unpacked(self):
        zeros = b"\0" * (400 * MIB)
        packed = {"gzip": gzip.compress(zeros, 6), "deflate": zlib.compress(zeros, 6)}
        del zeros
        for port, paths in ((self.clients, (UNARY, UPLOAD, STREAM)), (self.workers, (WORKER_UNARY, WORKER_UPLOAD))):
            for path in paths:
                with Watcher(self.server) as watcher:
                    for encoding, data in packed.items():
                        self.assertEqual(self.send_compressed(port, path, data, 1, grpc_encoding=encoding),
                                         UNIMPLEMENTED)
                        for lies in ({}, {"grpc_encoding": "identity"}, {"grpc_encoding": "snappy"},
                                     {"content_encoding": encoding}):
                            refused = self.send_compressed(port, path, data, 1, **lies)
                            self.assertIn(refused, (INVALID_ARGUMENT, UNIMPLEMENTED, 16), (path, encoding, lies))
                self.check(f"compressed messages to {path.decode()}", watcher, 32 * MIB)

    def hold(self, port, path, announced, connections=8, streams=100, **headers):
        """Sends all but the last bytes of one message on each stream. Connections that end are not replaced."""
        peers = [Peer(port) for _ in range(connections)]
        calls = [(peer, peer.open(path, **headers)) for peer in peers for _ in range(streams)]
        head = bytes([0]) + struct.pack(">I", announced)
        left = {call: max(announced - 16, 0) for call in calls}
        for peer, stream in calls:
            peer.write(stream, head)
        block = b"\0" * MIB
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            for peer in peers:
                peer.read()
            moved = 0
            for call in calls:
                peer, stream = call
                sent = peer.write(stream, block[:min(left[call], MIB)])
                left[call] -= sent
                moved += sent
            if moved == 0:
                time.sleep(0.02)
        for peer in peers:
            peer.close()

    def test_unfinished_messages_of_a_peer_without_a_key(self):
        for path in (UNARY, UPLOAD, HEALTH):
            for announced in (MIB, 4 * MIB, 1 << 30):
                with Watcher(self.server) as watcher:
                    self.hold(self.clients, path, announced)
                self.check(f"messages of {announced >> 20} MiB to {path.decode()}, unfinished", watcher, OF_A_PEER)

    def test_unfinished_messages_with_a_key(self):
        for path in (UNARY, UPLOAD):
            with Watcher(self.server) as watcher:
                self.hold(self.clients, path, MIB, authorization=f"Bearer {self.key}")
            self.check(f"messages of 1 MiB to {path.decode()} with a key, unfinished", watcher, OF_A_TENANT)

    def test_calls_without_a_message(self):
        with Watcher(self.server) as watcher:
            peers = [Peer(self.clients) for _ in range(60)]
            for peer in peers:
                for _ in range(100):
                    peer.open(UNARY)
            time.sleep(SECONDS)
            for peer in peers:
                peer.close()
        self.check("6000 calls without a message", watcher, OF_A_PEER)

    def test_answers_that_nobody_reads(self):
        self.fill_list()
        with Watcher(self.server) as watcher:
            self.leave_unread(method("JobService", "ListJobs"), b"\x08\x64")
        self.check("lists that nobody reads", watcher, OF_A_TENANT)

    def leave_unread(self, path, request, connections=8, streams=100):
        """Opens calls whose answers may not flow, until the server has ended all of them."""
        peers = [Peer(self.clients, window=0) for _ in range(connections)]
        calls = [(peer, peer.open(path, authorization=f"Bearer {self.key}")) for peer in peers for _ in range(streams)]
        for peer, stream in calls:
            peer.write_all(stream, message(request), end=True, seconds=1)
        until = time.monotonic() + 20
        while time.monotonic() < until and not all(stream in peer.ended or peer.closed for peer, stream in calls):
            for peer in peers:
                peer.read(0.05)
        unfinished = sum(stream not in peer.ended and not peer.closed for peer, stream in calls)
        for peer in peers:
            peer.close()
        self.assertEqual(unfinished, 0, "an answer has a time limit")

    def fill_list(self):
        """Makes a page of the list of jobs as long as a tenant can."""
        with grpc.insecure_channel(self.server.worker_address) as channel:
            fake_worker.FakeWorker(channel).register()
        with grpc.insecure_channel(self.server.address) as channel:
            create = vico_api.call(channel, "JobService", "CreateGenerationJob")
            for _ in range(100):
                request = vico_api.message("CreateGenerationJobRequest", request_id=str(uuid.uuid4()))
                request.generate.prompt = " ".join(["a"] * 70)
                request.generate.negative_prompt = " ".join(["a"] * 70)
                self.submit(create, request)
            listed = vico_api.call(channel, "JobService", "ListJobs")(
                vico_api.message("ListJobsRequest", page_size=100), metadata=self.metadata(self.key), timeout=10)
        print(f"a list of {len(listed.jobs)} jobs has {listed.ByteSize() / 1e3:.0f} kB", flush=True)

    def submit(self, create, request):
        def accepted():
            try:
                return create(request, metadata=self.metadata(self.key), timeout=10)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                return None
        vico_api.wait_for(accepted, "the rate limit")


if __name__ == "__main__":
    unittest.main()
