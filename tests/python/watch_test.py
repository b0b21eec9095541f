"""Watches: each event once, across streams that end, break and repeat; timeouts that cancel nothing."""
import asyncio
import dataclasses
import hashlib
import os
import threading
import time
import unittest
from unittest import mock

import grpc

import vico
from fake_server import FakeServer, fail, job
from vico import events
from vico._flow import Limits
from vico._watch import Patience
from vico.errors import out_of_reach
from vico.v1 import adapter_pb2, job_pb2, job_service_pb2

CODE = grpc.StatusCode
RUNNING, SUCCEEDED = job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_SUCCEEDED


def event(sequence, **what):
    what = what or {"progress": job_pb2.Event.Progress(step=sequence, total_steps=9)}
    return job_service_pb2.WatchJobResponse(job="jobs/1", event=job_pb2.Event(sequence=sequence, **what))


def succeeded(sequence):
    return event(sequence, succeeded=job_pb2.Event.Succeeded(adapter="adapters/1"))


def picture(sequence, index, data):
    blob = job_pb2.BlobRef(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data),
                           media_type="image/png")
    return event(sequence, picture=job_pb2.Picture(index=index, seed=7, blob=blob))


def chunks(data, size=4):
    sha256 = hashlib.sha256(data).hexdigest()
    for at in range(0, len(data), size):
        chunk = job_service_pb2.PictureChunk(sha256=sha256, offset=at, data=data[at:at + size],
                                             last=at + size >= len(data))
        yield job_service_pb2.WatchJobResponse(job="jobs/1", chunk=chunk)


