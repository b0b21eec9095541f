"""`vico-server migrate` and `vico-server check` on PostgreSQL and a bucket, as docs/postgresql.md and docs/scaling-out.md say.
Usage: database_commands_test.py VICO_SERVER"""
import pathlib
import sys
import unittest

import outer_stores
import vico_api
from vico_api import call

SERVER_PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()


class DatabaseCommandsTest(outer_stores.OuterStoresTest):
    server_program = SERVER_PROGRAM

    def setUp(self):
        super().setUp()
        self.connection = self.storage[:4]

    def serve(self, code):
        """What a server prints that ends at its start."""
        return self.vico("--data", self.folder / "front", "--listen", "127.0.0.1:0", "--worker-listen", "127.0.0.1:0",
                         "--decoder", SERVER_PROGRAM.parent / "vico-decode", *self.storage, code=code)

    def test_a_schema_is_made_checked_and_guarded(self):
        self.assertIn("DATABASE_TOO_OLD", self.vico("check", *self.connection, code=1))
        self.assertIn("vico-server migrate", self.serve(code=1))
        self.assertRegex(self.vico("migrate", *self.connection), r"vico: schema \d+, [1-9]\d* migrations applied")
        self.assertRegex(self.vico("migrate", *self.connection), r"vico: schema \d+, 0 migrations applied")
        checked = self.vico("check", *self.connection)
        for part in ("a round trip takes", "fsync = on"):
            self.assertIn(part, checked)
        self.assertIn("OBJECT_STORE_NO_BUCKET", self.vico("check", *self.storage, code=1))

        newest = int(self.psql("SELECT max(number) FROM migration"))
        # A newer schema that admits this program, and one that does not.
        self.psql(f"INSERT INTO migration VALUES ({newest} + 1, {newest})")
        self.vico("check", *self.connection)
        self.psql(f"UPDATE migration SET oldest_program = {newest} + 1 WHERE number = {newest} + 1")
        for refused in (self.vico("check", *self.connection, code=1), self.vico("migrate", *self.connection, code=1),
                        self.serve(code=1)):
            self.assertIn("DATABASE_TOO_NEW", refused)

    def test_a_lost_blob_is_named_with_what_needs_it(self):
        self.vico("migrate", *self.connection)
        process, channel = self.start("server", self.folder / "front", *self.storage)
        pictures = [vico_api.noise_png(64, 64, f"{i}") for i in range(3)]
        answer = call(channel, "ConceptService", "UploadConcept")(vico_api.upload_parts(pictures), timeout=60)
        concept = answer.uploaded_concept
        self.assertIn("3 blobs in the database, 3 objects, 0 lost", self.vico("check", *self.storage))
        lost = concept.pictures[1].blob.sha256
        self.psql(f"UPDATE blob SET object_key = 'default/no/such' WHERE sha256 = '{lost}'")
        said = self.vico("check", *self.storage, code=3)
        self.assertIn(f"lost: blob {lost} of tenant default; referenced by {concept.name}", said)
        self.assertIn("1 lost", said)
        self.stop(process)

    def test_what_does_not_connect_says_where(self):
        wrong = self.folder / "wrong"
        wrong.write_text("wrong")
        for command in ("migrate", "check"):
            refused = self.vico(command, "--database", self.database, "--database-password-file", wrong, code=1)
            for part in ("DATABASE_REFUSED", "127.0.0.1", "vico"):
                self.assertIn(part, refused)
            self.assertNotIn(self.password.read_text(), refused)
            self.assertIn("--database", self.vico(command, "--database", "mysql://127.0.0.1/vico", code=2))
        self.assertIn("--blobs", self.vico("check", *self.connection, "--blobs", "vico", code=2))


if __name__ == "__main__":
    unittest.main()
