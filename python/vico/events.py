"""What happens to a job. A watch delivers each event once, in order and without gaps, across reconnections.

    for event in job.events():
        match event:
            case vico.events.Progress(step=step, loss=loss): ...
            case vico.events.Sample(picture=picture): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from google.protobuf.timestamp_pb2 import Timestamp

from vico import errors
from vico._prompts import PromptOf, no_prompt
from vico.pictures import Picture, sha256_hex
from vico.v1 import job_pb2, job_service_pb2


@dataclass(frozen=True)
class Event:
    """An event of a kind that this package does not know, and the base of the others."""

    #: "jobs/{id}".
    job: str
    #: 1, 2, 3, … in its job; 0 for Position, which is not stored.
    sequence: int
    #: When the server stored it, in UTC.
    time: datetime | None
    #: Of the job.
    attempt: int


@dataclass(frozen=True)
class Queued(Event):
    """The job waits in the queue."""

    #: Number of jobs before it.
    position: int


@dataclass(frozen=True)
class Position(Event):
    """The place of the waiting job has changed."""

    #: Number of jobs before it.
    position: int
    #: No live worker serves the job's base model: it waits until one starts.
    base_model_unavailable: bool


@dataclass(frozen=True)
class Started(Event):
    """A worker has leased the job."""

    worker: str
    #: "cpu", "cuda:0".
    device: str


@dataclass(frozen=True)
class Progress(Event):
    """The worker has done more steps."""

    step: int
    total_steps: int
    #: Of a training: of the noise prediction, mean over the batch.
    loss: float
    #: Of a training: the regularizer, before its weight is applied.
    loss_reg: float
    seconds_per_step: float
    #: Estimated seconds to the end, or None.
    eta_seconds: float | None


@dataclass(frozen=True)
class PictureEvent(Event):
    """An event with a picture. Its bytes are there if the watch asked for pictures and the server still has
    this one."""

    picture: Picture


@dataclass(frozen=True)
class Sample(PictureEvent):
    """A picture that a training drew with the adapter so far."""


@dataclass(frozen=True)
class Mask(PictureEvent):
    """The learned mask of one picture of the concept."""

    #: 0..1, fraction of foreground.
    coverage: float


@dataclass(frozen=True)
class Preview(PictureEvent):
    """A picture of a generation that is not finished."""


@dataclass(frozen=True)
class Finished(PictureEvent):
    """A finished picture of a generation."""


@dataclass(frozen=True)
class Checkpoint(Event):
    """A state is stored from which another worker can continue the training."""

    step: int


@dataclass(frozen=True)
class Warning(Event):  # noqa: A001
    """Something that the user should know; the job goes on."""

    #: Stable, UPPER_SNAKE_CASE.
    reason: str
    message: str


@dataclass(frozen=True)
class Succeeded(Event):
    """The job has its result. Last event."""

    #: Of a training: "adapters/{id}".
    adapter: str
    #: Of a generation.
    picture_count: int


@dataclass(frozen=True)
class Failed(Event):
    """The job has an error. Last event."""

    error: errors.VicoError


@dataclass(frozen=True)
class Cancelled(Event):
    """The job was cancelled. Last event."""


def is_terminal(event: Event) -> bool:
    """Whether this is the last event of its job."""
    return isinstance(event, (Succeeded, Failed, Cancelled))


def utc(time: Timestamp) -> datetime | None:
    """None for an unset time."""
    if time.seconds == 0:
        return None
    return datetime.fromtimestamp(time.seconds + time.nanos / 1e9, timezone.utc)


def picture_of(job: str, picture: job_pb2.Picture, prompt: str = "") -> Picture:
    """A finished picture of a generation, without its bytes."""
    return Picture(
        kind="picture",
        name=picture.name,
        index=picture.index,
        seed=picture.seed,
        prompt=prompt,
        width=picture.width,
        height=picture.height,
        sha256=picture.blob.sha256,
        media_type=picture.blob.media_type or "image/png",
        job=job,
    )


def from_message(
    job: str, event: job_pb2.Event, data: bytes | None, prompt_of: PromptOf = no_prompt
) -> Event:
    """The event of a message. `data` is the content of its blob; `prompt_of` knows the job's prompts."""
    what = event.WhichOneof("what")
    base = (job, event.sequence, utc(event.time), event.attempt)
    if what == "queued":
        return Queued(*base, event.queued.position)
    if what == "started":
        return Started(*base, event.started.worker, event.started.device)
    if what == "progress":
        progress = event.progress
        eta = progress.eta.seconds + progress.eta.nanos / 1e9 if progress.HasField("eta") else None
        return Progress(
            *base,
            progress.step,
            progress.total_steps,
            progress.loss,
            progress.loss_reg,
            progress.seconds_per_step,
            eta,
        )
    if what == "checkpoint":
        return Checkpoint(*base, event.checkpoint.step)
    if what == "warning":
        return Warning(*base, event.warning.reason, event.warning.message)
    if what == "succeeded":
        return Succeeded(*base, event.succeeded.adapter, event.succeeded.picture_count)
    if what == "failed":
        return Failed(*base, errors.from_status(event.failed.status))
    if what == "cancelled":
        return Cancelled(*base)
    return _picture_event(base, event, data, prompt_of)


