"""Two concurrent tenants with keys, through nginx and with the command line client: each sees only its own resources.
Usage: tenants_test.py VICO_SERVER VICO"""
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

VICO = sys.argv.pop(2)
SERVER_PROGRAM = sys.argv.pop(1)
PICTURES = sorted((tools.ROOT / "examples/robot").glob("*.png"))


def tenant_of(name, folder, server, edge):
    return Tenant(name, SERVER_PROGRAM, VICO, folder, server.data, f"localhost:{edge.port}", os.path.join(edge.folder, "tls/ca.crt"))


class TenantsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = vico_api.Server(SERVER_PROGRAM).__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.edge = nginx_edge.Edge(cls.server.address).__enter__()
        cls.addClassCleanup(cls.edge.__exit__)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.tenants = [tenant_of(name, folder.name, cls.server, cls.edge) for name in ("acme", "zenith")]
        for tenant in cls.tenants:
            vico_api.wait_for(tenant.known, "the key to be accepted")

    def test_concurrent_tenants_see_only_their_own_concepts(self):
        mine = {}

        def work(tenant):
            done = [tenant.vico("concepts", "upload", *PICTURES, "--name", f"{tenant.name} {i}") for i in range(2)]
            assert all(one.returncode == 0 for one in done), [one.stderr for one in done]
            mine[tenant.name] = {json.loads(one.stdout.splitlines()[-1])["name"] for one in done}
        threads = [threading.Thread(target=work, args=(tenant,)) for tenant in self.tenants]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(mine), {"acme", "zenith"})
        self.assertFalse(mine["acme"] & mine["zenith"])
        for tenant, other in (self.tenants, reversed(self.tenants)):
            listed = tenant.vico("concepts", "list")
            self.assertEqual({json.loads(line)["name"] for line in listed.stdout.splitlines()}, mine[tenant.name])
            foreign = next(iter(mine[other.name]))
            nothing = "concepts/" + "0" * 32
            for command in ("show", "delete"):
                answers = [tenant.vico("concepts", command, name) for name in (foreign, nothing)]
                self.assertEqual(*[answer.returncode for answer in answers])
                self.assertNotEqual(answers[0].returncode, 0)
                self.assertEqual(answers[0].stderr.replace(foreign, "X"), answers[1].stderr.replace(nothing, "X"))

    def test_a_wrong_or_revoked_key_is_refused(self):
        tenant = tenant_of("shortlived", os.path.dirname(self.tenants[0].key_file), self.server, self.edge)
        vico_api.wait_for(tenant.known, "the key to be accepted")
        key_id = tenant.key.split("_")[1]
        subprocess.run([SERVER_PROGRAM, "keys", "revoke", "--data", self.server.data, "--tenant", "shortlived", key_id],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)
        vico_api.wait_for(lambda: tenant.vico("concepts", "list").returncode != 0, "the key to be refused", seconds=10)
        tenant.key_file.write_text(self.tenants[0].key[:-1] + ("0" if self.tenants[0].key[-1] != "0" else "1") + "\n")
        refused = tenant.vico("concepts", "list")
        self.assertNotEqual(refused.returncode, 0)
        self.assertNotIn(self.tenants[0].key[:-1], refused.stderr)

    def test_keys_are_in_no_log(self):
        logs = pathlib.Path(self.server.log).read_text() + self.edge.log
        for tenant in self.tenants:
            self.assertNotIn(tenant.key.split("_")[2], logs)


if __name__ == "__main__":
    unittest.main()
