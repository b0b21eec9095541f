"""Runs what the chart renders: server and worker with the flags of their pods, mutual TLS, and the probes as written; and
two servers with a PostgreSQL and a SeaweedFS, after the container that migrates.
Usage: chart_runs_test.py VICO_SERVER VICO_WORKER VICO_HEALTH"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import proxies
import scripts
import tools
import vico_api
from vico_api import call, message

HELM, = tools.need("helm")
tools.need_modules("yaml")

import grpc  # noqa: E402
import yaml  # noqa: E402

SERVER, WORKER, HEALTH = sys.argv[1:4]
del sys.argv[1:4]


def new_ports():
    return {str(port): str(proxies.free_port()) for port in (50051, 50052, 9464)}


class ChartRunsTest(unittest.TestCase):
    values = "ci/default.yaml"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vico-chart.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        subprocess.run([tools.ROOT / "deploy/tls/make-certificates", self.folder / "tls", "localhost"], check=True,
                       stderr=subprocess.DEVNULL, timeout=60)
        chart = tools.ROOT / "deploy/helm/vico"
        done = subprocess.run([HELM, "template", "vico", chart, "--values", chart / self.values], capture_output=True,
                              text=True, check=True, timeout=60)
        self.pods = {d["metadata"]["name"]: d["spec"]["template"]["spec"]
                     for d in yaml.safe_load_all(done.stdout) if d and d["kind"] == "Deployment"}
        self.containers = {name: pod["containers"][0] for name, pod in self.pods.items()}
        self.ports = new_ports()

    def here(self, words, side, ports=None):
        """Replaces the paths, ports and names of a pod by those of this machine."""
        changes = {"/var/lib/vico": str(self.folder / "data"), "/etc/vico/tls/ca": str(self.folder / "tls/ca"),
                   "/etc/vico/tls/tls": str(self.folder / f"tls/{side}"), "/tmp/ready": str(self.folder / "ready"),
                   "/usr/share/vico/base": str(tools.ROOT / "toyworld/base"), "0.0.0.0": "127.0.0.1",
                   "vico-internal:": "localhost:", "$(POD_NAME)": "pod-1", **(ports or self.ports)}
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


class SeveralServersTest(ChartRunsTest):
    values = "ci/scaled-out-trial.yaml"

    def setUp(self):
        tools.need("weed", "psql")
        super().setUp()
        tool = scripts.script("scripts/scaled-out")
        below = tool.new_folder()
        self.addCleanup(shutil.rmtree, below, ignore_errors=True)
        self.storage = tool.Programs(below)
        self.addCleanup(self.storage.stop)
        self.database, self.password = tool.start_postgresql(self.storage, *tool.free_ports(1))
        self.endpoint, self.credentials = tool.start_seaweedfs(self.storage)

    def here(self, words, side, ports=None):
        changes = {"postgres://vico@vico-postgresql:5432/vico": self.database, "http://vico-seaweedfs:8333": self.endpoint,
                   "/etc/vico/database/password": str(self.password)}
        for before, after in changes.items():
            words = [word.replace(before, after) for word in words]
        return super().here(words, side, ports)

    def start_server(self, number, ports):
        words = [word.replace("/data/data", f"/data-{number}") for word in self.here(self.containers["vico-server"]["args"],
                                                                                    "server", ports)]
        with open(self.folder / f"server-{number}.log", "ab") as log:
            process = subprocess.Popen([SERVER, *words], stdout=log, stderr=log, env={**os.environ, **self.credentials})
        self.addCleanup(vico_api.stop, process)
        return process

    def test_server_and_worker_become_ready_and_drain(self):
        migrate = self.pods["vico-server"]["initContainers"][0]
        for _ in range(2):  # the second server's finds nothing to do
            done = subprocess.run([SERVER, *self.here(migrate["args"], "server")], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        other_ports = new_ports()
        servers = [self.start_server(1, self.ports), self.start_server(2, other_ports)]
        vico_api.wait_for(lambda: self.probe("vico-server", "startupProbe"), "the server", alive=servers[0])
        vico_api.wait_for(lambda: self.probe("vico-server", "readinessProbe"), "the server", alive=servers[0])
        worker, stop_worker = self.start(WORKER, "vico-worker-cpu", "worker")
        vico_api.wait_for(lambda: self.probe("vico-worker-cpu", "readinessProbe"), "the worker", seconds=120, alive=worker)
        # The server that the worker does not know has heard of it too.
        for words in (["tenants", "create"], ["keys", "create"]):
            done = subprocess.run([SERVER, *words, "--database", self.database, "--database-password-file", self.password,
                                   "--tenant", "acme"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        credentials = grpc.ssl_channel_credentials((self.folder / "tls/ca.crt").read_bytes())
        with grpc.secure_channel(f"localhost:{other_ports['50051']}", credentials) as channel:
            listed = call(channel, "ModelService", "ListBaseModels")

            def offered():
                try:
                    answer = listed(message("ListBaseModelsRequest"), timeout=10,
                                    metadata=[("authorization", f"Bearer {done.stdout.strip()}")])
                    return [one for one in answer.base_models if one.available]
                except grpc.RpcError as error:
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED):
                        raise
            vico_api.wait_for(offered, "the worker's base model on the other server")
        self.assertEqual(stop_worker(), 0)
        for server in servers:
            self.assertEqual(vico_api.stop(server, 40), 0)


if __name__ == "__main__":
    unittest.main()
