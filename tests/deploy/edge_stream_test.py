"""A watch of a queued job through a proxy with its unchanged profile: it stays open for SECONDS, receives bookmarks, and
ends with the last event of the job. Usage: edge_stream_test.py VICO_SERVER nginx|haproxy SECONDS"""
import importlib
import sys
import threading
import time
import unittest

import fake_worker
import vico_api
from vico_api import call, message

import grpc

SERVER_PROGRAM, PROXY, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
del sys.argv[1:4]
profile = importlib.import_module(f"{PROXY}_edge")
BOOKMARK_SECONDS = 15


class EdgeStreamTest(unittest.TestCase):
    def test_a_long_watch_stays_open_and_ends_with_the_job(self):
        with vico_api.Server(SERVER_PROGRAM) as server, profile.Edge(server.address) as edge, \
                edge.channel() as channel, edge.channel() as other:
            with grpc.insecure_channel(server.worker_address) as workers:
                fake_worker.FakeWorker(workers).register()
            submit = call(other, "JobService", "CreateGenerationJob")
            job = submit(fake_worker.submit_generation(channel), timeout=10).name
            watching = call(channel, "JobService", "WatchJob")(message("WatchJobRequest", name=job),
                                                               timeout=SECONDS + 60)
            begin = time.monotonic()
            cancelled = []

            def cancel():
                cancelled.append(time.monotonic())
                call(other, "JobService", "CancelJob")(message("CancelJobRequest", name=job), timeout=10)
            timer = threading.Timer(SECONDS, cancel)
            self.addCleanup(timer.cancel)
            timer.start()
            came = [(time.monotonic(), answer) for answer in watching]

        events = [answer.event for _, answer in came if answer.HasField("event")]
        bookmarks = [at for at, answer in came if not answer.HasField("event")]
        last_at, last = came[-1]
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        self.assertTrue(last.event.HasField("cancelled"), last)
        self.assertGreaterEqual(last_at - begin, SECONDS)
        self.assertLess(last_at - cancelled[0], 5)
        times = [begin, *(at for at, _ in came)]
        silence = max(after - before for before, after in zip(times, times[1:]))
        self.assertLess(silence, 2 * BOOKMARK_SECONDS, "bookmarks are late")
        print(f"a watch of {last_at - begin:.0f} s through {PROXY}: {len(bookmarks)} bookmarks, at most "
              f"{silence:.1f} s of silence, the last event {1000 * (last_at - cancelled[0]):.0f} ms after the cancel")


if __name__ == "__main__":
    unittest.main()
