"""A server that may start few threads, or has little address space for them, says so and exits with 1; it never crashes.
Usage: start_limits_test.py VICO_SERVER"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import unittest

SERVER_PROGRAM = sys.argv[1]
del sys.argv[1:]
NOBODY = 65534  # the limit on processes does not apply to root


class StartLimitsTest(unittest.TestCase):
    def start(self, folder, threads):
        def limit():
            if os.getuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))
        return subprocess.Popen([SERVER_PROGRAM, "--data", f"{folder}/data", "--listen", "127.0.0.1:0",
                                 "--worker-listen", "127.0.0.1:0", "--drain-notice-seconds", "0"],
                                stderr=subprocess.PIPE, text=True,
                                # OpenBLAS, a library of OpenCV, starts threads before main, and raises SIGINT if it cannot.
                                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, preexec_fn=limit)

    def test_a_server_without_threads_ends_with_a_message(self):
        if os.getuid() != 0:
            self.skipTest("other processes of this user count too")
        refused = served = 0
        for threads in (*range(1, 12), *range(12, 120, 6)):
            with tempfile.TemporaryDirectory(prefix="vico-limits.") as folder:
                os.chmod(folder, 0o777)
                process = self.start(folder, threads)
                until = time.monotonic() + 20
                ports = pathlib.Path(folder, "data", "ports.json")
                while process.poll() is None and not ports.exists() and time.monotonic() < until:
                    time.sleep(0.02)
                if process.poll() is None:
                    self.assertTrue(ports.exists() and json.loads(ports.read_text()), f"{threads} threads: it hangs")
                    served += 1
                    process.terminate()
                    self.assertEqual(process.wait(60), 0, f"{threads} threads")
                    process.stderr.close()
                    continue
                refused += 1
                words = process.stderr.read()
                process.stderr.close()
                self.assertEqual(process.returncode, 1, f"{threads} threads: {words}")
                self.assertIn("vico-server: ", words)
        print(f"{refused} limits refused, {served} served", flush=True)
        self.assertGreater(refused, 5)
        self.assertGreater(served, 2)


if __name__ == "__main__":
    unittest.main()
