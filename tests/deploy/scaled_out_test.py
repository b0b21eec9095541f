"""The main job on three servers that share PostgreSQL and SeaweedFS behind a proxy, while two of them are killed: the training
goes on, the watch has no gap, and the pictures come. Usage: scaled_out_test.py BUILD nginx|haproxy"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import tools
import vico_api

BUILD, PROXY = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
del sys.argv[1:3]
tools.need("weed", "psql", PROXY)


class ScaledOutTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="vico-scaled.")))
        with open(self.folder / "scaled-out.log", "wb") as log:
            self.shared = subprocess.Popen([tools.ROOT / "scripts/scaled-out", "--build", BUILD, "--proxy", PROXY,
                                            "--flag=--lease-seconds=5"], stdout=subprocess.PIPE, stderr=log,
                                           text=True)
        self.addCleanup(self.shared.stdout.close)
        self.addCleanup(vico_api.stop, self.shared, 90)
        line = self.shared.stdout.readline()
        self.assertTrue(line, (self.folder / "scaled-out.log").read_text())
        self.places = json.loads(line)
        self.servers = self.places["servers"]
        with open(self.folder / "worker.log", "wb") as log:
            worker = subprocess.Popen([BUILD / "bin/vico-worker", "--server", f"127.0.0.1:{self.servers[2]['worker_port']}",
                                       "--base-model", tools.ROOT / "toyworld/base", "--device", "cpu"], stdout=log, stderr=log)
        self.addCleanup(vico_api.stop, worker)
        vico_api.wait_for(lambda: '"available":true' in self.vico("models", "--json").stdout.replace(" ", ""),
                          "the worker's base model", seconds=120, alive=worker)

    def vico(self, *words, seconds=120):
        return subprocess.run([str(BUILD / "bin/vico"), "--server", self.places["client"], "--ca", self.places["ca"],
                               *map(str, words)], capture_output=True, text=True, timeout=seconds)

    def succeeds(self, *words, seconds=120):
        done = self.vico(*words, seconds=seconds)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def watches(self, server):
        """How many streams of clients a server has open; 0 if it is gone."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server['metrics_port']}/metrics", timeout=10) as answer:
                return sum(map(int, re.findall(r'^vico_open_streams\{group="clients"\} (\d+)', answer.read().decode(), re.M)))
        except OSError:
            return 0

    def watch(self, job):
        """Watches the job on a server that the worker does not use. Returns the process and the server."""
        for _ in range(20):
            process = subprocess.Popen([BUILD / "bin/vico", "--server", self.places["client"], "--ca", self.places["ca"], "jobs",
                                        "watch", job, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            server = vico_api.wait_for(lambda: next((one for one in self.servers if self.watches(one)), None), "the watch")
            if server is not self.servers[2]:
                return process, server
            process.kill()
            process.wait()
            vico_api.wait_for(lambda: not self.watches(server), "the watch to end")
            self.succeeds("models")  # the servers take turns
        self.fail("the proxy sends every watch to one server")

    def test_a_training_and_its_watch_outlive_two_servers(self):
        pictures = sorted((tools.ROOT / "examples/robot").glob("*.png"))
        concept = self.succeeds("concepts", "upload", *pictures)
        job = self.succeeds("train", concept, "--init-word", "robot", "--steps", "150", "--sample-every", "0")
        watching, watched = self.watch(job)
        other = next(one for one in self.servers[:2] if one is not watched)
        for server in (watched, other):
            time.sleep(3)
            os.kill(server["pid"], signal.SIGKILL)
            vico_api.wait_for(lambda: watching.poll() is not None or any(self.watches(one) for one in self.servers),
                              "the watch on another server")
            self.assertIsNone(watching.poll(), "the training ended before both servers were killed")
        out, errors = watching.communicate(timeout=500)
        self.assertEqual(watching.returncode, 0, errors)
        events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        sequence = [int(event["event"]["sequence"]) for event in events if "event" in event]
        self.assertEqual(sequence, list(range(1, len(sequence) + 1)))
        self.assertGreater(len(sequence), 40)
        adapter = json.loads(self.succeeds("adapters", "list", "--json").splitlines()[0])["name"]
        self.succeeds("generate", adapter, "a photo of a S* in the snow", "-n", "2", "--steps", "4", "--out", self.folder / "out")
        self.assertEqual(len(list((self.folder / "out").rglob("*.png"))), 2)
        self.assertIsNone(self.shared.poll())


if __name__ == "__main__":
    unittest.main()
