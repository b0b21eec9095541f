"""A test with PostgreSQL, SeaweedFS and the subcommands of vico-server."""
import os
import shutil
import subprocess
import unittest

import grpc

import scripts
import tools
import vico_api

tools.need("weed", "psql")


class OuterStoresTest(unittest.TestCase):
    server_program = None  # a path that the test sets

    def setUp(self):
        self.tools = scripts.script("scripts/scaled-out")
        self.folder = self.tools.new_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.programs = self.tools.Programs(self.folder)
        self.addCleanup(self.programs.stop)
        self.port, = self.tools.free_ports(1)
        self.database, self.password = self.tools.start_postgresql(self.programs, self.port)
        self.endpoint, self.credentials = self.tools.start_seaweedfs(self.programs)
        self.storage = ["--database", self.database, "--database-password-file", self.password, "--blobs", "s3://vico/main",
                        "--s3-endpoint", self.endpoint]

    def vico(self, *words, code=0):
        """What a subcommand of vico-server prints."""
        done = subprocess.run([str(word) for word in (self.server_program, *words)], capture_output=True, text=True,
                              timeout=120, env={**os.environ, **self.credentials})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def psql(self, statement):
        environment = {**os.environ, "PGPASSWORD": self.password.read_text()}
        done = subprocess.run([self.tools.program("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
                               str(self.port), "-U", "vico", "-d", "vico", "-c", statement],
                              capture_output=True, text=True, env=environment, check=True)
        return done.stdout.strip()

    def start(self, name, data, *storage):
        """Starts a server. Returns the process and a channel to it."""
        process = self.programs.start(name, self.server_program, "--data", data, "--listen", "127.0.0.1:0", "--worker-listen",
                                      "127.0.0.1:0", "--drain-notice-seconds", "0", "--decoder",
                                      self.server_program.parent / "vico-decode", *storage, env=self.credentials)
        ports = data / "ports.json"
        self.programs.wait_for(name, ports.exists)
        channel = grpc.insecure_channel(f"127.0.0.1:{vico_api.json.loads(ports.read_text())['client_port']}")
        self.addCleanup(channel.close)
        return process, channel

    def stop(self, process):
        self.programs.running = [each for each in self.programs.running if each[1] is not process]
        self.assertEqual(vico_api.stop(process), 0)
