"""Two concurrent tenants train and generate through nginx, with TLS on every connection, API keys, and a worker with a
certificate. Usage: tenants_demo_test.py VICO_SERVER VICO VICO_WORKER"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import nginx_edge
import tools
import vico_api
from tenant import Tenant

SERVER, VICO, WORKER = sys.argv[1:4]
del sys.argv[1:4]
CONCEPTS = {"acme": "robot", "zenith": "mug"}


def lines(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class TenantsDemoTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vico-demo.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        tls = self.folder / "tls"
        subprocess.run([tools.ROOT / "deploy/tls/make-certificates", tls, "localhost", "127.0.0.1"], check=True,
                       stderr=subprocess.DEVNULL, timeout=60)
        self.server = vico_api.Server(SERVER, "--cert", tls / "server.crt", "--key", tls / "server.key",
                                      "--client-ca", tls / "ca.crt").__enter__()
        self.addCleanup(self.server.__exit__)
        upstream = (f"grpc_pass grpcs://vico_server; grpc_ssl_trusted_certificate {tls}/ca.crt; grpc_ssl_verify on; "
                    "grpc_ssl_name localhost;")
        edge = nginx_edge.Edge(self.server.address, changes=[(r"grpc_pass grpc://vico_server;", upstream)]).__enter__()
        self.addCleanup(edge.__exit__)
        self.tenants = [Tenant(name, SERVER, VICO, self.folder, self.server.data, f"localhost:{edge.port}",
                               os.path.join(edge.folder, "tls/ca.crt")) for name in CONCEPTS]
        for tenant in self.tenants:
            vico_api.wait_for(tenant.known, "the key to be accepted")
        with open(self.folder / "worker.log", "wb") as log:
            self.worker = subprocess.Popen(
                [WORKER, "--server", f"localhost:{self.server.ports['worker_port']}", "--base-model",
                 tools.ROOT / "toyworld/base", "--device", "cpu", "--ca", tls / "ca.crt", "--cert", tls / "worker.crt",
                 "--key", tls / "worker.key"], stdout=log, stderr=log)
        self.addCleanup(vico_api.stop, self.worker)
        vico_api.wait_for(lambda: lines(self.tenants[0].vico("models")), "the worker's base model", seconds=120,
                          alive=self.worker)

    def job_of(self, tenant):
        """Uploads pictures, trains an adapter and generates two pictures."""
        word = CONCEPTS[tenant.name]
        pictures = sorted((tools.ROOT / "examples" / word).glob("*.png"))
        concept = lines(tenant.vico("concepts", "upload", *pictures))[-1]["name"]
        trained = tenant.vico("train", concept, "--init-word", word, "--steps", 4, "--sample-every", 0, "--watch", seconds=400)
        assert trained.returncode == 0, trained.stderr
        adapter, = lines(tenant.vico("adapters", "list"))
        out = self.folder / tenant.name
        drawn = tenant.vico("generate", adapter["name"], "a photo of a S* in the snow", "-n", 2, "--steps", 4, "--out", out,
                            seconds=400)
        assert drawn.returncode == 0, drawn.stderr
        self.found[tenant.name] = (adapter["name"], sorted(path.read_bytes() for path in out.glob("*.png")))

    def test_each_gets_pictures_and_sees_only_its_own_resources(self):
        self.found = {}
        threads = [threading.Thread(target=self.job_of, args=(tenant,)) for tenant in self.tenants]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(self.found), set(CONCEPTS))
        for tenant, other in (self.tenants, reversed(self.tenants)):
            _, pictures = self.found[tenant.name]
            foreign, others = self.found[other.name]
            self.assertEqual(len(pictures), 2)
            self.assertTrue(all(picture.startswith(b"\x89PNG") for picture in pictures))
            self.assertFalse(set(pictures) & set(others))
            self.assertEqual({job["state"] for job in lines(tenant.vico("jobs", "list"))}, {"JOB_STATE_SUCCEEDED"})
            self.assertEqual(len(lines(tenant.vico("jobs", "list"))), 2)
            self.assertEqual(tenant.vico("generate", foreign, "a photo of a S*", "--out", self.folder).returncode, 3)
        logs = pathlib.Path(self.server.log).read_text() + (self.folder / "worker.log").read_text()
        for tenant in self.tenants:
            self.assertNotIn(tenant.key.split("_")[2], logs)


if __name__ == "__main__":
    unittest.main()
