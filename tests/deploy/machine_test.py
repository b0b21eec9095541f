"""Files for a single machine: systemd accepts the units and rates them as hardened, the compose file matches its schema,
and deploy/tls/make-certificates creates the certificates that each side needs."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import tools

tools.need_modules("yaml", "jsonschema")

import jsonschema  # noqa: E402
import yaml  # noqa: E402

DEPLOY = tools.ROOT / "deploy"
UNITS = ("vico-server.service", "vico-worker@.service")


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, **options)


class UnitsTest(unittest.TestCase):
    def setUp(self):
        self.systemd_analyze = shutil.which("systemd-analyze")
        if not self.systemd_analyze:
            self.skipTest("systemd-analyze is missing; it comes with systemd")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for unit in UNITS:  # with a program that exists
            (self.folder / unit).write_text(
                re.sub(r"/usr/bin/vico-\w+", "/bin/true", (DEPLOY / "systemd" / unit).read_text()))

    def test_systemd_accepts_the_units(self):
        for unit in UNITS:
            done = run(self.systemd_analyze, "verify", self.folder / unit)
            self.assertEqual((done.returncode, done.stderr), (0, ""), unit)

    def test_the_exposure_of_the_units_is_low(self):
        for unit, most in zip(UNITS, (20, 40)):  # tenths of systemd's exposure level; 100 is the worst
            done = run(self.systemd_analyze, "security", "--offline=true", f"--threshold={most}", self.folder / unit)
            self.assertEqual(done.returncode, 0, done.stdout[-200:])

    def test_the_stop_timeouts_are_long_enough(self):
        for unit, seconds in zip(UNITS, (60, 180)):
            self.assertIn(f"\nTimeoutStopSec={seconds}\n", (DEPLOY / "systemd" / unit).read_text())


class ComposeTest(unittest.TestCase):
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    def test_it_matches_the_compose_specification(self):
        schema = tools.CACHE / "tools/compose_spec.json"
        if not schema.exists():
            self.skipTest(f"{schema} is missing; scripts/bootstrap --tests fetches it")
        jsonschema.validate(self.compose, json.loads(schema.read_text()))

    def test_each_service_is_hardened(self):
        for name, service in self.compose["services"].items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["user"], "65532:65532")
                self.assertIn("no-new-privileges:true", service["security_opt"])
                self.assertNotIn("privileged", service)

    def test_workers_reach_only_the_server(self):
        self.assertIs(self.compose["networks"]["workers"]["internal"], True)
        for name, service in self.compose["services"].items():
            if name.startswith("worker"):
                self.assertEqual(service["networks"], ["workers"])
                self.assertNotIn("ports", service)

    def test_secrets_are_files_and_each_service_has_only_its_own(self):
        for name, service in self.compose["services"].items():
            self.assertLessEqual(set(service["secrets"]), set(self.compose["secrets"]))
            self.assertNotIn("environment", service)
            other = "worker" if name == "server" else "server"
            self.assertNotIn(f"{other}.key", service["secrets"])
        self.assertNotIn("ca.key", self.compose["secrets"])


class CertificatesTest(unittest.TestCase):
    def test_each_certificate_has_its_name_and_usage_and_the_keys_are_private(self):
        if not shutil.which("openssl"):
            self.skipTest("openssl is missing; scripts/bootstrap --tests installs it")
        with tempfile.TemporaryDirectory() as folder:
            make = [DEPLOY / "tls/make-certificates", folder, "vico.internal", "127.0.0.1"]
            self.assertEqual(run(*make).returncode, 0)
            for name, names, usage in (("server", "DNS:vico.internal, IP Address:127.0.0.1", "Server Authentication"),
                                       ("worker", "URI:vico://worker/worker", "Client Authentication"),
                                       ("operator", "URI:vico://operator/operator", "Client Authentication")):
                path = pathlib.Path(folder, name)
                self.assertEqual(run("openssl", "verify", "-x509_strict", "-CAfile", f"{folder}/ca.crt",
                                     f"{path}.crt").returncode, 0)
                text = run("openssl", "x509", "-in", f"{path}.crt", "-noout", "-text").stdout
                self.assertIn(names, text)
                self.assertIn(usage, text)
                self.assertEqual(pathlib.Path(f"{path}.key").stat().st_mode & 0o077, 0)
            before = pathlib.Path(folder, "server.crt").read_bytes()
            self.assertEqual(run(*make).returncode, 0)
            self.assertEqual(pathlib.Path(folder, "server.crt").read_bytes(), before, "a second run must keep the files")


if __name__ == "__main__":
    unittest.main()