def _picture_event(
    base: tuple[str, int, datetime | None, int],
    event: job_pb2.Event,
    data: bytes | None,
    prompt_of: PromptOf,
) -> Event:
    job = base[0]
    what = event.WhichOneof("what")
    blob = blob_of(event)
    if blob is None:
        return Event(*base)
    if what == "picture":
        finished = picture_of(job, event.picture, prompt_of(event.picture.index))
        return Finished(*base, _filled(finished, data))
    if what == "sample":
        sample = event.sample.picture
        drawn = picture_of(job, sample, prompt_of(sample.index))
        return Sample(*base, _filled(replace(drawn, kind="sample", step=event.sample.step), data))
    media_type = blob.media_type or "image/png"
    if what == "mask":
        mask = Picture(
            kind="mask",
            name=event.mask.name,
            index=event.mask.picture_index,
            step=event.mask.step,
            sha256=blob.sha256,
            media_type=media_type,
            job=job,
        )
        return Mask(*base, _filled(mask, data), event.mask.coverage)
    preview = Picture(
        kind="preview",
        name=event.preview.name,
        index=event.preview.picture_index,
        step=event.preview.step,
        prompt=prompt_of(event.preview.picture_index),
        sha256=blob.sha256,
        media_type=media_type,
        job=job,
    )
    return Preview(*base, _filled(preview, data))


def _filled(picture: Picture, data: bytes | None) -> Picture:
    return picture if data is None else picture.with_bytes(data)


def position_of(job: str, position: job_pb2.Event.Position) -> Position:
    """The event of a change of place in the queue."""
    return Position(job, 0, None, 0, position.position, position.base_model_unavailable)


def blob_of(event: job_pb2.Event) -> job_pb2.BlobRef | None:
    """The blob of an event with a picture."""
    what = event.WhichOneof("what")
    if what == "picture":
        return event.picture.blob
    if what == "sample":
        return event.sample.picture.blob
    if what == "mask":
        return event.mask.blob
    if what == "preview":
        return event.preview.blob
    return None


def ends_job(event: job_pb2.Event) -> bool:
    """Whether this is the last event of its job."""
    return event.WhichOneof("what") in ("succeeded", "failed", "cancelled")


class EventAssembler:
    """Takes the messages of one job, from one stream after another, and returns each event once, with its
    bytes. An event with a picture is returned after its last chunk. If the stream ends earlier, the next one
    starts after `delivered` and sends the event again."""

    def __init__(self, after_sequence: int, include_pictures: bool) -> None:
        self.delivered = after_sequence  #: sequence number of the last event that was returned
        self.ended = False  #: the last event of the job was returned
        self._include_pictures = include_pictures
        self._pending: job_pb2.Event | None = None  # some of its chunks have not arrived
        self._data = bytearray()  # of _pending, so far

    def take(
        self, message: job_service_pb2.WatchJobResponse
    ) -> Iterator[tuple[job_pb2.Event, bytes | None]]:
        """The events that are complete with this message, with their bytes. Raises DataLoss for a gap in the
        sequence numbers and for bytes that do not match their digest."""
        item = message.WhichOneof("item")
        if item == "event":
            yield from self._take_event(message.event)
        elif item == "chunk":
            yield from self._take_chunk(message.chunk)

    def end_stream(self) -> None:
        """Call this when a stream ends: drops an incomplete event."""
        self._pending = None
        self._data.clear()

    def _take_event(self, event: job_pb2.Event) -> Iterator[tuple[job_pb2.Event, bytes | None]]:
        if self._pending is not None:
            if self._data:
                raise errors.DataLoss(
                    f"the picture of event {self._pending.sequence} ends after {len(self._data)} bytes"
                )
            without_bytes, self._pending = self._pending, None
            yield self._deliver(without_bytes, None)
        if event.sequence <= self.delivered:
            return
        if event.sequence != self.delivered + 1:
            raise errors.DataLoss(f"event {event.sequence} follows event {self.delivered}")
        if self._include_pictures and blob_of(event) is not None:
            self._pending = event
        else:
            yield self._deliver(event, None)

    def _take_chunk(
        self, chunk: job_service_pb2.PictureChunk
    ) -> Iterator[tuple[job_pb2.Event, bytes | None]]:
        event = self._pending
        blob = None if event is None else blob_of(event)
        if event is None or blob is None:
            return  # of an event that was delivered before
        if (
            chunk.sha256 != blob.sha256
            or chunk.offset != len(self._data)
            or len(self._data) + len(chunk.data) > blob.size_bytes
        ):
            raise errors.DataLoss(f"event {event.sequence}: chunk of another picture or out of order")
        self._data += chunk.data
        if not chunk.last:
            return
        data = bytes(self._data)
        if sha256_hex(data) != blob.sha256:
            raise errors.DataLoss(f"event {event.sequence}: the picture does not match its SHA-256")
        self.end_stream()
        yield self._deliver(event, data)

    def _deliver(
        self, event: job_pb2.Event, data: bytes | None
    ) -> tuple[job_pb2.Event, bytes | None]:
        self.delivered = event.sequence
        self.ended = self.ended or ends_job(event)
        return event, data
