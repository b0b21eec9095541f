"""What the profile of HAProxy has beyond that of nginx: limits on the connections of a peer, on slow uploads, on calls
per second and on metadata, and TLS to the server. The tests lower limits and timeouts.
Usage: haproxy_peers_test.py VICO_SERVER"""
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import haproxy_edge
import tools
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM = sys.argv.pop(1)


class PeersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = vico_api.Server(SERVER_PROGRAM).__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def edge(self, *changes):
        edge = haproxy_edge.Edge(self.server.address, changes=changes)
        self.addCleanup(edge.__exit__)
        return edge.__enter__()

    def connect(self, edge):
        context = ssl.create_default_context(cadata=edge.ca.decode())
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", edge.port), 10) as plain:
            wrapped = context.wrap_socket(plain, server_hostname="localhost")
        self.addCleanup(wrapped.close)
        return wrapped

    def test_a_peer_has_a_limit_of_connections(self):
        edge = self.edge((r"sc0_conn_cur gt 64", "sc0_conn_cur gt 8"))
        held = [self.connect(edge) for _ in range(8)]
        for _ in range(3):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.connect(edge)
        for one in held[:2]:
            one.close()

        def one_more():
            try:
                return self.connect(edge)
            except (ssl.SSLError, ConnectionError):
                return None
        held.append(vico_api.wait_for(one_more, "a connection to be accepted again"))
        held.pop(2).close()
        with edge.channel() as channel:
            self.assertEqual(vico_api.health(channel), 1)

    def test_a_trickling_upload_is_disconnected(self):
        edge = self.edge((r"wait-for-body time 10s", "wait-for-body time 2s"))
        stop = threading.Event()
        self.addCleanup(stop.set)
        picture = vico_api.noise_png(64, 64, 1)

        def trickles():
            yield from vico_api.upload_parts([picture[:1], picture[:1]], chunk_bytes=1)
            while not stop.wait(0.1):
                part = message("UploadConceptRequest")
                part.chunk.data = b"x"
                yield part
        begin = time.monotonic()
        with edge.channel() as channel, self.assertRaises(grpc.RpcError):
            call(channel, "ConceptService", "UploadConcept")(trickles(), timeout=60)
        self.assertLess(time.monotonic() - begin, 10)
        stop.set()
        vico_api.wait_for(lambda: " 408 " in edge.log, "HAProxy's log")

    def test_a_peer_has_a_limit_of_calls_per_second(self):
        edge = self.edge((r"sc1_http_req_rate gt 200", "sc1_http_req_rate gt 20"))
        codes = []
        with edge.channel() as channel:
            for _ in range(30):
                try:
                    call(channel, "ModelService", "GetCapabilities")(message("GetCapabilitiesRequest"), timeout=10)
                    codes.append("OK")
                except grpc.RpcError as error:
                    codes.append((error.code().name, error.details()))
        self.assertEqual(codes[:20], ["OK"] * 20)
        self.assertIn(("RESOURCE_EXHAUSTED", "too many calls from this peer"), codes[20:])
        self.assertLessEqual(set(codes[20:]), {"OK", ("RESOURCE_EXHAUSTED", "too many calls from this peer")})

    def test_too_much_metadata_is_refused(self):
        edge = self.edge()
        with edge.channel() as channel, self.assertRaises(grpc.RpcError):
            call(channel, "ModelService", "GetCapabilities")(message("GetCapabilitiesRequest"), timeout=10,
                                                             metadata=[("x-large", "x" * 16384)])
        with edge.channel() as channel:
            self.assertEqual(vico_api.health(channel), 1)

    def test_tls_to_the_server_works_as_in_the_readme(self):
        readme = (tools.ROOT / "deploy/haproxy/README.md").read_text()
        line = re.search(r"(?m)^server vico vico\.internal:50051 (.*)$", readme)[1]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([tools.ROOT / "deploy/tls/make-certificates", folder, "vico.internal"], check=True,
                           stderr=subprocess.DEVNULL)
            files = ["--cert", f"{folder}/server.crt", "--key", f"{folder}/server.key", "--client-ca", f"{folder}/ca.crt"]
            with vico_api.Server(SERVER_PROGRAM, *files) as server:
                for name, code in (("vico.internal", "OK"), ("another.internal", "UNAVAILABLE")):
                    options = line.replace("/etc/vico/tls/", f"{folder}/").replace("vico.internal", name)
                    edge = self.edge((r"server vico \S+ proto h2", f"server vico {server.address} {options}"))
                    with edge.channel() as channel:
                        try:
                            self.assertEqual(vico_api.health(channel), 1)
                            self.assertEqual(code, "OK")
                        except grpc.RpcError as error:
                            self.assertEqual(error.code().name, code)


if __name__ == "__main__":
    unittest.main()
