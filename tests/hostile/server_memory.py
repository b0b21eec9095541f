"""What the tests of memory share: a server, its tenants, and a watcher of its memory and of how long others wait."""
import pathlib
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy" / "support"))
import vico_api  # noqa: E402

import grpc  # noqa: E402

SERVER_PROGRAM = sys.argv[1]
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
del sys.argv[1:3]

MIB = 1 << 20
OF_A_PEER = 64 * MIB  # without a key
OF_A_TENANT = 256 * MIB
OF_THE_SERVER = 700 * MIB
MOST_SECONDS = 1.0  # of a health check, and of a call of another tenant


def with_key(key):
    return [("authorization", f"Bearer {key}")]


class Server(vico_api.Server):
    def __init__(self, *flags):
        super().__init__(SERVER_PROGRAM, "--drain-notice-seconds", "0", "--submits-per-second", "1000",
                         "--submit-burst", "1000", *flags)

    def tenant(self, name):
        """Makes a tenant and returns its key."""
        for command in (["tenants", "create"], ["keys", "create"]):
            made = subprocess.run([SERVER_PROGRAM, *command, "--data", self.data, "--tenant", name], check=True,
                                  capture_output=True, text=True, timeout=60)
        key = made.stdout.strip()
        with grpc.insecure_channel(self.address) as channel:
            # Until it knows a tenant, the server takes every key for one of the tenant "default".
            vico_api.wait_for(lambda: not self._accepts(channel, []), "the server to ask for a key")
            vico_api.wait_for(lambda: self._accepts(channel, with_key(key)), "the server to know the key")
        return key

    def _accepts(self, channel, metadata):
        try:
            vico_api.call(channel, "ModelService", "GetCapabilities")(
                vico_api.message("GetCapabilitiesRequest"), metadata=metadata, timeout=10)
            return True
        except grpc.RpcError:
            return False

    def memory(self, field="VmRSS"):
        """Bytes of VmRSS (now) or VmHWM (the most)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line, = [line for line in status.splitlines() if line.startswith(field + ":")]
        return int(line.split()[1]) << 10

    def restart(self):
        """A new process on the same data. One that has grown once would hide that it grows again."""
        vico_api.stop(self.process)
        pathlib.Path(self.data, "ports.json").unlink(missing_ok=True)
        self.__enter__()


class Watcher:
    """Samples the server's memory and the time of a health check while a `with` statement lasts; with the `key` of a
    tenant also the time of a list of its jobs."""

    def __init__(self, server, key=None):
        self._server = server
        self._key = key
        self._channel = grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)])
        self._over = threading.Event()
        self.slowest = self.slowest_call = 0.0
        self.failed = None

    def _health(self):
        assert vico_api.health(self._channel) == 1

    def _list(self):
        vico_api.call(self._channel, "JobService", "ListJobs")(
            vico_api.message("ListJobsRequest"), metadata=with_key(self._key), timeout=10)

    def __enter__(self):
        self._health()
        if self._key:
            self._list()
        self._before = self._server.memory()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _timed(self, call):
        began = time.monotonic()
        try:
            call()
        except (grpc.RpcError, AssertionError) as error:
            self.failed = error
        return time.monotonic() - began

    def _run(self):
        while not self._over.wait(0.05) and not self.failed:
            self.slowest = max(self.slowest, self._timed(self._health))
            if self._key:
                self.slowest_call = max(self.slowest_call, self._timed(self._list))

    def settle(self, seconds=20):
        """Waits until the server's memory has not grown for a second."""
        until = time.monotonic() + seconds
        most, since = 0, time.monotonic()
        while time.monotonic() < min(until, since + 1):
            now = self._server.memory()
            if now > most + MIB:
                most, since = now, time.monotonic()
            time.sleep(0.05)

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._channel.close()
        self.peak = self._server.memory("VmHWM")
        self.grown = self.peak - self._before


class MemoryTestCase(unittest.TestCase):
    server = None

    def check(self, what, watcher, most):
        others = f", call of another tenant {watcher.slowest_call * 1000:.0f} ms" if watcher.slowest_call else ""
        print(f"{what}: memory at most {watcher.peak / 1e6:.0f} MB, {watcher.grown / 1e6:+.1f}; slowest health check "
              f"{watcher.slowest * 1000:.0f} ms{others}", flush=True)
        self.assertIsNone(self.server.process.poll())
        self.assertIsNone(watcher.failed)
        self.assertLess(watcher.grown, most)
        self.assertLess(watcher.peak, OF_THE_SERVER)
        self.assertLess(max(watcher.slowest, watcher.slowest_call), MOST_SECONDS)
