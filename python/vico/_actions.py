"""Flows of what a user does: one for each action."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol, Union

from google.protobuf.field_mask_pb2 import FieldMask

from vico import _methods as methods
from vico import events
from vico._calls import creating, new_request_id, once, pages, part_of_request, patient, short
from vico._flow import Flow, Limits, mapped
from vico._prompts import PromptOf, no_prompt, prompt_of
from vico._sources import Source
from vico._specs import enum_number
from vico._transfer import download_picture as transfer_picture
from vico._transfer import send_picture
from vico._watch import RawEvent, has_ended, watch_job, watch_jobs
from vico.errors import JobCancelled, JobFailed, VicoError, from_status, is_worth_retrying
from vico.pictures import Kind, Picture
from vico.v1 import adapter_pb2, concept_pb2, job_pb2, job_service_pb2, model_pb2, picture_pb2

_log = logging.getLogger("vico")


class Named(Protocol):
    """A resource: a Concept, an Adapter, a Job, a BaseModel, a Picture or an UploadedPicture."""

    @property
    def name(self) -> str: ...


#: A resource or its name, for example "adapters/91c2…".
Ref = Union[str, Named]


def name_of(ref: Ref) -> str:
    return ref if isinstance(ref, str) else ref.name


# --- concepts, adapters, base models ----------------------------------------------------------------


def get_concept(limits: Limits, name: str) -> Flow[concept_pb2.Concept]:
    return short(limits, methods.GET_CONCEPT, concept_pb2.GetConceptRequest(name=name))


def list_concepts(limits: Limits, page_size: int) -> Flow[None]:
    request = concept_pb2.ListConceptsRequest()
    return pages(limits, methods.LIST_CONCEPTS, request, lambda page: page.concepts, page_size)


def update_concept(
    limits: Limits, name: str, display_name: str | None, labels: Mapping[str, str] | None
) -> Flow[concept_pb2.Concept]:
    updated = concept_pb2.Concept(name=name, display_name=display_name or "", labels=dict(labels or {}))
    request = concept_pb2.UpdateConceptRequest(
        updated_concept=updated, update_mask=_mask(display_name, labels)
    )
    return short(limits, methods.UPDATE_CONCEPT, request)


def delete_concept(limits: Limits, name: str) -> Flow[Any]:
    return short(limits, methods.DELETE_CONCEPT, concept_pb2.DeleteConceptRequest(name=name))


def get_adapter(limits: Limits, name: str) -> Flow[adapter_pb2.Adapter]:
    return short(limits, methods.GET_ADAPTER, adapter_pb2.GetAdapterRequest(name=name))


def get_report(limits: Limits, adapter: str) -> Flow[adapter_pb2.AdapterReport]:
    request = adapter_pb2.GetAdapterReportRequest(name=adapter)
    return short(limits, methods.GET_ADAPTER_REPORT, request)


def list_adapters(limits: Limits, page_size: int) -> Flow[None]:
    request = adapter_pb2.ListAdaptersRequest()
    return pages(limits, methods.LIST_ADAPTERS, request, lambda page: page.adapters, page_size)


def update_adapter(
    limits: Limits, name: str, display_name: str | None, labels: Mapping[str, str] | None
) -> Flow[adapter_pb2.Adapter]:
    updated = adapter_pb2.Adapter(name=name, display_name=display_name or "", labels=dict(labels or {}))
    request = adapter_pb2.UpdateAdapterRequest(adapter=updated, update_mask=_mask(display_name, labels))
    return short(limits, methods.UPDATE_ADAPTER, request)


def delete_adapter(limits: Limits, name: str) -> Flow[Any]:
    return short(limits, methods.DELETE_ADAPTER, adapter_pb2.DeleteAdapterRequest(name=name))


def list_base_models(limits: Limits) -> Flow[model_pb2.ListBaseModelsResponse]:
    return short(limits, methods.LIST_BASE_MODELS, model_pb2.ListBaseModelsRequest())


def get_base_model(limits: Limits, name: str) -> Flow[model_pb2.BaseModel]:
    return short(limits, methods.GET_BASE_MODEL, model_pb2.GetBaseModelRequest(name=name))


def check_word(limits: Limits, word: str, base_model: str) -> Flow[model_pb2.CheckWordResponse]:
    request = model_pb2.CheckWordRequest(word=word, base_model=base_model)
    return short(limits, methods.CHECK_WORD, request)


def get_capabilities(limits: Limits) -> Flow[model_pb2.Capabilities]:
    return short(limits, methods.GET_CAPABILITIES, model_pb2.GetCapabilitiesRequest())


def _mask(display_name: str | None, labels: Mapping[str, str] | None) -> FieldMask:
    paths = []
    if display_name is not None:
        paths.append("display_name")
    if labels is not None:
        paths.append("labels")
    if not paths:
        raise TypeError("update() needs display_name or labels")
    return FieldMask(paths=paths)


# --- pictures ---------------------------------------------------------------------------------------

_OWNERS: Mapping[str, Kind] = {"concepts": "concept", "pictures": "upload"}
_KINDS: Mapping[str, Kind] = {
    "pictures": "picture",
    "samples": "sample",
    "masks": "mask",
    "previews": "preview",
    "reference": "reference",
    "report": "report",
}


def download_picture(
    limits: Limits, ref: Ref, thumbnail: int, format: Literal["png", "jpeg"] | None
) -> Flow[Picture]:
    """`thumbnail` is the longer side in pixels; 0: the whole picture."""
    name = name_of(ref)
    if not name:
        raise ValueError("the picture has no name: the server is too old to send it again")
    number = 0
    if format is not None:
        field = picture_pb2.DownloadPictureRequest.DESCRIPTOR.fields_by_name["format"]
        number = enum_number(field, format)
    header, data = yield from transfer_picture(limits, name, thumbnail, number)
    parts = name.split("/")
    kind = _OWNERS.get(parts[0]) or _KINDS.get((parts + ["", "", ""])[2], "picture")
    known = ref if isinstance(ref, Picture) else Picture(kind=kind, name=name, job=_job_in(name))
    return replace(
        known,
        width=header.width or known.width,
        height=header.height or known.height,
        sha256=header.sha256,
        media_type=header.media_type,
        data=data,
    )


def delete_picture(limits: Limits, name: str) -> Flow[Any]:
    return short(limits, methods.DELETE_PICTURE, picture_pb2.DeletePictureRequest(name=name))


def _job_in(name: str) -> str:
    return "/".join(name.split("/")[:2]) if name.startswith("jobs/") else ""


# --- jobs -------------------------------------------------------------------------------------------


def check_training(limits: Limits, spec: job_pb2.TrainSpec) -> Flow[job_pb2.Job]:
    """The job that would be queued."""
    request = job_service_pb2.CreateTrainingJobRequest(train=spec, validate_only=True)
    return short(limits, methods.CREATE_TRAINING_JOB, request)


def create_training(
    limits: Limits,
    spec: job_pb2.TrainSpec,
    display_name: str,
    labels: Mapping[str, str] | None,
    request_id: str | None,
) -> Flow[job_pb2.Job]:
    given = new_request_id(request_id)
    request = job_service_pb2.CreateTrainingJobRequest(
        request_id=given, train=spec, display_name=display_name, labels=dict(labels or {})
    )
    return creating(given, short(limits, methods.CREATE_TRAINING_JOB, request))


def create_generation(
    limits: Limits,
    spec: job_pb2.GenerateSpec,
    uploads: Mapping[str, Source],
    display_name: str,
    labels: Mapping[str, str] | None,
    request_id: str | None,
) -> Flow[job_pb2.Job]:
    """`uploads` are the pictures that the fields of the spec name once they are uploaded. They are deleted
    when the job has its copies, unless a repetition with the same request id may need them."""
    given = new_request_id(request_id)
    request = job_service_pb2.CreateGenerationJobRequest(
        request_id=given, generate=spec, display_name=display_name, labels=dict(labels or {})
    )

    names: list[str] = []

    def create() -> Flow[job_pb2.Job]:
        for field, source in uploads.items():
            # With the same id a repetition gets the same picture, and so sends the same spec.
            uploaded = yield from send_picture(limits, source, part_of_request(given, field), None)
            names.append(uploaded.name)
            setattr(request.generate, field, uploaded.name)
        return (yield from short(limits, methods.CREATE_GENERATION_JOB, request))

    def flow() -> Flow[job_pb2.Job]:
        try:
            job = yield from create()
        except VicoError as error:
            if request_id is None and not is_worth_retrying(error):
                yield from _delete_uploads(limits, names)
            raise
        if request_id is None:
            yield from _delete_uploads(limits, names)
        return job

    return creating(given, flow())


def _delete_uploads(limits: Limits, names: Iterable[str]) -> Flow[None]:
    """Tries once: the server deletes them later by itself."""
    for name in names:
        try:
            yield from once(limits, methods.DELETE_PICTURE, picture_pb2.DeletePictureRequest(name=name))
        except VicoError as error:
            _log.debug("%s is not deleted: %s", name, error)


def create_evaluation(
    limits: Limits,
    spec: job_pb2.EvaluateSpec,
    display_name: str,
    labels: Mapping[str, str] | None,
    request_id: str | None,
) -> Flow[job_pb2.Job]:
    given = new_request_id(request_id)
    request = job_service_pb2.CreateEvaluationJobRequest(
        request_id=given, evaluate=spec, display_name=display_name, labels=dict(labels or {})
    )
    return creating(given, short(limits, methods.CREATE_EVALUATION_JOB, request))


def continue_training(
    limits: Limits,
    adapter: str,
    steps: int,
    display_name: str,
    labels: Mapping[str, str] | None,
    request_id: str | None,
) -> Flow[job_pb2.Job]:
    given = new_request_id(request_id)
    request = job_service_pb2.ContinueTrainingRequest(
        request_id=given,
        adapter=adapter,
        steps=steps,
        display_name=display_name,
        labels=dict(labels or {}),
    )
    return creating(given, short(limits, methods.CONTINUE_TRAINING, request))


def get_job(limits: Limits, name: str) -> Flow[job_pb2.Job]:
    return short(limits, methods.GET_JOB, job_service_pb2.GetJobRequest(name=name))


def list_jobs(limits: Limits, job_filter: job_pb2.JobFilter, page_size: int) -> Flow[None]:
    request = job_service_pb2.ListJobsRequest(filter=job_filter)
    return pages(limits, methods.LIST_JOBS, request, lambda page: page.jobs, page_size)


def update_job(
    limits: Limits, name: str, display_name: str | None, labels: Mapping[str, str] | None
) -> Flow[job_pb2.Job]:
    updated = job_pb2.Job(name=name, display_name=display_name or "", labels=dict(labels or {}))
    request = job_service_pb2.UpdateJobRequest(job=updated, update_mask=_mask(display_name, labels))
    return short(limits, methods.UPDATE_JOB, request)


def cancel_job(limits: Limits, name: str) -> Flow[job_pb2.Job]:
    return short(limits, methods.CANCEL_JOB, job_service_pb2.CancelJobRequest(name=name))


def cancel_jobs(
    limits: Limits, names: Sequence[str], job_filter: job_pb2.JobFilter | None, dry_run: bool
) -> Flow[int]:
    """The number of jobs that are cancelled, or that would be."""
    request = job_service_pb2.CancelJobsRequest(names=names, filter=job_filter, validate_only=dry_run)
    count = 0
    while True:
        answer = yield from short(limits, methods.CANCEL_JOBS, request)
        count += answer.cancelled_count + answer.requested_count
        if dry_run or not answer.more:
            return count


def finish_training(limits: Limits, name: str) -> Flow[job_pb2.Job]:
    return short(limits, methods.FINISH_TRAINING, job_service_pb2.FinishTrainingRequest(name=name))


def retry_job(limits: Limits, name: str, request_id: str | None) -> Flow[job_pb2.Job]:
    given = new_request_id(request_id)
    request = job_service_pb2.RetryJobRequest(name=name, request_id=given)
    return creating(given, short(limits, methods.RETRY_JOB, request))


def delete_job(limits: Limits, name: str) -> Flow[Any]:
    return short(limits, methods.DELETE_JOB, job_service_pb2.DeleteJobRequest(name=name))


def job_filter(
    kind: str | None,
    state: str | Iterable[str] | None,
    concept: Ref | None,
    adapter: Ref | None,
    created_after: datetime | None,
    created_before: datetime | None,
) -> job_pb2.JobFilter:
    """Raises ValueError for a word that is no kind or state, and for a time without a time zone."""
    made = job_pb2.JobFilter()
    kinds = made.DESCRIPTOR.fields_by_name["kinds"]
    states = made.DESCRIPTOR.fields_by_name["states"]
    if kind is not None:
        made.kinds.append(enum_number(kinds, kind))  # type: ignore[arg-type]
    for word in [state] if isinstance(state, str) else state or ():
        made.states.append(enum_number(states, word))  # type: ignore[arg-type]
    if concept is not None:
        made.concept_name = name_of(concept)
    if adapter is not None:
        made.adapter = name_of(adapter)
    for time, field in ((created_after, made.created_after), (created_before, made.created_before)):
        if time is None:
            continue
        if time.tzinfo is None:
            raise ValueError(f"{time}: needs a time zone, for example timezone.utc")
        field.FromDatetime(time)
    return made


# --- watches ----------------------------------------------------------------------------------------


def watch_events(
    limits: Limits, job: job_pb2.Job, after: int, with_pictures: bool, timeout: float | None
) -> Flow[None]:
    """Delivers events.Event."""
    prompt = prompt_of(job)

    def convert(value: Any) -> Iterable[events.Event]:
        if isinstance(value, RawEvent):
            yield events.from_message(job.name, value.event, value.data, prompt)
        else:
            yield events.position_of(job.name, value)

    return mapped(watch_job(limits, job.name, after, with_pictures, timeout), convert)


@dataclass(frozen=True)
class Change:
    """A message of WatchJobs."""

    job: str
    snapshot: job_pb2.Job | None
    event: events.Event | None
    deleted: bool
    ready: bool


def watch_changes(
    limits: Limits, wanted: job_pb2.JobFilter, initial_jobs: int, timeout: float | None
) -> Flow[None]:
    """Delivers Change."""
    prompts: dict[str, PromptOf] = {}

    def convert(message: job_service_pb2.WatchJobsResponse) -> Iterable[Change]:
        item = message.WhichOneof("item")
        job = message.job
        event: events.Event | None = None
        if item == "snapshot":
            prompts[job] = prompt_of(message.snapshot)
        elif item == "deleted":
            prompts.pop(job, None)
        elif item == "event":
            event = events.from_message(job, message.event, None, prompts.get(job, no_prompt))
        elif item == "position":
            event = events.position_of(job, message.position)
        snapshot = message.snapshot if item == "snapshot" else None
        yield Change(job, snapshot, event, item == "deleted", item == "ready")

    return mapped(watch_jobs(limits, wanted, "", initial_jobs, timeout), convert)


def wait(
    limits: Limits, name: str, timeout: float | None, on_event: Callable[[events.Event], None]
) -> Flow[job_pb2.Job]:
    """The job after it has succeeded. Raises JobFailed, JobCancelled, and WaitTimeout."""
    request = job_service_pb2.GetJobRequest(name=name)
    job = yield from patient(limits, methods.GET_JOB, request, timeout)
    log = WarningLog(job)
    if not has_ended(job):
        # The newest event is repeated, so that a display knows at once where the job is.
        after = max(job.last_sequence, 1) - 1

        def take(event: events.Event) -> Iterable[Any]:
            log.take(event)
            on_event(event)
            return ()

        yield from mapped(watch_events(limits, job, after, False, timeout), take)
        job = yield from patient(limits, methods.GET_JOB, request)
    if job.state == job_pb2.JOB_STATE_FAILED:
        raise JobFailed(name, from_status(job.error))
    if job.state == job_pb2.JOB_STATE_CANCELLED:
        raise JobCancelled(name)
    return job


def wait_for_adapter(
    limits: Limits, name: str, timeout: float | None, on_event: Callable[[events.Event], None]
) -> Flow[adapter_pb2.Adapter]:
    job = yield from wait(limits, name, timeout, on_event)
    request = adapter_pb2.GetAdapterRequest(name=job.adapter)
    return (yield from patient(limits, methods.GET_ADAPTER, request))


def wait_for_report(
    limits: Limits, name: str, timeout: float | None, on_event: Callable[[events.Event], None]
) -> Flow[adapter_pb2.AdapterReport]:
    job = yield from wait(limits, name, timeout, on_event)
    request = adapter_pb2.GetAdapterReportRequest(name=job.spec.evaluate.adapter)
    return (yield from patient(limits, methods.GET_ADAPTER_REPORT, request))


def drawn(
    limits: Limits,
    job: job_pb2.Job,
    previews: bool,
    timeout: float | None,
    on_event: Callable[[events.Event], None],
) -> Flow[None]:
    """Delivers the pictures of a generation as they are finished, each once. Raises JobFailed, JobCancelled,
    and WaitTimeout."""
    seen: set[int] = set()
    log = WarningLog(job)

    def convert(event: events.Event) -> Iterable[Picture]:
        log.take(event)
        on_event(event)
        if isinstance(event, events.Failed):
            raise JobFailed(job.name, event.error)
        if isinstance(event, events.Cancelled):
            raise JobCancelled(job.name)
        if isinstance(event, events.Preview) and previews and event.picture.index not in seen:
            yield event.picture
        # Another attempt may draw the same pictures again.
        if isinstance(event, events.Finished) and event.picture.index not in seen:
            seen.add(event.picture.index)
            yield event.picture

    return mapped(watch_events(limits, job, 0, True, timeout), convert)


class WarningLog:
    """Logs what a caller who only waits should know, each thing once."""

    def __init__(self, job: job_pb2.Job) -> None:
        self._stuck_told = False
        if job.base_model_unavailable:
            self._tell_stuck(job.name)

    def take(self, event: events.Event) -> None:
        if isinstance(event, events.Position) and event.base_model_unavailable:
            self._tell_stuck(event.job)
        elif isinstance(event, events.Warning):
            if event.reason == "BASE_MODEL_UNAVAILABLE":
                if self._stuck_told:
                    return
                self._stuck_told = True
            _log.warning("%s: %s (%s)", event.job, event.message, event.reason)

    def _tell_stuck(self, job: str) -> None:
        if not self._stuck_told:
            _log.warning("%s waits: no live worker serves its base model with as many devices as it needs", job)
        self._stuck_told = True
