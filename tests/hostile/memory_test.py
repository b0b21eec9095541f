"""Traffic that makes gRPC hold memory: compressed messages, messages left unfinished, calls without a message, answers
and streams that nobody reads. While it lasts, memory stays within bounds and health answers.
Usage: memory_test.py VICO_SERVER [SECONDS]; less than a second: briefly"""
import gzip
import time
import unittest
import uuid
import zlib

from server_memory import MIB, OF_A_PEER, OF_A_TENANT, SECONDS, MemoryTestCase, Server, Watcher, vico_api, with_key

import fake_worker
import grpc
import hoarders
from http2_peer import Peer, message, method

INVALID_ARGUMENT, UNIMPLEMENTED = 3, 12
BRIEF = SECONDS < 1  # fewer connections and cases

UNARY = method("ModelService", "GetCapabilities")
UPLOAD = method("ConceptService", "UploadConcept")
STREAM = method("JobService", "WatchJob")
WORKER_UNARY = method("WorkerService", "Register")
WORKER_UPLOAD = method("WorkerService", "PutBlob")
HEALTH = b"/grpc.health.v1.Health/Check"


class MemoryTest(MemoryTestCase):
    def setUp(self):
        # A server that has grown once would hide that it grows again.
        self.server = Server("--answer-seconds", "2").__enter__()
        self.addCleanup(self.server.__exit__)
        self.clients, self.workers = self.server.ports["client_port"], self.server.ports["worker_port"]
        self.key = self.server.tenant("acme")

    def send_compressed(self, port, path, packed, flag, **headers):
        with Peer(port) as peer:
            stream = peer.open(path, **headers)
            peer.write_all(stream, message(packed, flag), end=True)
            self.assertTrue(peer.wait(stream), (path, flag, headers))
            return peer.status(stream)

    def test_compressed_messages_are_not_unpacked(self):
        zeros = b"\0" * ((100 if BRIEF else 400) * MIB)
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

    def hold(self, path, announced, **headers):
        hoarders.close(hoarders.unfinished_messages(self.clients, path, announced, connections=2 if BRIEF else 8,
                                                    seconds=SECONDS, **headers))

    def test_unfinished_messages_of_a_peer_without_a_key(self):
        for path in (UNARY, UPLOAD) if BRIEF else (UNARY, UPLOAD, HEALTH):
            for announced in (MIB, 1 << 30) if BRIEF else (MIB, 4 * MIB, 1 << 30):
                with Watcher(self.server) as watcher:
                    self.hold(path, announced)
                self.check(f"messages of {announced >> 20} MiB to {path.decode()}, unfinished", watcher, OF_A_PEER)

    def test_unfinished_messages_with_a_key(self):
        for path in (UNARY, UPLOAD):
            with Watcher(self.server) as watcher:
                self.hold(path, MIB, authorization=f"Bearer {self.key}")
            self.check(f"messages of 1 MiB to {path.decode()} with a key, unfinished", watcher, OF_A_TENANT)

    def test_calls_without_a_message(self):
        with Watcher(self.server) as watcher:
            peers = hoarders.calls_without_message(self.clients, UNARY)
            time.sleep(SECONDS)
            hoarders.close(peers)
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
                vico_api.message("ListJobsRequest", page_size=100), metadata=with_key(self.key), timeout=10)
        print(f"a list of {len(listed.jobs)} jobs has {listed.ByteSize() / 1e3:.0f} kB", flush=True)

    def submit(self, create, request):
        def accepted():
            try:
                return create(request, metadata=with_key(self.key), timeout=10)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                return None
        vico_api.wait_for(accepted, "the rate limit")


if __name__ == "__main__":
    unittest.main()
