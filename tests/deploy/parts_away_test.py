"""What docs/scaling-out.md says about parts that are away: two servers while PostgreSQL is killed, and while the bucket is.
Callers get the reason and when to try again, both servers say that they cannot write, and all goes on by itself.
Usage: parts_away_test.py VICO_SERVER"""
import argparse
import pathlib
import re
import signal
import sys
import unittest
import urllib.request

import outer_stores
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
SERVING, NOT_SERVING = 1, 2


class PartsAwayTest(outer_stores.OuterStoresTest):
    server_program = SERVER_PROGRAM

    def setUp(self):
        super().setUp()
        self.vico("migrate", *self.storage[:4])
        build = self.folder / "build"
        (build / "bin").mkdir(parents=True)
        (build / "bin/vico-server").symlink_to(SERVER_PROGRAM)
        options = argparse.Namespace(build=build, servers=2, flag=["--decoder", str(SERVER_PROGRAM.parent / "vico-decode")])
        self.servers = self.tools.start_servers(self.programs, options, self.storage, self.credentials)
        self.channels = [grpc.insecure_channel(f"127.0.0.1:{one['client_port']}") for one in self.servers]
        for channel in self.channels:
            self.addCleanup(channel.close)
            self.upload(channel, "before")

    def upload(self, channel, seed):
        pictures = [vico_api.noise_png(64, 64, f"{seed}-{i}") for i in range(2)]
        return call(channel, "ConceptService", "UploadConcept")(vico_api.upload_parts(pictures), timeout=60)

    def list_concepts(self, channel):
        return call(channel, "ConceptService", "ListConcepts")(message("ListConceptsRequest"), timeout=60)

    def kill(self, name):
        """Kills the program. Returns the words that start it again."""
        at = next(i for i, (each, _, _) in enumerate(self.programs.running) if each == name)
        _, process, _ = self.programs.running.pop(at)
        process.send_signal(signal.SIGQUIT if name == "postgresql" else signal.SIGKILL)
        process.wait()
        return process.args

    def assertRefused(self, reason, act):
        """Fails unless the call ends with UNAVAILABLE, this reason, and a time to try again."""
        with self.assertRaises(grpc.RpcError) as raised:
            act()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE, raised.exception.details())
        details = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(reason.encode(), details)
        self.assertIn(b"google.rpc.RetryInfo", details)

    def ready(self, server):
        with urllib.request.urlopen(f"http://127.0.0.1:{server['metrics_port']}/metrics", timeout=30) as answer:
            return re.search(r"^vico_ready (\d)", answer.read().decode(), re.M)[1] == "1"

    def health(self, channel):
        """Of the clients' services."""
        return vico_api.health(channel, "vico.v1.JobService")

    def wait_until_ready(self, wanted):
        for channel, server in zip(self.channels, self.servers):
            status = SERVING if wanted else NOT_SERVING
            vico_api.wait_for(lambda: self.health(channel) == status, f"health {status}", seconds=60)
            vico_api.wait_for(lambda: self.ready(server) == wanted, f"vico_ready {wanted}", seconds=60)
            self.assertEqual(vico_api.health(channel), SERVING, "the process itself is well")

    def test_postgresql(self):
        self.kill("postgresql")
        for channel in self.channels:
            self.assertRefused("DATABASE_UNAVAILABLE", lambda: self.list_concepts(channel))
        self.wait_until_ready(False)
        self.tools.run_postgresql(self.programs, "postgresql", self.folder / "postgresql/data", self.port)
        self.wait_until_ready(True)
        for channel in self.channels:
            self.upload(channel, "after")
            self.assertEqual(len(self.list_concepts(channel).concepts[0].pictures), 2)
        self.programs.check()

    def test_the_bucket(self):
        words = self.kill("seaweedfs")
        for number, channel in enumerate(self.channels):
            self.assertRefused("OBJECT_STORE_UNAVAILABLE", lambda: self.upload(channel, f"meanwhile-{number}"))
            self.list_concepts(channel)  # needs no blobs
        self.wait_until_ready(False)
        self.programs.start("seaweedfs", *words, end=signal.SIGKILL, env=self.credentials)
        self.wait_until_ready(True)
        for channel in self.channels:
            self.upload(channel, "after")
        self.programs.check()


if __name__ == "__main__":
    unittest.main()
