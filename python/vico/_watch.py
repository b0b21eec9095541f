"""Flows of watches: the events of one job, or of all jobs, over several streams if needed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vico._calls import patient
from vico._flow import Backoff, Deliver, Flow, Limits, Open, Read, Sleep, Stream
from vico._methods import GET_JOB, WATCH_JOB, WATCH_JOBS
from vico.errors import Unavailable, VicoError, WaitTimeout, is_out_of_reach, is_worth_retrying
from vico.events import EventAssembler
from vico.v1 import job_pb2, job_service_pb2

_log = logging.getLogger("vico")

# A stream that stayed open this long without a message was connected to a server.
_CONNECTED_AFTER = 5.0


@dataclass(frozen=True)
class RawEvent:
    """An event as a watch delivers it."""

    event: job_pb2.Event
    data: bytes | None  #: content of its blob


class Patience:
    """Decides whether a watch opens another stream, and after which wait."""

    def __init__(self, what: str, limits: Limits, timeout: float | None) -> None:
        self._what = what
        self._limits = limits
        self._timeout = timeout
        self._end = None if timeout is None else time.monotonic() + timeout
        self._backoff = Backoff()
        self._last_contact = time.monotonic()

    def stream_timeout(self) -> float:
        """Of the next stream."""
        if self._end is None:
            return self._limits.stream
        return max(min(self._limits.stream, self._end - time.monotonic()), 0.001)

    def check(self) -> None:
        """Raises WaitTimeout when the caller's time is over."""
        if self._end is not None and time.monotonic() >= self._end:
            raise WaitTimeout(self._what, self._timeout or 0.0)

    def wait_after(self, error: VicoError | None, opened: float, received: bool) -> float:
        """Seconds to wait before the next stream. Raises the error if there was no server for too long."""
        self.check()
        now = time.monotonic()
        error = error or Unavailable("the stream ended before the job did")
        # An attempt to connect may take long, too.
        if received or (now - opened > _CONNECTED_AFTER and not is_out_of_reach(error)):
            self._last_contact = now
            self._backoff.reset()
        if not is_worth_retrying(error):
            raise error
        wait = max(self._backoff.next(), error.retry_delay or 0.0)
        if now - self._last_contact + wait > self._limits.patience:
            raise error
        if self._end is not None:
            wait = min(wait, max(self._end - now, 0.0))
        _log.info("%s: %s; watching again in %.1f s", self._what, error.message, wait)
        return wait


@contextmanager
def closing(stream: Stream) -> Iterator[Stream]:
    """Ends the call when the block is left early."""
    try:
        yield stream
    finally:
        stream.cancel()  # does nothing after the stream's end


def watch_job(
    limits: Limits, name: str, after_sequence: int, include_pictures: bool, timeout: float | None
) -> Flow[None]:
    """Delivers a RawEvent for each event after `after_sequence`, and job_pb2.Event.Position for changes of
    place, until the job has ended. Raises WaitTimeout after `timeout` seconds; the job goes on."""
    assembler = EventAssembler(after_sequence, include_pictures)
    patience = Patience(name, limits, timeout)
    while True:
        request = job_service_pb2.WatchJobRequest(
            name=name, after_sequence=assembler.delivered, include_pictures=include_pictures
        )
        opened = time.monotonic()
        received = False
        error: VicoError | None = None
        try:
            stream = yield Open(WATCH_JOB, request, patience.stream_timeout())
            with closing(stream):
                while not assembler.ended:
                    message: job_service_pb2.WatchJobResponse | None = yield Read(stream, limits.silence)
                    if message is None:
                        break
                    received = True
                    if message.WhichOneof("item") == "position":
                        yield Deliver(message.position)
                    for event, data in assembler.take(message):
                        yield Deliver(RawEvent(event, data))
        except VicoError as failed:
            error = failed
        assembler.end_stream()
        if assembler.ended:
            return
        if error is None and not received:
            # The stream has no further events. Has the job ended?
            job = yield from patient(limits, GET_JOB, job_service_pb2.GetJobRequest(name=name))
            if has_ended(job) and job.last_sequence <= assembler.delivered:
                return
        yield Sleep(patience.wait_after(error, opened, received))


def has_ended(job: job_pb2.Job) -> bool:
    """Whether the job is in a final state."""
    return job.state in (
        job_pb2.JOB_STATE_SUCCEEDED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_CANCELLED,
    )


def watch_jobs(
    limits: Limits, job_filter: job_pb2.JobFilter, cursor: str, initial_jobs: int, timeout: float | None
) -> Flow[None]:
    """Delivers the messages of WatchJobs that have an item, each event once, without an end. Raises
    WaitTimeout after `timeout` seconds."""
    patience = Patience("the watch of jobs", limits, timeout)
    delivered: dict[str, int] = {}  # sequence number of the newest event, by job
    while True:
        request = job_service_pb2.WatchJobsRequest(
            filter=job_filter, cursor=cursor, initial_jobs=0 if cursor else initial_jobs
        )
        opened = time.monotonic()
        received = False
        error: VicoError | None = None
        try:
            stream = yield Open(WATCH_JOBS, request, patience.stream_timeout())
            with closing(stream):
                while True:
                    message: job_service_pb2.WatchJobsResponse | None = yield Read(
                        stream, limits.silence
                    )
                    if message is None:
                        break
                    received = True
                    if _is_new(message, delivered):
                        yield Deliver(message)
                    cursor = message.cursor or cursor
        except VicoError as failed:
            error = failed
        if error is not None and error.reason == "CURSOR_EXPIRED" and cursor:
            cursor = ""  # the state of all jobs comes again
            continue
        yield Sleep(patience.wait_after(error, opened, received))


def _is_new(message: job_service_pb2.WatchJobsResponse, delivered: dict[str, int]) -> bool:
    """Whether the caller has not seen the item; notes that it has."""
    item = message.WhichOneof("item")
    if item == "event":
        if message.event.sequence <= delivered.get(message.job, 0):
            return False
        delivered[message.job] = message.event.sequence
    elif item == "snapshot":
        delivered[message.job] = max(delivered.get(message.job, 0), message.snapshot.last_sequence)
    elif item == "deleted":
        delivered.pop(message.job, None)
    return item is not None
