"""The generated files in git are those that protoc makes from proto/."""
import filecmp
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "python"


def files(folder):
    return sorted(str(path.relative_to(folder)) for name in ("v1", "_google") for path in (folder / name).rglob("*.py*")
                  if path.suffix in (".py", ".pyi"))


class GeneratedTest(unittest.TestCase):
    def test_the_files_in_git_are_those_of_protoc(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([PYTHON / "generate", folder], check=True, capture_output=True)
            fresh, kept = pathlib.Path(folder) / "vico", PYTHON / "vico"
            self.assertEqual(files(fresh), files(kept))
            _, differ, missing = filecmp.cmpfiles(fresh, kept, files(fresh), shallow=False)
            self.assertEqual(differ + missing, [], "proto/ has changed: run python/generate")


if __name__ == "__main__":
    if shutil.which("protoc") is None:
        print("skipped: protoc is missing; scripts/bootstrap installs it")
        sys.exit(77)
    unittest.main()
