"""Misbehaving peers against vico-server: exhausted file descriptors (after which gRPC's own listener accepts no
connection any more, CVE-2023-4785), floods of connections, and silent peers. Usage: peers_test.py VICO_SERVER"""
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

import vico_api

import grpc

SERVER_PROGRAM = sys.argv.pop(1)

# Keeps 200 connections of which each is replaced by a new one, without an end.
FLOOD = """
import collections, socket, sys
held = collections.deque()
while True:
    try:
        held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10))
    except OSError:
        pass  # the server closed it at once
    if len(held) > 200:
        held.popleft().close()
"""


def cpu_seconds(server):
    user, system = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def limit_descriptors(server, count):
    """Sets the limit and returns the previous one."""
    before, most = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (count, most))
    return before


def new_channel(server):
    return grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])


def connect(server, source="127.0.0.1"):
    """Opens a connection and sends nothing. The server may close it at once."""
    return socket.create_connection(("127.0.0.1", server.ports["client_port"]), 10, source_address=(source, 0))


def seconds_until_closed(connection, patience):
    """Seconds until the server closes the connection. Discards what it sends."""
    began = time.monotonic()
    connection.settimeout(patience)
    try:
        while connection.recv(4096):
            connection.settimeout(max(0.001, began + patience - time.monotonic()))
    except ConnectionError:
        pass
    return time.monotonic() - began


class PeersTest(unittest.TestCase):
    def start(self, *flags):
        server = vico_api.Server(SERVER_PROGRAM, "--metrics-listen", "127.0.0.1:0", *flags)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def refused(self, server, reason):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.ports['metrics_port']}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        labels = f'listener="clients",reason="{reason}"'
        return int(re.search(rf"^vico_connections_refused_total{{{labels}}} (\d+)", text, re.M).group(1))

    def check_idle_and_serving(self, server, client, seconds=3):
        began, cpu = time.monotonic(), cpu_seconds(server)
        while time.monotonic() < began + seconds:
            self.assertEqual(vico_api.health(client), 1)
            time.sleep(0.1)
        used = cpu_seconds(server) - cpu
        print(f"{used:.2f} s of CPU in {seconds} s")
        self.assertLess(used, seconds / 10, "the server is in a busy loop")

    def check_a_new_peer_is_served(self, server):
        began = time.monotonic()
        with new_channel(server) as new_peer:
            grpc.channel_ready_future(new_peer).result(timeout=10)
            self.assertEqual(vico_api.health(new_peer), 1)
        self.assertLess(time.monotonic() - began, 5)

    def check_exhaustion(self, descriptors):
        server = self.start()
        with new_channel(server) as client:
            self.assertEqual(vico_api.health(client), 1)
            before = limit_descriptors(server, descriptors)
            held = []
            for _ in range(300):
                try:
                    held.append(connect(server))
                except ConnectionError:
                    pass  # the server closed it at once
            self.check_idle_and_serving(server, client)
            self.assertIsNone(server.process.poll())
            for one in held:
                one.close()
            if descriptors == 1:
                limit_descriptors(server, before)
            self.check_a_new_peer_is_served(server)
            self.assertEqual(vico_api.health(client), 1)
        return server

    def test_with_few_descriptors_the_server_closes_new_connections_and_keeps_serving(self):
        server = self.check_exhaustion(128)
        self.assertGreater(self.refused(server, "descriptors"), 100)
        log = pathlib.Path(server.log).read_text()
        self.assertEqual(log.count("a connection is refused"), 1, log)

    def test_without_descriptors_the_server_waits_and_keeps_serving(self):
        self.check_exhaustion(1)

    def test_a_flood_of_one_peer_does_not_lock_out_others(self):
        server = self.start("--connections-per-peer", "64")
        held = [connect(server, "127.0.0.2") for _ in range(64)]
        self.addCleanup(lambda: [one.close() for one in held])

        def flood():
            for _ in range(10_000):
                try:
                    connect(server, "127.0.0.2").close()
                except ConnectionError:
                    pass  # the server closed it at once

        cpu = cpu_seconds(server)
        flooding = threading.Thread(target=flood)
        flooding.start()
        while flooding.is_alive():
            self.check_a_new_peer_is_served(server)
        flooding.join()
        print(f"{cpu_seconds(server) - cpu:.2f} s of CPU for 10,000 connects")
        vico_api.wait_for(lambda: self.refused(server, "peer") == 10_000, "the flood to be refused")
        self.check_a_new_peer_is_served(server)

    def scrape_in_flood(self, server):
        """As a scraper that tries again: a flood may replace a connection before its request is there."""
        for _ in range(4):
            try:
                return self.refused(server, "flood")
            except ConnectionError:
                self.lost_scrapes += 1
        return self.refused(server, "flood")

    def test_metrics_are_answered_while_their_port_is_flooded(self):
        server = self.start()
        # In processes of their own: threads would share this one's interpreter lock.
        floods = [subprocess.Popen([sys.executable, "-c", FLOOD, str(server.ports["metrics_port"])])
                  for _ in range(2)]
        for each in floods:
            self.addCleanup(each.wait)
            self.addCleanup(each.kill)
        self.lost_scrapes, slowest = 0, 0
        for _ in range(20):
            began = time.monotonic()
            self.assertEqual(self.scrape_in_flood(server), 0)
            slowest = max(slowest, time.monotonic() - began)
        self.assertEqual([each.poll() for each in floods], [None, None])
        print(f"slowest scrape {slowest * 1000:.0f} ms, {self.lost_scrapes} tried again")
        self.assertLess(slowest, 5)
        self.assertLess(self.lost_scrapes, 10)

    def test_a_silent_peer_is_disconnected(self):
        server = self.start()
        with connect(server) as silent:
            self.assertLess(seconds_until_closed(silent, 60), 30)


if __name__ == "__main__":
    unittest.main()
