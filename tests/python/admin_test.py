"""Operators and a tenant's administrators against a real server with TLS: admin_test.py SERVER"""
import asyncio
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import vico
from cluster import ROOT, Cluster
from vico.admin import AdminClient, AsyncAdminClient

SERVER = sys.argv.pop(1)


class AdminTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        patch = mock.patch.dict(os.environ, {"HOME": str(cls.folder), "XDG_CONFIG_HOME": str(cls.folder)})
        patch.start()
        cls.addClassCleanup(patch.stop)
        cls.tls = cls.folder / "tls"
        subprocess.run([ROOT / "deploy/tls/make-certificates", cls.tls, "localhost"], check=True, capture_output=True,
                       timeout=60)
        cls.run_server("tenants", "create", "--tenant", "acme")
        cls.keys = {role: cls.run_server("keys", "create", "--tenant", "acme", "--role", role)
                    for role in ("user", "tenant-admin")}
        cls.cluster = Cluster(SERVER, None, None, cls.folder)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start_server("--cert", cls.tls / "server.crt", "--key", cls.tls / "server.key",
                                 "--client-ca", cls.tls / "ca.crt")
        cls.address = cls.cluster.worker_address.replace("127.0.0.1", "localhost")
        cls.files = cls.files_of("operator")
        cls.admin = AdminClient(cls.address, **cls.files)
        cls.addClassCleanup(cls.admin.close)

    @classmethod
    def run_server(cls, *words):
        ran = subprocess.run([SERVER, *words, "--data", cls.folder / "data"], check=True, capture_output=True, text=True,
                             timeout=60)
        return ran.stdout.strip()

    @classmethod
    def files_of(cls, name):
        return {"ca": cls.tls / "ca.crt", "cert": cls.tls / f"{name}.crt", "cert_key": cls.tls / f"{name}.key"}

    def client(self, role):
        client = vico.Client(self.cluster.address.replace("127.0.0.1", "localhost"), ca=self.files["ca"],
                             key=self.keys[role])
        self.addCleanup(client.close)
        return client

    def test_tenants_are_created_listed_page_by_page_and_deleted(self):
        names = [f"team-{number}" for number in range(5)]
        for name in names:
            self.assertEqual(self.admin.tenants.create(name).state, "active")
        found = {tenant.name: tenant for tenant in self.admin.tenants.list(page_size=2)}
        self.assertEqual(list(found), sorted(found))
        self.assertLessEqual({"acme", *names}, set(found))
        self.assertIsNotNone(found["team-0"].create_time)
        self.assertEqual(self.admin.tenants.delete("team-0").state, "deleted")
        with self.assertRaises(vico.AlreadyExists):
            self.admin.tenants.create("team-0")

    def test_a_wrong_name_is_named(self):
        with self.assertRaises(vico.InvalidArgument) as raised:
            self.admin.tenants.create("Not A Name")
        self.assertIn("name", str(raised.exception))
        for call, reason in ((lambda: self.admin.tenants.delete("nobody"), "TENANT_NOT_FOUND"),
                             (lambda: self.admin.drain("nobody"), "WORKER_NOT_FOUND")):
            with self.assertRaises(vico.NotFound) as raised:
                call()
            self.assertEqual(raised.exception.reason, reason)
            self.assertIn("shows those that there are", str(raised.exception))

    def test_a_server_without_workers_and_jobs_has_empty_lists(self):
        self.assertEqual(list(self.admin.workers()), [])
        self.assertEqual(list(self.admin.queue()), [])

    def test_only_an_operator_may_call(self):
        with AdminClient(self.address, **self.files_of("worker")) as worker:
            with self.assertRaises(vico.PermissionDenied) as raised:
                list(worker.workers())
            self.assertEqual(raised.exception.reason, "ROLE_MISSING")
        with AdminClient(self.address, ca=self.files["ca"], timeout=3) as nobody, self.assertRaises(vico.VicoError):
            list(nobody.workers())

    def test_the_clients_address_has_no_administration(self):
        with AdminClient(self.cluster.address.replace("127.0.0.1", "localhost"), **self.files) as lost:
            with self.assertRaises(vico.Unimplemented):
                list(lost.queue())

    def test_a_tenants_administrator_changes_its_keys(self):
        client = self.client("tenant-admin")
        made = client.keys.create()
        self.assertNotIn(made.secret, repr(made))
        self.assertIn(made.secret.split("_")[1][:4], made.secret)
        listed = {key.id: key for key in client.keys.list()}
        self.assertEqual((listed[made.api_key.id].role, listed[made.api_key.id].active), ("user", True))
        with self.assertRaises(vico.FailedPrecondition) as raised:
            client.keys.create("user")
        self.assertEqual(raised.exception.reason, "TOO_MANY_KEYS")
        with vico.Client(client.address, ca=self.files["ca"], key=made.secret) as other:
            self.assertEqual(self.first_answer(other), [])
            self.assertFalse(client.keys.revoke(made.api_key.id).active)
            with self.assertRaises(vico.Unauthenticated):
                list(other.concepts.list())
        with self.assertRaises(vico.NotFound):
            client.keys.revoke("nothing")
        with self.assertRaises(ValueError):
            client.keys.create("owner")

    def first_answer(self, client):
        """A server takes notice of a key that another program made once a second."""
        end = time.monotonic() + 10
        while True:
            try:
                return list(client.concepts.list())
            except vico.Unauthenticated:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.2)

    def test_a_user_may_not_manage_keys(self):
        with self.assertRaises(vico.PermissionDenied):
            list(self.client("user").keys.list())

    def test_asyncio_does_the_same(self):
        async def run():
            async with AsyncAdminClient(self.address, **self.files) as admin:
                await admin.tenants.create("async")
                names = [tenant.name async for tenant in admin.tenants.list(page_size=1)]
                workers = [worker async for worker in admin.workers()]
                lines = [line async for line in admin.queue()]
            address = self.cluster.address.replace("127.0.0.1", "localhost")
            async with vico.AsyncClient(address, ca=self.files["ca"], key=self.keys["tenant-admin"]) as client:
                roles = [key.role async for key in client.keys.list()]
            return names, workers, lines, roles

        names, workers, lines, roles = asyncio.run(run())
        self.assertIn("async", names)
        self.assertEqual((workers, lines), ([], []))
        self.assertIn("tenant_admin", roles)


