"""Files for a single machine: systemd accepts the units and rates them as hardened, the compose files match their schema,
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
    files = {name: yaml.safe_load((DEPLOY / name).read_text()) for name in ("compose.yaml", "compose-scaled-out.yaml")}
    USERS = {"postgresql": "999:999", "volumes": "0:0"}  # PostgreSQL's own; root with CHOWN alone

    def services(self):
        for file, compose in self.files.items():
            for name, service in compose["services"].items():
                with self.subTest(file=file, service=name):
                    yield compose, name, service

    def test_they_match_the_compose_specification(self):
        schema = tools.CACHE / "tools/compose_spec.json"
        if not schema.exists():
            self.skipTest(f"{schema} is missing; scripts/bootstrap --tests fetches it")
        for compose in self.files.values():
            jsonschema.validate(compose, json.loads(schema.read_text()))

    def test_each_service_is_hardened(self):
        for _, name, service in self.services():
            self.assertIs(service["read_only"], True)
            self.assertEqual(service["cap_drop"], ["ALL"])
            self.assertEqual(service["user"], self.USERS.get(name, "65532:65532"))
            self.assertEqual(service.get("cap_add", []), ["CHOWN"] if name == "volumes" else [])
            self.assertIn("no-new-privileges:true", service["security_opt"])
            self.assertNotIn("privileged", service)

    def test_workers_reach_only_the_servers(self):
        for compose, name, service in self.services():
            self.assertIs(compose["networks"]["workers"]["internal"], True)
            if name.startswith("worker"):
                self.assertEqual(service["networks"], ["workers"])
                self.assertNotIn("ports", service)
            elif "workers" in service.get("networks", ()):
                self.assertRegex(name, "^server")

    def test_database_and_bucket_are_reached_only_by_servers(self):
        compose = self.files["compose-scaled-out.yaml"]
        self.assertIs(compose["networks"]["storage"]["internal"], True)
        there = {name for name, service in compose["services"].items() if "storage" in service.get("networks", ())}
        self.assertEqual(there, {"postgresql", "seaweedfs", "migrate", "server-1", "server-2", "server-3"})
        for name in ("postgresql", "seaweedfs"):
            self.assertEqual(compose["services"][name]["networks"], ["storage"])
            self.assertNotIn("ports", compose["services"][name])

    def test_secrets_are_files_and_each_service_has_only_its_own(self):
        own = {"server": {"ca.crt", "server.crt", "server.key", "database.password"},
               "worker": {"ca.crt", "worker.crt", "worker.key"}, "nginx": {"ca.crt", "server.crt", "server.key"},
               "migrate": {"database.password"}, "postgresql": {"database.password"}}
        for compose, name, service in self.services():
            secrets = set(service.get("secrets", ()))
            self.assertLessEqual(secrets, set(compose["secrets"]))
            self.assertLessEqual(secrets, own.get(name.split("-")[0], set()))
            for variable, value in service.get("environment", {}).items():
                self.assertFalse("PASSWORD" in variable and not variable.endswith("_FILE"), variable)
            if "env_file" in service:
                self.assertIn(name.split("-")[0], ("server", "seaweedfs"))
            self.assertNotIn("ca.key", compose["secrets"])

    def test_the_servers_of_a_database_differ_in_nothing_but_their_name(self):
        services = self.files["compose-scaled-out.yaml"]["services"]
        self.assertEqual(services["server-1"], services["server-2"])
        self.assertEqual(services["server-1"], services["server-3"])

    def test_nginx_has_the_profile_with_all_servers(self):
        compose = self.files["compose-scaled-out.yaml"]
        servers = sorted(f"{name}:50051" for name in compose["services"] if name.startswith("server-"))
        done = run(DEPLOY / "nginx/adapt", "--listen", "8443", "--name", "localhost", "--tls", "/run/secrets", "--ca",
                   "/run/secrets/ca.crt", "--ca-name", "servers", "--work", "/tmp", *servers)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((DEPLOY / "nginx/compose.conf").read_text(), done.stdout, "run this command again")

    def test_the_secrets_are_made_once_and_are_private(self):
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder, "local")
            contents = []
            for _ in range(2):
                self.assertEqual(run(DEPLOY / "compose-secrets", made).returncode, 0)
                contents.append([(made / name).read_text() for name in ("database.password", "blobs.env")])
            self.assertEqual(contents[0], contents[1])
            self.assertRegex(contents[0][0], "^[0-9a-f]{48}$")
            self.assertRegex(contents[0][1], "^AWS_ACCESS_KEY_ID=vico\nAWS_SECRET_ACCESS_KEY=[0-9a-f]{48}\n$")
            self.assertEqual(made.stat().st_mode & 0o077, 0)


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
