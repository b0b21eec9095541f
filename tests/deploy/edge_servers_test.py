"""A proxy with its profile in front of three servers: each gets calls; one that is killed or drains costs no call; one
that is back gets calls again. The servers share nothing here, so the calls are those that need no state.
Usage: edge_servers_test.py VICO_SERVER nginx|haproxy"""
import importlib
import pathlib
import re
import sys
import threading
import time
import unittest
import urllib.request

import proxies
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM, PROXY = sys.argv[1:3]
del sys.argv[1:3]
profile = importlib.import_module(f"{PROXY}_edge")


class Server(vico_api.Server):
    """On a port of its own that it keeps, with metrics."""

    def __init__(self):
        self.port = proxies.free_port()
        super().__init__(SERVER_PROGRAM, "--metrics-listen", "127.0.0.1:0", "--drain-notice-seconds", "5",
                         clients=f"127.0.0.1:{self.port}")

    def restart(self):
        pathlib.Path(self.data, "ports.json").unlink()
        self.__enter__()

    def answered(self):
        url = f"http://127.0.0.1:{self.ports['metrics_port']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = re.findall(r'^vico_calls_total\{[^}]*method="GetCapabilities"[^}]*\} (\d+)', answer.read().decode(), re.M)
        return sum(map(int, found))


class Caller:
    """Calls all the time, one call after another, without retries; `failed` has what did not succeed."""

    def __init__(self, edge):
        self.channel = edge.channel([("grpc.enable_retries", 0)])
        self.sent, self.failed = 0, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        capabilities = call(self.channel, "ModelService", "GetCapabilities")
        while not self._stop.is_set():
            self.sent += 1
            try:
                capabilities(message("GetCapabilitiesRequest"), timeout=10)
            except grpc.RpcError as error:
                self.failed.append((error.code(), error.details()))
            time.sleep(0.015)  # below the profile's rate for a peer

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.channel.close()


class EdgeServersTest(unittest.TestCase):
    def setUp(self):
        self.servers = [self.enterContext(Server()) for _ in range(3)]
        self.edge = self.enterContext(profile.Edge(*(server.address for server in self.servers)))
        with self.edge.channel() as channel:  # HAProxy has seen all of them
            vico_api.wait_for(lambda: self.serves(channel), "the proxy to serve")

    def serves(self, channel):
        try:
            return vico_api.health(channel) == 1
        except grpc.RpcError:
            return False

    def test_the_proxy_accepts_the_profile_with_three_servers(self):
        code, said = self.edge.check()
        self.assertEqual(code, 0, said)
        self.assertNotIn("warn", said.lower())

    def test_each_server_gets_its_share(self):
        with Caller(self.edge) as caller:
            vico_api.wait_for(lambda: caller.sent >= 60, "calls")
        self.assertEqual(caller.failed, [])
        for server in self.servers:
            self.assertGreater(server.answered(), 10)

    def test_a_killed_server_costs_at_most_the_call_that_it_had_and_is_used_again_when_it_is_back(self):
        with Caller(self.edge) as caller:
            for server in self.servers[:2]:
                vico_api.wait_for(lambda: server.answered() > 3, "calls")
                server.process.kill()
                server.process.wait()
                sent = caller.sent
                vico_api.wait_for(lambda: caller.sent > sent + 150, "calls to the others")
                server.restart()
                vico_api.wait_for(lambda: server.answered() > 3, "calls to the server that is back")
        self.assertLessEqual(len(caller.failed), 2, caller.failed)
        self.assertLessEqual({code for code, _ in caller.failed}, {grpc.StatusCode.UNAVAILABLE})
        print(f"{PROXY}: {len(caller.failed)} of {caller.sent} calls failed, with two kills")

    def test_a_server_that_drains_ends_no_call(self):
        with Caller(self.edge) as caller:
            server = self.servers[0]
            vico_api.wait_for(lambda: server.answered() > 3, "calls")
            self.assertEqual(vico_api.stop(server.process), 0)
            sent = caller.sent
            vico_api.wait_for(lambda: caller.sent > sent + 50, "calls to the others")
            server.restart()
        print(f"{PROXY}: {len(caller.failed)} of {caller.sent} calls failed, with one drain")
        self.assertLessEqual({code for code, _ in caller.failed}, {grpc.StatusCode.UNAVAILABLE}, "clients retry these")
        if PROXY == "haproxy":  # it asks for the servers' health, nginx does not
            self.assertEqual(caller.failed, [])


if __name__ == "__main__":
    unittest.main()
