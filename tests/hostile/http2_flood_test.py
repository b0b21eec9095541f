"""Floods of HTTP/2 frames against vico-server: while one lasts and after it, others are served at once, and its memory
stays bounded. Usage: http2_flood_test.py VICO_SERVER [plain|tls] [SECONDS]"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy" / "support"))
import http2_floods  # noqa: E402
import tools  # noqa: E402
import vico_api  # noqa: E402

import grpc  # noqa: E402

SERVER_PROGRAM = sys.argv[1]
TLS = sys.argv[2:3] == ["tls"]
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
del sys.argv[1:]
CONNECTIONS = 8
MOST_SECONDS = 1.0  # of a call by somebody else
MOST_GROWTH = 64 << 20
MOST_MEMORY = 700 << 20


def memory(process, field):
    """Bytes of VmRSS (now) or VmHWM (the most)."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    line, = [line for line in status.splitlines() if line.startswith(field + ":")]
    return int(line.split()[1]) << 10


class Http2FloodTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="vico-floods.")
        flags = ["--drain-notice-seconds", "0"]
        if TLS:
            subprocess.run([tools.ROOT / "deploy/tls/make-certificates", cls.folder.name, "localhost", "127.0.0.1"],
                           check=True, stderr=subprocess.DEVNULL)
            flags += ["--cert", f"{cls.folder.name}/server.crt", "--key", f"{cls.folder.name}/server.key"]
        cls.ca = f"{cls.folder.name}/ca.crt" if TLS else None
        cls.flags = flags

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        # A server that has grown once would hide that it grows again.
        self.server = vico_api.Server(SERVER_PROGRAM, *self.flags).__enter__()
        self.addCleanup(self.server.__exit__)
        self.port = self.server.ports["client_port"]
        self.held = self.channel()
        self.addCleanup(self.held.close)
        self.assertEqual(vico_api.health(self.held), 1)

    def channel(self):
        options = [("grpc.use_local_subchannel_pool", 1)]
        if not TLS:
            return grpc.insecure_channel(f"127.0.0.1:{self.port}", options)
        trusted = grpc.ssl_channel_credentials(pathlib.Path(self.ca).read_bytes())
        return grpc.secure_channel(f"localhost:{self.port}", trusted, options)

    def seconds_of_a_call(self, channel):
        began = time.monotonic()
        self.assertEqual(vico_api.health(channel), 1)
        return time.monotonic() - began

    def probe(self):
        """The longer time of a call on a connection of before and on a new one."""
        with self.channel() as fresh:
            return max(self.seconds_of_a_call(self.held), self.seconds_of_a_call(fresh))

    def check(self, name):
        process = self.server.process
        before = memory(process, "VmRSS")
        flooder = subprocess.Popen([sys.executable, http2_floods.__file__, name, str(self.port), str(SECONDS),
                                    str(CONNECTIONS), *([self.ca] if TLS else [])], stdout=subprocess.PIPE, text=True)
        worst = 0
        while flooder.poll() is None:
            worst = max(worst, self.probe())
        sent = json.loads(flooder.communicate()[0])
        worst = max(worst, self.probe())
        peak = memory(process, "VmHWM")
        grown = peak - before
        print(f"{name}: {sent['bytes'] / 1e6:.1f} MB on {sent['connections']} connections; memory at most "
              f"{peak / 1e6:.0f} MB, {grown / 1e6:+.1f}; slowest call of others {worst * 1000:.0f} ms", flush=True)
        self.assertIsNone(process.poll())
        self.assertLess(worst, MOST_SECONDS)
        self.assertLess(grown, MOST_GROWTH)
        self.assertLess(peak, MOST_MEMORY)


def add_tests():
    for name in http2_floods.FLOODS:
        def test(self, name=name):
            self.check(name)
        setattr(Http2FloodTest, f"test_{name}", test)


add_tests()
if __name__ == "__main__":
    unittest.main()
