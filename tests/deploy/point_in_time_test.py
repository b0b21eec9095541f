"""The drill of docs/scaling-out.md: a base backup and an archive of PostgreSQL's log, and a versioned bucket, bring a server
back to a time before pictures were deleted. Usage: point_in_time_test.py VICO_SERVER"""
import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

import scripts
import tools
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
tools.need("weed", "psql")
BACKUP = tools.ROOT / "deploy/backup"


class PointInTimeTest(unittest.TestCase):
    def setUp(self):
        self.tools = scripts.script("scripts/scaled-out")
        self.folder = self.tools.new_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.programs = self.tools.Programs(self.folder)
        self.addCleanup(self.programs.stop)
        self.user = self.tools.unprivileged()
        self.archive = self.own(self.folder / "archive")
        self.backups = self.own(self.folder / "backups")
        self.port, = self.tools.free_ports(1)
        self.settings = ["archive_mode=on", f"archive_command=test ! -f {self.archive}/%f && cp %p {self.archive}/%f"]
        self.database, self.password = self.tools.start_postgresql(self.programs, self.port, *self.settings)
        self.endpoint, self.credentials = self.tools.start_seaweedfs(self.programs)
        self.bucket = ["--blobs", "s3://vico", "--s3-endpoint", self.endpoint, "--s3-region", "us-east-1"]
        self.storage = ["--database", self.database, "--database-password-file", str(self.password), *self.bucket]
        self.vico("migrate", *self.storage[:4])

    def own(self, path):
        """A folder of PostgreSQL's user."""
        path.mkdir(mode=0o700)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def run_as_postgresql(self, *command, **variables):
        as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, cwd=self.backups,
                              env={**os.environ, "PGPASSWORD": self.password.read_text(), **variables}, **as_user)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def query(self, text):
        return self.run_as_postgresql(self.tools.program("psql"), "-qAtX", "-d", self.database, "-c", text).strip()

    def vico(self, *words):
        done = subprocess.run([SERVER_PROGRAM, *words], capture_output=True, text=True, timeout=120,
                              env={**os.environ, **self.credentials})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def start_server(self):
        """On a fresh folder. Deletes at once what nothing names. Returns a channel."""
        shutil.rmtree(self.folder / "server-1", ignore_errors=True)
        options = argparse.Namespace(build=None, servers=1, flag=["--garbage-hours", "0"])
        options.build = self.folder / "build"
        (options.build / "bin").mkdir(parents=True, exist_ok=True)
        link = options.build / "bin/vico-server"
        if not link.exists():
            link.symlink_to(SERVER_PROGRAM)
        decoder = ["--decoder", str(SERVER_PROGRAM.parent / "vico-decode")]
        ports, = self.tools.start_servers(self.programs, options, [*self.storage, *decoder], self.credentials)
        channel = grpc.insecure_channel(f"127.0.0.1:{ports['client_port']}")
        self.addCleanup(channel.close)
        return channel

    def stop(self, name):
        """Ends the newest program of this name."""
        at = max(i for i, (each, _, _) in enumerate(self.programs.running) if each == name)
        _, process, end = self.programs.running.pop(at)
        process.send_signal(end)
        self.assertIn(process.wait(60), (0, -end))

    def upload(self, channel, seed):
        pictures = [vico_api.noise_png(64, 64, f"{seed}-{i}") for i in range(2)]
        upload = call(channel, "ConceptService", "UploadConcept")
        return upload(vico_api.upload_parts(pictures), timeout=60).uploaded_concept.name

    def names(self, channel):
        listed = call(channel, "ConceptService", "ListConcepts")(message("ListConceptsRequest"), timeout=30)
        return {concept.name for concept in listed.concepts}

    def objects(self):
        """How many deleted objects the bucket still has."""
        done = subprocess.run([BACKUP / "undelete-objects", "s3://vico", "--since", "2000-01-01T00:00:00+00:00", "--endpoint",
                               self.endpoint, "--dry-run"], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **self.credentials}, check=True)
        return int(done.stdout.split()[0])

    def test_a_deletion_is_taken_back_with_its_objects(self):
        channel = self.start_server()
        kept = self.upload(channel, "kept")
        self.version_the_bucket()
        self.run_as_postgresql(self.tools.program("pg_basebackup"), "-d", self.database, "-D", self.backups / "base", "-X",
                               "stream", "-c", "fast")
        later = self.upload(channel, "after the base backup")
        time.sleep(1.1)
        until = datetime.datetime.fromisoformat(self.query("SELECT now()"))
        time.sleep(1.1)

        for name in (kept, later):
            call(channel, "ConceptService", "DeleteConcept")(message("DeleteConceptRequest", name=name), timeout=30)
        unwanted = self.upload(channel, "unwanted")
        vico_api.wait_for(lambda: self.objects() == 4, "the objects of the deleted pictures to be deleted", seconds=120)
        self.query("SELECT pg_switch_wal()")
        vico_api.wait_for(lambda: self.query("SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM "
                                             "pg_stat_archiver") == "t", "the log to be archived")

        # The drill: nothing that serves is touched. It finds the rows whose objects are deleted now.
        found = subprocess.run([str(word) for word in (
            BACKUP / "drill", "--base", self.backups / "base", "--archive", self.archive, "--until", until.isoformat(" "), "--",
            *self.bucket)], capture_output=True, text=True, timeout=120,
            **({"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}),
            env={**os.environ, **self.credentials, "VICO_SERVER_PROGRAM": str(SERVER_PROGRAM), "TMPDIR": str(self.backups)})
        self.assertEqual(found.returncode, 3, found.stdout + found.stderr)
        print(found.stdout.splitlines()[0])

        # The restore itself.
        channel.close()
        self.stop("server-1")
        self.stop("postgresql")
        begin = time.monotonic()
        self.run_as_postgresql(BACKUP / "restore-database", "--base", self.backups / "base", "--archive", self.archive, "--into",
                               self.backups / "restored", "--until", until.isoformat(" "))
        self.tools.run_postgresql(self.programs, "postgresql", self.backups / "restored", self.port)
        ready = f"-d {self.database} -qAtX -c".split()

        def recovered():
            done = subprocess.run([self.tools.program("psql"), *ready, "SELECT pg_is_in_recovery()"], capture_output=True,
                                  text=True, env={**os.environ, "PGPASSWORD": self.password.read_text()})
            return done.stdout.strip() == "f"
        self.programs.wait_for("the restored database", recovered)
        back = subprocess.run([BACKUP / "undelete-objects", "s3://vico", "--since", until.isoformat(), "--endpoint", self.endpoint],
                              capture_output=True, text=True, timeout=60, env={**os.environ, **self.credentials}, check=True)
        self.assertEqual(back.stdout, "4 objects are back\n")
        print(self.vico("check", *self.storage).strip())
        channel = self.start_server()
        print(f"restored and serving after {time.monotonic() - begin:.1f} s")
        self.assertEqual(self.names(channel), {kept, later})
        self.assertNotIn(unwanted, self.names(channel))
        for name in (kept, later):
            concept = call(channel, "ConceptService", "GetConcept")(message("GetConceptRequest", name=name), timeout=30)
            self.assertEqual(len(concept.pictures), 2)

    def version_the_bucket(self):
        os.environ.update(self.credentials)
        bucket = scripts.script("deploy/backup/undelete-objects").Bucket(self.endpoint, "us-east-1", "vico")
        bucket.call("PUT", body=b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", versioning="")


if __name__ == "__main__":
    unittest.main()
