"""What `cmake --install` puts down runs for a user who cannot see the build, with the libraries it was built with."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = ("vico", "vico-server", "vico-decode", "vico-worker", "vico-engine", "vico-health")
STRANGER = "nobody"


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=100, **options)


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="vico_install_")
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        cls.prefix = pathlib.Path(folder.name, "usr")
        done = run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        assert done.returncode == 0, done.stderr
        cls.as_stranger = {"user": STRANGER, "group": "nogroup"} if os.geteuid() == 0 else {}

    def test_every_program_starts(self):
        for program in PROGRAMS:
            if program == "vico-decode":  # speaks with its server alone
                continue
            with self.subTest(program):
                done = run(self.prefix / "bin" / program, "--help", env={"PATH": "/usr/bin"}, **self.as_stranger)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_libraries_are_those_of_the_build(self):
        def torch(program):
            found = re.findall(r"(libtorch\w*\.so\S*|libc10\S*) => (\S+)", run("ldd", program).stdout)
            return {name: pathlib.Path(path).resolve().read_bytes()[:4096] for name, path in found}

        for program in PROGRAMS:
            with self.subTest(program):
                installed = run("ldd", self.prefix / "bin" / program)
                self.assertEqual(installed.returncode, 0, installed.stderr)
                self.assertNotIn("not found", installed.stdout)
        built = torch(pathlib.Path(BUILD, "worker/vico-engine"))
        self.assertTrue(built)
        self.assertEqual(torch(self.prefix / "bin/vico-engine"), built)

    def test_the_small_base_model_comes_along(self):
        self.assertTrue((self.prefix / "share/vico/base/model_index.json").is_file())


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
