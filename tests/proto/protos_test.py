"""The API's protos: buf checks their style, and that they only add to frozen.binpb, the API of commit f7fcac6 (made
there by `buf build proto --exclude-source-info -o frozen.binpb`). The rules are in buf.yaml."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy" / "support"))
import tools  # noqa: E402

BUF, = tools.need("buf")
FROZEN = pathlib.Path(__file__).resolve().parent / "frozen.binpb"


def buf(*words, root=tools.ROOT):
    """Returns what buf prints about the protos of `root`; empty if it finds nothing."""
    done = subprocess.run([BUF, *words], cwd=root, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def lint(root=tools.ROOT):
    return buf("lint", root=root)


def breaking(root=tools.ROOT):
    return buf("breaking", "--against", str(FROZEN), root=root)


class ProtosTest(unittest.TestCase):
    def test_the_protos_have_the_style(self):
        self.assertEqual(lint(), "")

    def test_the_protos_only_add_to_the_frozen_ones(self):
        self.assertEqual(breaking(), "")


class CheckTest(unittest.TestCase):
    """The checks find what they are for."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(tools.ROOT / "proto", self.root / "proto")
        shutil.copy(tools.ROOT / "buf.yaml", self.root)

    def change(self, file, before, after):
        path = self.root / "proto/vico/v1" / file
        text = path.read_text()
        self.assertEqual(text.count(before), 1, before)
        path.write_text(text.replace(before, after))

    def test_a_field_without_a_comment_is_found(self):
        self.change("job.proto", "  // Random part of a DDIM step, 0..1; for DDIM only.\n", "")
        self.assertIn('Field "eta" should have a non-empty comment', lint(self.root))

    def test_another_number_is_found(self):
        self.change("job.proto", "optional double eta = 13;", "optional double eta = 99;")
        self.assertIn("eta", breaking(self.root))

    def test_another_type_is_found(self):
        self.change("concept.proto", "string source_sha256 = 4;", "bytes source_sha256 = 4;")
        self.assertIn("source_sha256", breaking(self.root))

    def test_a_removed_call_is_found(self):
        self.change("job_service.proto", "  rpc GetJob(GetJobRequest) returns (Job);\n", "")
        self.assertIn("GetJob", breaking(self.root))


if __name__ == "__main__":
    unittest.main()
