"""An installation in a data folder moves to PostgreSQL and a bucket with `vico-server copy`, as docs/object-store.md says, and
every picture has its digest afterwards. Usage: move_out_test.py VICO_SERVER"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import scripts
import tools
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
tools.need("weed", "psql")


class MoveOutTest(unittest.TestCase):
    def setUp(self):
        self.tools = scripts.script("scripts/scaled-out")
        self.folder = self.tools.new_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.programs = self.tools.Programs(self.folder)
        self.addCleanup(self.programs.stop)
        port, = self.tools.free_ports(1)
        self.database, password = self.tools.start_postgresql(self.programs, port)
        self.endpoint, self.credentials = self.tools.start_seaweedfs(self.programs)
        self.data = self.folder / "data"
        self.to = ["--to-database", self.database, "--database-password-file", password, "--to-blobs", "s3://vico/main",
                   "--s3-endpoint", self.endpoint]
        self.storage = ["--database", self.database, "--database-password-file", password, "--blobs", "s3://vico/main",
                        "--s3-endpoint", self.endpoint]

    def vico(self, *words, code=0):
        done = subprocess.run([str(word) for word in (SERVER_PROGRAM, *words)], capture_output=True, text=True, timeout=120,
                              env={**os.environ, **self.credentials})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def start(self, name, data, *storage):
        process = self.programs.start(name, SERVER_PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--worker-listen",
                                      "127.0.0.1:0", "--drain-notice-seconds", "0", "--decoder",
                                      SERVER_PROGRAM.parent / "vico-decode", *storage, env=self.credentials)
        ports = data / "ports.json"
        self.programs.wait_for(name, ports.exists)
        channel = grpc.insecure_channel(f"127.0.0.1:{vico_api.json.loads(ports.read_text())['client_port']}")
        self.addCleanup(channel.close)
        return process, channel

    def stop(self, process):
        self.programs.running = [each for each in self.programs.running if each[1] is not process]
        self.assertEqual(vico_api.stop(process), 0)

    def pictures(self, channel):
        """The bytes of all pictures of all concepts by name, each checked against its digest."""
        found = {}
        listed = call(channel, "ConceptService", "ListConcepts")(message("ListConceptsRequest"), timeout=30)
        for concept in listed.concepts:
            for i, picture in enumerate(concept.pictures):
                name = f"{concept.name}/pictures/{i}"
                parts = call(channel, "PictureService", "DownloadPicture")(message("DownloadPictureRequest", name=name), timeout=60)
                found[name] = b"".join(part.chunk.data for part in parts)
                self.assertEqual(hashlib.sha256(found[name]).hexdigest(), picture.blob.sha256)
        return found

    def test_every_picture_is_there_afterwards(self):
        process, channel = self.start("embedded", self.data)
        for seed in range(3):
            pictures = [vico_api.noise_png(96, 64, f"{seed}-{i}") for i in range(4)]
            call(channel, "ConceptService", "UploadConcept")(vico_api.upload_parts(pictures), timeout=60)
        before = self.pictures(channel)
        self.assertEqual(len(before), 12)
        in_use = self.vico("copy", "--from", self.data, *self.to, code=1)
        self.assertIn("another server is using it", in_use)
        self.stop(process)

        copied = self.vico("copy", "--from", self.data, *self.to)
        self.assertRegex(copied, r"copied: \d+ rows, 12 blobs, \d+ bytes, all checked")
        self.assertIn("0 lost", self.vico("check", *self.storage))
        process, channel = self.start("moved", self.folder / "front", *self.storage)
        self.assertEqual(self.pictures(channel), before)
        call(channel, "ConceptService", "UploadConcept")(
            vico_api.upload_parts([vico_api.noise_png(64, 64, f"new-{i}") for i in range(2)]), timeout=60)
        self.assertEqual(len(self.pictures(channel)), 14)
        self.stop(process)

        # The target belongs to its database now, and the copy is not repeated over what was added.
        self.assertIn("has rows already", self.vico("copy", "--from", self.data, *self.to, code=1))

    def test_wrong_flags_are_named(self):
        for words, flag in ((["--to", self.data], "--from"),
                            (["--from", self.data, "--to-database", "mysql://x", "--to-blobs", "s3://vico"], "--to-database"),
                            (["--from", self.data, "--to", self.folder / "x", "--to-blobs", "vico"], "--to-blobs")):
            self.assertIn(flag, self.vico("copy", *words, code=2))


if __name__ == "__main__":
    unittest.main()