class AdminSettingsTest(unittest.TestCase):
    """Where an operator's settings come from, and what is wrong with them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        environment = {"HOME": folder.name, "XDG_CONFIG_HOME": folder.name}
        patch = mock.patch.dict(os.environ, environment, clear=True)
        patch.start()
        self.addCleanup(patch.stop)
        for name in ("one", "two"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-subj", f"/CN={name}", "-keyout", self.folder / f"{name}.key", "-out",
                            self.folder / f"{name}.crt"], check=True, capture_output=True, timeout=60)

    def test_the_address_is_that_of_the_workers(self):
        self.assertEqual(AdminClient().address, "127.0.0.1:50052")
        config = self.folder / "vico/config"
        config.parent.mkdir()
        config.write_text("server = a:1\nadmin_server = b:2\ncert = ../one.crt\ncert_key = ../one.key\n")
        self.assertEqual(AdminClient().address, "b:2")
        os.environ["VICO_ADMIN_SERVER"] = "c:3"
        self.assertEqual(AdminClient().address, "c:3")
        self.assertEqual(AdminClient("d:4").address, "d:4")

    def test_a_wrong_certificate_or_key_is_named(self):
        one, two = self.folder / "one", self.folder / "two"
        locked = self.folder / "locked.key"
        subprocess.run(["openssl", "pkey", "-in", f"{one}.key", "-aes256", "-passout", "pass:secret", "-out", locked],
                       check=True, capture_output=True, timeout=60)
        for cert, key, text in (
            (f"{one}.crt", None, "cert_key: must be given together with cert"),
            (None, f"{one}.key", "cert: must be given together with cert_key"),
            (f"{one}.crt", f"{two}.key", f"{two}.key: is not the key of {one}.crt"),
            (f"{one}.crt", f"{one}.crt", f"{one}.crt: holds no unencrypted private key in PEM"),
            (f"{one}.crt", locked, f"{locked}: holds no unencrypted private key in PEM"),
            (f"{one}.key", f"{one}.key", f"{one}.key: holds no certificate in PEM"),
            (f"{one}.crt", self.folder / "none", "cannot be read"),
        ):
            with self.subTest(text), self.assertRaises(vico.ConfigError) as raised:
                AdminClient("localhost:1", cert=cert, cert_key=key)
            self.assertIn(text, str(raised.exception))

    def test_a_certificate_needs_tls(self):
        with self.assertRaisesRegex(vico.ConfigError, "is without TLS, but a CA or a certificate is given"):
            AdminClient("http://127.0.0.1:1", cert=self.folder / "one.crt", cert_key=self.folder / "one.key")


if __name__ == "__main__":
    unittest.main()
