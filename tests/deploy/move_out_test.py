"""An installation in a data folder moves to PostgreSQL and a bucket with `vico-server copy`, as docs/object-store.md says, and
every picture has its digest afterwards. Usage: move_out_test.py VICO_SERVER"""
import hashlib
import pathlib
import sys
import unittest

import outer_stores
import vico_api
from vico_api import call, message

SERVER_PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()


class MoveOutTest(outer_stores.OuterStoresTest):
    server_program = SERVER_PROGRAM

    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.to = ["--to-database", self.database, "--database-password-file", self.password, "--to-blobs", "s3://vico/main",
                   "--s3-endpoint", self.endpoint]

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
