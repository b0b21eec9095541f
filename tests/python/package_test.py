"""pip installs the package without protoc and without the network: the wheel has its messages, types, extras
and program, and runs with the protobuf of this environment."""
import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "python"

PROGRAM = """
import vico, vico.v1.job_service_pb2, google.protobuf
from vico._google.rpc import status_pb2
print(vico.__file__, google.protobuf.__version__)
"""


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)
        # setuptools writes into the folder that it builds.
        source = pathlib.Path(cls.work.name) / "python"
        shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
        cls.site = pathlib.Path(cls.work.name) / "site"
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
                        "--no-build-isolation", "--disable-pip-version-check", "--target", cls.site, source],
                       check=True, timeout=120)
        cls.package, = importlib.metadata.distributions(name="vico-client", path=[str(cls.site)])

    def run_python(self, program, **environment):
        ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True,
                             timeout=60, check=False, cwd="/",
                             env={"PYTHONPATH": str(self.site), "HOME": "/nonexistent", **environment})
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout.split()

    def test_it_runs_with_both_implementations_of_protobuf(self):
        for implementation in ("upb", "python"):
            file, version = self.run_python(PROGRAM, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=implementation)
            self.assertTrue(file.startswith(str(self.site)))
            print(f"runs with protobuf {version}, {implementation}")

    def test_it_shares_the_messages_of_googleapis_if_they_are_installed(self):
        # The program imports googleapis' own modules afterwards, as grpcio-status does.
        self.run_python(PROGRAM + """
try:
    from google.rpc import status_pb2 as theirs
except ImportError:
    theirs = status_pb2
assert theirs.Status is status_pb2.Status
""")

    def test_it_has_types_extras_and_the_program_of_the_studio(self):
        files = {str(file) for file in self.package.files}
        for name in ("vico/py.typed", "vico/v1/job_pb2.pyi", "vico/_google/rpc/status_pb2.pyi",
                     "vico/_google/own/api/resource_pb2.py"):
            self.assertIn(name, files)
        self.assertLessEqual({"c2pa", "pil", "web"}, set(self.package.metadata.get_all("Provides-Extra")))
        needed = {re.match("[A-Za-z]+", requirement)[0] for requirement in self.package.requires
                  if "extra" not in requirement}
        self.assertEqual(needed, {"grpcio", "protobuf"})
        scripts = {entry.name: entry.value for entry in self.package.entry_points if entry.group == "console_scripts"}
        self.assertEqual(scripts, {"vico-web": "vico_web.__main__:main"})


if __name__ == "__main__":
    unittest.main()
