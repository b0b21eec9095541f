"""`cmake --install`: the installed programs run as a user without access to the build folder, with the libraries of
the build. Usage: install_test.py BUILD"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = ("vico", "vico-server", "vico-decode", "vico-worker", "vico-engine", "vico-health")
USER = "nobody"


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
        cls.as_user = {"user": USER, "group": "nogroup"} if os.geteuid() == 0 else {}

    def test_every_program_starts(self):
        for program in PROGRAMS:
            if program == "vico-decode":  # talks to its server only
                continue
            with self.subTest(program):
                done = run(self.prefix / "bin" / program, "--help", env={"PATH": "/usr/bin"}, **self.as_user)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_installed_programs_use_the_libraries_of_the_build(self):
        def torch(program):
            found = re.findall(r"(libtorch\w*\.so\S*|libc10\S*) => (\S+)", run("ldd", program).stdout)
            return {name: pathlib.Path(path).resolve().read_bytes()[:4096] for name, path in found}

        for program in PROGRAMS:
            with self.subTest(program):
                installed = run("ldd", self.prefix / "bin" / program)
                self.assertEqual(installed.returncode, 0, installed.stderr)
                self.assertNotIn("not found", installed.stdout)
        built = torch(pathlib.Path(BUILD, "bin/vico-engine"))
        self.assertTrue(built)
        self.assertEqual(torch(self.prefix / "bin/vico-engine"), built)

    def test_the_tiny_base_model_is_installed(self):
        self.assertTrue((self.prefix / "share/vico/base/model_index.json").is_file())


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
