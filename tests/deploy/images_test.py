"""The root file systems of the images: a program runs in its own one without other files, as an unprivileged user, and
the list of packages is correct. Also the labels and users in the Dockerfile. Usage: images_test.py VICO_HEALTH"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import tools

HEALTH_PROGRAM = sys.argv.pop(1)
COLLECT = tools.ROOT / "deploy/images/collect"
DOCKERFILE = (tools.ROOT / "Dockerfile").read_text()


class RootTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name, "root")
        subprocess.run([COLLECT, cls.root, HEALTH_PROGRAM, "/usr/bin/test"], check=True, timeout=120)
        cls.root.parent.chmod(0o755)

    def packages(self):
        lines = (self.root / "usr/share/doc/vico/packages.tsv").read_text().splitlines()
        return {fields[0]: fields for fields in (line.split("\t") for line in lines)}

    def test_the_programs_run_in_the_root_as_an_unprivileged_user(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for chroot")
        run = ["chroot", "--userspec=65532:65532", self.root]
        done = subprocess.run([*run, "/usr/bin/vico-health", "--version"], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^\d+\.\d+\.\d+\n$")
        for path, code in (("/etc/passwd", 0), ("/nothing", 1)):
            self.assertEqual(subprocess.run([*run, "/usr/bin/test", "-e", path], timeout=30).returncode, code)

    def test_the_root_contains_no_other_program(self):
        self.assertEqual({path.name for path in (self.root / "usr/bin").iterdir()}, {"vico-health", "test"})

    def test_the_bill_of_materials_has_what_the_list_has(self):
        bill = json.loads((self.root / "usr/share/doc/vico/sbom.cdx.json").read_text())
        self.assertEqual((bill["bomFormat"], bill["specVersion"]), ("CycloneDX", "1.5"))
        components = {component["name"]: component for component in bill["components"]}
        packages = self.packages()
        self.assertEqual(set(components), set(packages))
        libc = packages["libc6"]
        self.assertEqual(components["libc6"]["version"], libc[1])
        self.assertTrue(components["libc6"]["purl"].startswith("pkg:deb/debian/libc6@2."))
        self.assertEqual(components["vico-health"]["hashes"],
                         [{"alg": "SHA-256", "content": packages["vico-health"][1].removeprefix("sha256:")}])

    def test_the_list_has_each_package_with_its_installed_version(self):
        packages = self.packages()
        for name in ("libc6", "libgrpc++1.51", "libstdc++6", "coreutils"):
            version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True,
                                     text=True, timeout=30).stdout
            self.assertEqual(packages[name][1], version)
            self.assertTrue((self.root / "usr/share/doc" / name / "copyright").exists(), name)
        self.assertRegex(packages["vico-health"][1], r"^sha256:[0-9a-f]{64}$")

    def test_our_programs_and_libraries_are_stripped(self):
        with tempfile.TemporaryDirectory() as folder:
            at = pathlib.Path(folder)
            (at / "lib.c").write_text("static int three(void) { return 3; } int four(void) { return three() + 1; }")
            (at / "main.c").write_text("int four(void); int main(void) { return four() - 4; }")
            compile_ = ["cc", "-g", "-O0", f"-L{folder}", f"-Wl,-rpath,{folder}"]
            subprocess.run([*compile_, "-shared", "-fPIC", "-o", at / "libours.so", at / "lib.c"], check=True, timeout=60)
            subprocess.run([*compile_, "-o", at / "ours", at / "main.c", "-lours"], check=True, timeout=60)
            root = at / "root"
            subprocess.run([COLLECT, root, at / "ours"], check=True, timeout=60)
            for file, before in ((root / "usr/bin/ours", at / "ours"), (root / "usr/lib/vico/libours.so", at / "libours.so")):
                self.assertIn(".symtab", self.sections(before))
                self.assertNotIn(".symtab", self.sections(file))
                self.assertNotIn(".debug_info", self.sections(file))
            debians = root / "usr/lib/vico/libc.so.6"
            self.assertEqual(debians.read_bytes(), self.source_of("libc.so.6").read_bytes())
            listed = (root / "usr/share/doc/vico/packages.tsv").read_text()
            self.assertIn(f"libours.so\tsha256:{hashlib.sha256((at / 'libours.so').read_bytes()).hexdigest()}", listed)
            if os.geteuid() == 0:
                self.assertEqual(subprocess.run(["chroot", root, "/usr/bin/ours"], timeout=30).returncode, 0)

    @staticmethod
    def source_of(library):
        loaded = subprocess.run(["ldd", "/usr/bin/test"], capture_output=True, text=True, check=True, timeout=30).stdout
        return pathlib.Path(re.search(rf"{re.escape(library)} => (\S+)", loaded)[1])

    @staticmethod
    def sections(file):
        return subprocess.run(["readelf", "-SW", file], capture_output=True, text=True, check=True, timeout=30).stdout

    def test_a_missing_library_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder, "broken")
            broken.write_bytes(pathlib.Path("/usr/bin/test").read_bytes().replace(b"libc.so.6", b"libx.so.6"))
            broken.chmod(0o755)
            done = subprocess.run([COLLECT, pathlib.Path(folder, "root"), broken], capture_output=True, timeout=60)
            self.assertNotEqual(done.returncode, 0)


class DockerfileTest(unittest.TestCase):
    targets = {match[1]: match[2] for match in
               re.finditer(r"(?ms)^FROM \S+ AS (server|worker|worker-cuda|client)$(.*?)(?=^FROM |\Z)", DOCKERFILE)}

    def test_each_target_has_labels_and_an_unprivileged_user(self):
        self.assertEqual(set(self.targets), {"server", "worker", "worker-cuda", "client"})
        for name, text in self.targets.items():
            with self.subTest(name):
                self.assertIn("\nUSER 65532:65532\n", text)
                for label in ("title", "description", "licenses", "version", "revision"):
                    self.assertIn(f"org.opencontainers.image.{label}=", text)
                self.assertNotIn("\nRUN ", text)
                if name != "client":
                    self.assertIn("\nHEALTHCHECK ", text)

    def test_all_targets_but_cuda_start_from_scratch(self):
        for name in ("server", "worker", "client"):
            self.assertIn(f"FROM scratch AS {name}\n", DOCKERFILE)


if __name__ == "__main__":
    unittest.main()
