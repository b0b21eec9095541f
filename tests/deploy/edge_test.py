"""A proxy with its profile in front of a server: all four kinds of call, 64 MiB of pictures, slow peers, peers that
exceed their limits, and invalid requests. Usage: edge_test.py VICO_SERVER nginx|haproxy"""
import importlib
import socket
import ssl
import sys
import threading
import time
import unittest

import fake_worker
import proxies
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM, PROXY = sys.argv[1:3]
del sys.argv[1:3]
profile = importlib.import_module(f"{PROXY}_edge")
MIB = 1 << 20


def setUpModule():
    global server, edge
    server = vico_api.Server(SERVER_PROGRAM).__enter__()
    edge = profile.Edge(server.address).__enter__()


def tearDownModule():
    edge.__exit__()
    server.__exit__()


class EdgeTest(unittest.TestCase):
    def setUp(self):
        self.channel = edge.channel()
        self.addCleanup(self.channel.close)

    def assertCode(self, code, act):
        with self.assertRaises(grpc.RpcError) as raised:
            act()
        self.assertEqual(raised.exception.code(), code, raised.exception.details())
        return raised.exception

    def upload(self, pictures, **options):
        return call(self.channel, "ConceptService", "UploadConcept")(
            vico_api.upload_parts(pictures), timeout=120, **options)

    def test_the_proxy_accepts_the_profile(self):
        code, said = edge.check()
        self.assertEqual(code, 0, said)
        self.assertNotIn("warn", said)

    def test_health_and_a_unary_call_pass(self):
        self.assertEqual(vico_api.health(self.channel), 1)
        answer = call(self.channel, "ModelService", "GetCapabilities")(
            message("GetCapabilitiesRequest"), timeout=10)
        self.assertEqual(answer.limits["train.steps"].min, 1)

    def test_errors_of_the_server_pass_with_their_details(self):
        error = self.assertCode(grpc.StatusCode.INVALID_ARGUMENT, lambda: call(
            self.channel, "JobService", "ListJobs")(message("ListJobsRequest", page_size=-1), timeout=10))
        self.assertIn("page_size", error.details())
        self.assertIn("grpc-status-details-bin", dict(error.trailing_metadata()))

    def test_64_mib_of_pictures_pass(self):
        # The limits are 10 MiB per picture and 64 MiB per concept: 7 pictures of 9.1 MiB.
        pictures = [vico_api.noise_png(1780, 1780, seed) for seed in range(7)]
        total = sum(map(len, pictures))
        self.assertGreater(total, 63 * MIB)
        self.assertLessEqual(total, 64 * MIB)
        begin = time.monotonic()
        answer = self.upload(pictures)
        print(f"uploaded {total / MIB:.1f} MiB through {PROXY} in {time.monotonic() - begin:.1f} s")
        self.assertEqual(len(answer.uploaded_concept.pictures), 7)

    def test_compressed_messages_are_refused_in_words(self):
        capabilities = call(self.channel, "ModelService", "GetCapabilities")
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            error = self.assertCode(grpc.StatusCode.UNIMPLEMENTED, lambda: capabilities(
                message("GetCapabilitiesRequest"), timeout=10, compression=compression))
            self.assertIn("compressed messages are not read here", error.details())
        capabilities(message("GetCapabilitiesRequest"), timeout=10, metadata=[("grpc-encoding", "identity")])
        capabilities(message("GetCapabilitiesRequest"), timeout=10, compression=grpc.Compression.NoCompression)

    def test_a_body_beyond_the_limit_is_refused_as_too_large(self):
        error = self.assertCode(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: self.channel.unary_unary(
            "/vico.v1.JobService/GetJob")(bytes(5 * MIB), timeout=30))
        self.assertIn(profile.TOO_LARGE, error.details())

    def test_streams_outlast_the_timeout_of_unary_calls_and_end_with_the_job(self):
        seconds = 8
        with grpc.insecure_channel(server.worker_address) as workers:
            fake_worker.FakeWorker(workers).register()
        request = fake_worker.submit_generation(self.channel)
        with profile.Edge(server.address, changes=profile.SHORT_UNARY) as short, short.channel() as channel:
            generating = call(channel, "JobService", "Generate")(request, timeout=seconds + 60)
            job = next(generating).job
            watching = call(channel, "JobService", "WatchJob")(message("WatchJobRequest", name=job),
                                                               timeout=seconds + 60)
            first = next(watching)
            self.assertEqual(first.event.sequence, 1)
            time.sleep(seconds)
            call(channel, "JobService", "CancelJob")(message("CancelJobRequest", name=job), timeout=10)
            for stream in (generating, watching):
                self.assertTrue(list(stream)[-1].event.HasField("cancelled"))

    def test_the_services_for_workers_and_operators_are_not_reachable(self):
        for service, method in (("WorkerService", "Register"), ("AdminService", "ListTenants"), ("Nothing", "X")):
            self.assertCode(grpc.StatusCode.UNIMPLEMENTED, lambda: self.channel.unary_unary(
                f"/vico.v1.{service}/{method}")(b"", timeout=10))

    def test_http_1_and_tls_1_1_are_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with socket.create_connection(("127.0.0.1", edge.port), 5) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain)
        with socket.create_connection(("127.0.0.1", edge.port), 5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            self.assertIn(plain.recv(64)[9:12], (b"", b"400"))


class SlowPeersTest(unittest.TestCase):
    """With timeouts of seconds."""

    @classmethod
    def setUpClass(cls):
        cls.edge = profile.Edge(server.address, changes=profile.QUICK).__enter__()
        cls.addClassCleanup(cls.edge.__exit__)

    def tls(self):
        context = ssl.create_default_context(cadata=self.edge.ca.decode())
        context.set_alpn_protocols(["h2"])
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.edge.port), 20),
                                   server_hostname="localhost")

    def assertCutOff(self, peer, within):
        begin = time.monotonic()
        peer.settimeout(within)
        try:
            while peer.recv(4096):
                pass
        except ConnectionError:
            pass
        self.assertLess(time.monotonic() - begin, within)

    def test_a_peer_that_never_starts_tls_is_disconnected(self):
        with socket.create_connection(("127.0.0.1", self.edge.port), 5) as silent:
            self.assertCutOff(silent, 10)

    def test_a_peer_that_never_sends_a_request_is_disconnected(self):
        with self.tls() as silent:
            self.assertCutOff(silent, 10)

    def test_a_stalled_upload_is_disconnected_and_others_are_served(self):
        stop = threading.Event()
        self.addCleanup(stop.set)

        def stalls():
            yield next(vico_api.upload_parts([vico_api.noise_png(64, 64, s) for s in range(2)]))
            stop.wait(60)

        with self.edge.channel() as channel, self.edge.channel() as other:
            begin = time.monotonic()
            uploading = call(channel, "ConceptService", "UploadConcept").future(stalls(), timeout=60)
            self.assertEqual(vico_api.health(other), 1)
            with self.assertRaises(grpc.RpcError) as raised:
                uploading.result()
            self.assertNotEqual(raised.exception.code(), grpc.StatusCode.OK)
            self.assertLess(time.monotonic() - begin, 20)
        vico_api.wait_for(lambda: profile.CUT_OFF in self.edge.log, "the proxy's log")

    def test_a_peer_has_a_limit_of_concurrent_uploads(self):
        stop = threading.Event()
        self.addCleanup(stop.set)

        def stalls():
            stop.wait(60)
            yield from ()

        begin = time.monotonic()
        ended = []
        with self.edge.channel() as channel:
            for _ in range(20):
                uploading = call(channel, "ConceptService", "UploadConcept").future(stalls(), timeout=30)
                uploading.add_done_callback(lambda one: ended.append((time.monotonic() - begin, one.code().name, one.details())))
            vico_api.wait_for(lambda: len(ended) == 20, "the uploads to end", seconds=40)
        at_once = [(code, details) for seconds, code, details in ended if seconds < 1]
        self.assertEqual(len(at_once), 12, ended)
        self.assertEqual(set(at_once), {profile.TOO_MANY_UPLOADS})


class UnreachableServerTest(unittest.TestCase):
    def test_an_unreachable_server_gives_unavailable(self):
        with profile.Edge(f"127.0.0.1:{proxies.free_port()}") as edge_without_server, edge_without_server.channel() as channel:
            with self.assertRaises(grpc.RpcError) as raised:
                vico_api.health(channel)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(raised.exception.details(), "the server is away")


if __name__ == "__main__":
    unittest.main()
