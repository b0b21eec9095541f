"""Runs what the chart renders: server and worker with the flags of their pods, mutual TLS, and the probes as written.
Usage: chart_runs_test.py VICO_SERVER VICO_WORKER VICO_HEALTH"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import proxies
import tools
import vico_api

HELM, = tools.need("helm")
tools.need_modules("yaml")

import yaml  # noqa: E402

SERVER, WORKER, HEALTH = sys.argv[1:4]
del sys.argv[1:4]


class ChartRunsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vico-chart.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        subprocess.run([tools.ROOT / "deploy/tls/make-certificates", self.folder / "tls", "localhost"], check=True,
                       stderr=subprocess.DEVNULL, timeout=60)
        done = subprocess.run([HELM, "template", "vico", tools.ROOT / "deploy/helm/vico"], capture_output=True,
                              text=True, check=True, timeout=60)
        self.containers = {d["metadata"]["name"]: d["spec"]["template"]["spec"]["containers"][0]
                           for d in yaml.safe_load_all(done.stdout) if d and d["kind"] == "Deployment"}
        self.ports = {str(port): str(proxies.free_port()) for port in (50051, 50052, 9464)}

    def here(self, words, side):
        """Replaces the paths, ports and names of a pod by those of this machine."""
        changes = {"/var/lib/vico": str(self.folder / "data"), "/etc/vico/tls/ca": str(self.folder / "tls/ca"),
                   "/etc/vico/tls/tls": str(self.folder / f"tls/{side}"), "/tmp/ready": str(self.folder / "ready"),
                   "/usr/share/vico/base": str(tools.ROOT / "toyworld/base"), "0.0.0.0": "127.0.0.1",
                   "vico-internal:": "localhost:", "$(POD_NAME)": "pod-1", **self.ports}
        for before, after in changes.items():
            words = [word.replace(before, after) for word in words]
        return words

    def start(self, program, name, side):
        log = open(self.folder / f"{name}.log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([program, *self.here(self.containers[name]["args"], side)], stdout=log, stderr=log)
        self.addCleanup(vico_api.stop, process)
        return process, lambda: vico_api.stop(process, 40)

    def probe(self, name, which):
        program, *words = self.here(self.containers[name][which]["exec"]["command"], "server")
        path = {"vico-health": HEALTH, "test": "/usr/bin/test"}[program]
        return subprocess.run([path, *words], capture_output=True, timeout=30).returncode == 0

    def test_server_and_worker_become_ready_and_drain(self):
        self.assertFalse(self.probe("vico-server", "startupProbe"))
        server, stop_server = self.start(SERVER, "vico-server", "server")
        vico_api.wait_for(lambda: self.probe("vico-server", "startupProbe"), "the server", alive=server)
        self.assertTrue(self.probe("vico-server", "livenessProbe"), "liveness must not depend on workers")
        self.assertTrue(self.probe("vico-server", "readinessProbe"))
        self.assertFalse(self.probe("vico-worker-cpu", "startupProbe"))
        worker, stop_worker = self.start(WORKER, "vico-worker-cpu", "worker")
        vico_api.wait_for(lambda: self.probe("vico-worker-cpu", "readinessProbe"), "the worker", seconds=120, alive=worker)
        self.assertEqual(stop_worker(), 0)
        self.assertFalse(self.probe("vico-worker-cpu", "readinessProbe"))
        self.assertEqual(stop_server(), 0)
        self.assertFalse(self.probe("vico-server", "livenessProbe"))


if __name__ == "__main__":
    unittest.main()
