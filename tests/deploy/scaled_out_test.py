"""The main job on three servers that share PostgreSQL and SeaweedFS behind nginx, while two of them are killed: the training
goes on, the watch has no gap, and the pictures come. Usage: scaled_out_test.py BUILD"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import tools
import vico_api

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
tools.need("weed", "psql", "nginx")


class ScaledOutTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="vico-scaled.")))
        with open(self.folder / "scaled-out.log", "wb") as log:
            self.shared = subprocess.Popen([tools.ROOT / "scripts/scaled-out", "--build", BUILD, "--flag=--lease-seconds=5"],
                                           stdout=subprocess.PIPE, stderr=log, text=True)
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

    def calls(self, server):
        """How many calls a server has answered; 0 if it is gone."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server['metrics_port']}/metrics", timeout=10) as answer:
                return sum(map(int, re.findall(r"^vico_calls_total\{.*\} (\d+)", answer.read().decode(), re.M)))
        except OSError:
            return 0

    def test_a_training_and_its_watch_outlive_two_servers(self):
        pictures = sorted((tools.ROOT / "examples/robot").glob("*.png"))
        concept = self.succeeds("concepts", "upload", *pictures)
        watched = {}

        def train():
            watched["done"] = self.vico("train", concept, "--init-word", "robot", "--steps", "60", "--sample-every", "0", "--watch",
                                        "--json", seconds=500)
        training = threading.Thread(target=train)
        training.start()
        try:
            for server in self.servers[:2]:
                time.sleep(4)
                self.assertGreater(self.calls(server), 0)
                self.kill(server)
        finally:
            training.join()
        self.assertEqual(watched["done"].returncode, 0, watched["done"].stderr)
        events = [json.loads(line) for line in watched["done"].stdout.splitlines() if line.startswith("{")]
        sequence = [int(event["event"]["sequence"]) for event in events if "event" in event]
        self.assertEqual(sequence, list(range(1, len(sequence) + 1)))
        adapter = json.loads(self.succeeds("adapters", "list", "--json").splitlines()[0])["name"]
        self.succeeds("generate", adapter, "a photo of a S* in the snow", "-n", "2", "--steps", "4", "--out", self.folder / "out")
        self.assertEqual(len(list((self.folder / "out").glob("*.png"))), 2)
        self.assertIsNone(self.shared.poll())

    def kill(self, server):
        os.kill(server["pid"], signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
