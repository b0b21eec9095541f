"""Keys and TLS against a real server: secure_test.py SERVER"""
import http.server
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

import vico
from cluster import ROOT, Cluster

SERVER = sys.argv.pop(1)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


class SecureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        patch = mock.patch.dict(os.environ, {"HOME": str(cls.folder), "XDG_CONFIG_HOME": str(cls.folder)})
        patch.start()
        cls.addClassCleanup(patch.stop)
        for name in ("tls", "other"):
            subprocess.run([ROOT / "deploy/tls/make-certificates", cls.folder / name, "localhost"], check=True,
                           capture_output=True, timeout=60)
        cls.key_file = cls.folder / "acme.key"
        for words, out in ((["tenants", "create"], os.devnull), (["keys", "create"], cls.key_file)):
            with open(os.open(out, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                subprocess.run([SERVER, *words, "--data", cls.folder / "data", "--tenant", "acme"], check=True,
                               stdout=file, stderr=subprocess.DEVNULL, timeout=60)
        cls.cluster = Cluster(SERVER, None, None, cls.folder)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start_server("--cert", cls.folder / "tls/server.crt", "--key", cls.folder / "tls/server.key")
        cls.address = cls.cluster.address.replace("127.0.0.1", "localhost")
        cls.ca = cls.folder / "tls/ca.crt"

    def error(self, kind, *arguments, **more):
        with vico.Client(*arguments, **more) as client, self.assertRaises(kind) as raised:
            client.capabilities()
        return str(raised.exception)

    def test_the_configuration_file_alone_connects_a_tenant(self):
        config = self.folder / "vico/config"
        config.parent.mkdir()
        config.write_text(f"server = {self.address}\nca = ../tls/ca.crt\nkey_file = ../acme.key\n")
        self.addCleanup(config.unlink)
        with vico.Client() as client:
            end = time.monotonic() + 10  # the server refreshes its keys once a second
            while True:
                try:
                    concept = client.concepts.upload(ROOT / "examples/mug")
                    break
                except vico.Unauthenticated:
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.2)
            self.assertEqual([c.name for c in client.concepts.list()], [concept.name])

    def test_a_wrong_key_is_refused_without_its_text(self):
        wrong = self.key_file.read_text().strip()[:-4] + "0000"
        error = self.error(vico.Unauthenticated, self.address, ca=self.ca, key=wrong)
        self.assertIn("VICO_KEY", error)
        self.assertNotIn(wrong[-12:], error)

    def test_no_key_is_refused(self):
        self.assertIn("key_file=", self.error(vico.Unauthenticated, self.address, ca=self.ca))

    def test_an_unknown_ca_is_named(self):
        for more in ({}, {"ca": self.folder / "other/ca.crt"}):
            # An address of one kind: of several gRPC tells the last error only.
            error = self.error(vico.Unavailable, f"https://{self.cluster.address}", timeout=3, **more)
            self.assertIn("is not signed by a CA that this program trusts; ca= names", error)

    def test_a_certificate_for_another_name_is_named(self):
        error = self.error(vico.Unavailable, self.cluster.address, ca=self.ca, timeout=3)
        self.assertIn(f"the certificate of {self.cluster.address} is for another name", error)

    def test_a_connection_without_tls_is_told_to_use_it(self):
        error = self.error(vico.Unavailable, f"http://{self.cluster.address}", timeout=3)
        self.assertRegex(error, "closes the connection: it may require TLS|is a web server of another kind")

    def test_a_web_server_is_named(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), QuietHandler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        error = self.error(vico.VicoError, f"127.0.0.1:{server.server_port}", timeout=3)
        self.assertRegex(error, "is a web server of another kind|answers as a web server")


if __name__ == "__main__":
    unittest.main()