class Streams:
    """WatchJob that plays one script after another. A script ends with an error if its last item is one."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)

    def __call__(self, request, context):
        for item in self.scripts.pop(0):
            if isinstance(item, CODE):
                fail(context, item, "cut")
            if callable(item):
                item()
                continue
            if item.WhichOneof("item") != "event" or item.event.sequence > request.after_sequence:
                yield item


class WatchTest(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.dict(os.environ, {"XDG_CONFIG_HOME": "/nonexistent"})
        patch.start()
        self.addCleanup(patch.stop)

    def serve(self, *scripts, state=RUNNING, kind=job_pb2.JOB_KIND_TRAINING, **more):
        def get(request, context):
            return job(state=state, kind=kind, adapter="adapters/1", last_sequence=more.get("last", 0))

        self.server = FakeServer({
            "JobService/GetJob": get, "JobService/WatchJob": Streams(*scripts),
            "AdapterService/GetAdapter": lambda request, context: adapter_pb2.Adapter(name=request.name)})
        self.addCleanup(self.server.stop)
        client = vico.Client(self.server.address, patience=more.get("patience", 20))
        self.addCleanup(client.close)
        self.client = client
        return client.jobs.get("jobs/1")

    def afters(self):
        return [request.after_sequence for request in self.server.requests("JobService/WatchJob")]

    def test_a_stream_that_breaks_is_resumed_after_the_last_event(self):
        watched = self.serve([event(1), event(2), CODE.UNAVAILABLE], [event(3), CODE.CANCELLED],
                             [succeeded(4)])
        self.assertEqual([e.sequence for e in watched.events()], [1, 2, 3, 4])
        self.assertEqual(self.afters(), [0, 2, 3])

    def test_an_hour_is_over_and_the_watch_goes_on(self):
        watched = self.serve([event(1), CODE.DEADLINE_EXCEEDED], [succeeded(2)])
        self.assertEqual([e.sequence for e in watched.events()], [1, 2])

    def test_events_that_come_again_are_dropped(self):
        repeat = lambda request, context: iter([event(1), event(2), succeeded(3)])  # noqa: E731
        watched = self.serve([])
        plays = [lambda request, context: iter([event(1), event(2)]), repeat]
        self.server.methods["JobService/WatchJob"] = lambda request, context: plays.pop(0)(request, context)
        self.assertEqual([e.sequence for e in watched.events()], [1, 2, 3])

    def test_a_gap_is_a_loss_of_data(self):
        with self.assertRaisesRegex(vico.DataLoss, "event 3 follows event 1"):
            list(self.serve([event(1), event(3)]).events())

    def test_a_picture_that_is_cut_comes_whole_with_the_next_stream(self):
        data = b"0123456789"
        whole = list(chunks(data))
        watched = self.serve([picture(1, 0, data), whole[0], CODE.UNAVAILABLE],
                             [picture(1, 0, data), *whole, succeeded(2)], kind=job_pb2.JOB_KIND_GENERATION)
        got = [e for e in watched.events(pictures=True) if isinstance(e, events.Finished)]
        self.assertEqual([e.picture.bytes for e in got], [data])
        self.assertEqual(self.afters(), [0, 0])

    def test_bytes_that_do_not_match_their_digest_are_a_loss_of_data(self):
        wrong = list(chunks(b"0123456789"))
        wrong[1].chunk.data = b"xxxx"
        watched = self.serve([picture(1, 0, b"0123456789"), *wrong, succeeded(2)])
        with self.assertRaisesRegex(vico.DataLoss, "does not match its SHA-256"):
            list(watched.events(pictures=True))

    def test_a_picture_that_the_server_no_longer_has_comes_without_bytes(self):
        watched = self.serve([picture(1, 0, b"gone"), picture(2, 1, b"here"), *chunks(b"here"), succeeded(3)])
        got = [e.picture for e in watched.events(pictures=True) if isinstance(e, events.Finished)]
        self.assertEqual(got[1].bytes, b"here")
        with self.assertRaisesRegex(LookupError, "has not been downloaded"):
            got[0].bytes  # noqa: B018

    def test_pictures_of_a_repeated_attempt_come_once(self):
        watched = self.serve([picture(1, 0, b"aaaa"), *chunks(b"aaaa"), CODE.UNAVAILABLE],
                             [picture(2, 0, b"aaaa"), *chunks(b"aaaa"), picture(3, 1, b"bbbb"),
                              *chunks(b"bbbb"), succeeded(4)], kind=job_pb2.JOB_KIND_GENERATION)
        self.assertEqual([p.bytes for p in watched], [b"aaaa", b"bbbb"])

    def test_waiting_returns_the_adapter(self):
        watched = self.serve([event(1), succeeded(2)])
        self.server.methods["JobService/GetJob"] = lambda request, context: job(
            state=RUNNING if not self.afters() else SUCCEEDED, adapter="adapters/1")
        seen = []
        self.assertEqual(watched.wait(progress=seen.append).name, "adapters/1")
        self.assertEqual([type(e) for e in seen], [events.Progress, events.Succeeded])

    def test_waiting_for_a_failed_job_raises_its_error(self):
        watched = self.serve()
        failed = job(state=job_pb2.JOB_STATE_FAILED)
        failed.error.code, failed.error.message = 8, "out of memory"
        self.server.methods["JobService/GetJob"] = lambda request, context: failed
        with self.assertRaises(vico.JobFailed) as raised:
            watched.wait()
        self.assertEqual(raised.exception.code, "RESOURCE_EXHAUSTED")
        self.assertIn("jobs/1 failed: out of memory. retry()", str(raised.exception))

    def test_waiting_for_a_cancelled_job_raises(self):
        with self.assertRaises(vico.JobCancelled):
            self.serve(state=job_pb2.JOB_STATE_CANCELLED).wait()

    def test_a_timeout_ends_the_wait_and_cancels_nothing(self):
        ended = threading.Event()
        watched = self.serve([event(1), lambda: ended.wait(5), succeeded(2)])
        begin = time.monotonic()
        with self.assertRaisesRegex(vico.WaitTimeout, "jobs/1 has not ended after 0.5 s; it goes on"):
            watched.wait(timeout=0.5)
        self.assertLess(time.monotonic() - begin, 3)
        ended.set()
        self.assertNotIn("JobService/CancelJob", [name for name, _, _ in self.server.calls])

    def test_leaving_a_loop_ends_the_stream_and_cancels_nothing(self):
        left = threading.Event()

        def watch(request, context):
            context.add_callback(left.set)
            yield event(1)
            left.wait(5)

        watched = self.serve()
        self.server.methods["JobService/WatchJob"] = watch
        for _ in watched.events():
            break
        self.assertTrue(left.wait(5))
        self.assertNotIn("JobService/CancelJob", [name for name, _, _ in self.server.calls])

    def test_a_server_that_comes_back_in_time_is_found_again(self):
        watched = self.serve([event(1), CODE.UNAVAILABLE])
        port, methods = self.server.port, self.server.methods
        methods["JobService/WatchJob"].scripts.append([succeeded(2)])
        stream = watched.events()
        self.assertEqual(next(stream).sequence, 1)
        self.server.stop()

        def start_again():
            time.sleep(1.5)
            again = FakeServer(methods, port)
            self.addCleanup(again.stop)

        starter = threading.Thread(target=start_again)
        starter.start()
        self.assertEqual([e.sequence for e in stream], [2])
        starter.join()

    def silent(self, client, silence=0.5):
        """The client loses its patience with a silent server after `silence` seconds."""
        client._core.limits = dataclasses.replace(client._core.limits, silence=silence)
        return client

    def test_a_server_that_sends_nothing_is_called_again(self):
        ended = threading.Event()
        self.addCleanup(ended.set)
        self.serve([event(1), lambda: ended.wait(20), succeeded(2)], [succeeded(2)])
        watched = self.silent(self.client).jobs.get("jobs/1")
        begin = time.monotonic()
        self.assertEqual([e.sequence for e in watched.events()], [1, 2])
        self.assertLess(time.monotonic() - begin, 5)

    def test_asyncio_calls_a_server_again_that_sends_nothing(self):
        ended = threading.Event()
        self.addCleanup(ended.set)
        self.serve([event(1), lambda: ended.wait(20), succeeded(2)], [succeeded(2)])

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                watched = await self.silent(client).jobs.get("jobs/1")
                return [e.sequence async for e in watched.events()]

        self.assertEqual(asyncio.run(run()), [1, 2])

    def test_a_slow_caller_is_no_silent_server(self):
        self.serve([event(1), event(2), succeeded(3)])
        # Long enough for the server of a busy machine to answer in.
        watched = self.silent(self.client, silence=3).jobs.get("jobs/1")
        for received in watched.events():
            if received.sequence == 1:
                time.sleep(4)
        self.assertEqual(self.afters(), [0])

    def test_a_wait_that_begins_without_a_server_finds_it_later(self):
        watched = self.serve(state=SUCCEEDED)
        port, methods = self.server.port, self.server.methods
        self.server.stop()

        def start_again():
            time.sleep(4)  # longer than the retries of a short call
            again = FakeServer(methods, port)
            self.addCleanup(again.stop)

        starter = threading.Thread(target=start_again)
        starter.start()
        self.assertEqual(watched.wait().name, "adapters/1")
        starter.join()

    def test_a_server_that_stays_away_is_an_error(self):
        watched = self.serve([event(1), CODE.UNAVAILABLE], patience=1)
        stream = watched.events()
        next(stream)
        self.server.stop()
        with self.assertRaisesRegex(vico.Unavailable, "cannot connect to 127.0.0.1"):
            list(stream)

    def test_a_long_attempt_to_connect_is_no_contact_with_a_server(self):
        patience = Patience("jobs/1", Limits(patience=1), None)
        refused = out_of_reach(vico.Unavailable("cannot connect"))
        with self.assertRaisesRegex(vico.Unavailable, "cannot connect"):
            for _ in range(100):
                patience.wait_after(refused, time.monotonic() - 20, received=False)
                time.sleep(0.1)
        # A stream that was open for as long had a server.
        patience = Patience("jobs/1", Limits(patience=1), None)
        for _ in range(30):
            patience.wait_after(vico.Unavailable("cut"), time.monotonic() - 20, received=False)
            time.sleep(0.05)

    def test_a_stream_without_events_of_an_ended_job_ends_the_watch(self):
        watched = self.serve([], state=SUCCEEDED, last=5)
        self.assertEqual(list(watched.events(after=5)), [])

    def test_warnings_are_logged_for_who_only_waits(self):
        warning = job_pb2.Event.Warning(reason="PROMPT_TRUNCATED", message="the prompt is too long")
        position = job_pb2.Event.Position(position=2, base_model_unavailable=True)
        moved = job_service_pb2.WatchJobResponse(job="jobs/1", position=position)
        watched = self.serve([
            moved, moved,
            event(1, warning=warning), succeeded(2)], kind=job_pb2.JOB_KIND_GENERATION)
        with self.assertLogs("vico", "WARNING") as logged:
            watched.wait()
        self.assertEqual(len(logged.output), 2)
        self.assertIn("no live worker serves its base model", logged.output[0])
        self.assertIn("PROMPT_TRUNCATED", logged.output[1])

    def test_a_watch_of_all_jobs_resumes_by_its_cursor_with_each_event_once(self):
        def answer(cursor, **item):
            return job_service_pb2.WatchJobsResponse(cursor=cursor, job="jobs/1", **item)

        def watch(request, context):
            progress = event(5).event
            if not request.cursor:
                yield answer("a", snapshot=job(last_sequence=4))
                yield answer("b", ready=job_service_pb2.WatchJobsReady())
                yield answer("c", event=progress)
                fail(context, CODE.UNAVAILABLE, "cut")
            self.assertEqual(request.cursor, "c")
            yield answer("d", event=progress)
            yield answer("e", event=succeeded(6).event)

        self.serve()
        self.server.methods["JobService/WatchJobs"] = watch
        changes = self.client.jobs.watch()
        first = [next(changes) for _ in range(4)]
        self.assertEqual(first[0].snapshot.name, "jobs/1")
        self.assertTrue(first[1].ready)
        self.assertEqual([change.event.sequence for change in first[2:]], [5, 6])
        changes.close()

    def test_an_expired_cursor_starts_again(self):
        def watch(request, context):
            if request.cursor:
                fail(context, CODE.INVALID_ARGUMENT, "too old", reason="CURSOR_EXPIRED")
            yield job_service_pb2.WatchJobsResponse(cursor="a", job="jobs/1", snapshot=job())
            fail(context, CODE.UNAVAILABLE, "cut")

        self.serve()
        self.server.methods["JobService/WatchJobs"] = watch
        changes = self.client.jobs.watch()
        self.assertEqual([next(changes).job for _ in range(2)], ["jobs/1"] * 2)
        changes.close()

    def test_asyncio_resumes_and_yields_each_picture_once(self):
        data = b"0123456789"
        self.serve([picture(1, 0, data), *chunks(data), CODE.UNAVAILABLE],
                   [picture(2, 1, b"bb"), *chunks(b"bb"), succeeded(3)], kind=job_pb2.JOB_KIND_GENERATION)

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                return [p.bytes async for p in await client.jobs.get("jobs/1")]

        self.assertEqual(asyncio.run(run()), [data, b"bb"])

    def test_asyncio_resumes_after_a_server_that_shuts_down(self):
        self.serve([event(1), CODE.CANCELLED], [event(2), CODE.UNAVAILABLE], [succeeded(3)])

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                watched = await client.jobs.get("jobs/1")
                return [e.sequence async for e in watched.events()]

        self.assertEqual(asyncio.run(run()), [1, 2, 3])

    def test_a_cancelled_task_ends_its_stream_and_no_job(self):
        left = threading.Event()

        def watch(request, context):
            context.add_callback(left.set)
            yield event(1)
            left.wait(5)

        self.serve()
        self.server.methods["JobService/WatchJob"] = watch

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                training = await client.jobs.get("jobs/1")
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(training.wait(), 0.5)
                self.assertTrue(await asyncio.to_thread(left.wait, 5))

        asyncio.run(run())
        self.assertNotIn("JobService/CancelJob", [name for name, _, _ in self.server.calls])


if __name__ == "__main__":
    unittest.main()
