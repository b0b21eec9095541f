"""The blocking client.

    import vico

    client = vico.Client()
    concept = client.concepts.upload("photos/robot")
    adapter = client.train(concept, init_word="robot").wait(progress=True)
    for picture in adapter.generate("a photo of a S* on the beach", n=4):
        print(picture.save("beach/"))

Every call has a deadline, and is repeated with back-off if there is no server or no answer in time. Calls
that create something carry a request id, so that a repeated call returns the answer of the first. Errors are
those of vico.errors. No error, timeout or interrupt of this program cancels a job: only cancel() does.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from vico import _actions as actions
from vico import _facts as facts
from vico import _transfer as transfer
from vico import events
from vico._actions import Ref, name_of
from vico._blocking import BlockingDriver, Core
from vico._calls import new_request_id
from vico._facts import BaseModel, Capabilities, WordCheck
from vico._flow import Limits
from vico._inputs import UploadFacts, inputs_of
from vico._progress import Display, Progress
from vico._sources import PictureSource, describe_file, describe_picture, pictures_of
from vico._specs import GenerateOptions, TrainOptions, evaluate_spec, generate_spec, train_spec
from vico.admin.client import Keys
from vico.pictures import Picture
from vico.reports import Report, report_of
from vico.settings import read_settings
from vico.v1 import job_pb2

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Concept(facts.ConceptFacts):
    """2 to 20 pictures of one thing."""

    _core: Core

    def refresh(self) -> Concept:
        """Asks the server again."""
        self._message = self._core.run(actions.get_concept(self._core.limits, self.name))
        return self

    def update(
        self, *, display_name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Concept:
        """Changes what is given. `labels` replaces all labels."""
        flow = actions.update_concept(self._core.limits, self.name, display_name, labels)
        self._message = self._core.run(flow)
        return self

    def delete(self) -> None:
        self._core.run(actions.delete_concept(self._core.limits, self.name))


class Adapter(facts.AdapterFacts):
    """The result of a training: a word and the weights that draw what it stands for."""

    _core: Core

    def generate(
        self,
        prompt: str | Sequence[str],
        *,
        base_model: Ref | None = None,
        n: int = 1,
        seed: int | Sequence[int] | None = None,
        display_name: str = "",
        labels: Mapping[str, str] | None = None,
        request_id: str | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Generation:
        """Starts to draw `n` pictures of the prompt, in which the placeholder stands for the thing, or of
        each of at most 8 prompts. Iterate over the result to get each picture as it is finished. A seed s
        gives pictures with the seeds s, s+1, …; a list has one for each picture of a prompt. Another
        `base_model` than the adapter's own must have networks of the same sizes. Files, bytes and images of
        Pillow as `init_picture` or `mask_picture` are uploaded first."""
        named, uploads = inputs_of(options)
        spec = generate_spec(prompt, self.name, _name(base_model), n, seed, named)
        flow = actions.create_generation(
            self._core.limits, spec, uploads, display_name, labels, request_id
        )
        return Generation(self._core, self._core.run(flow))

    def evaluate(
        self,
        *,
        prompts: Sequence[str] | None = None,
        n: int | None = None,
        seed: int | None = None,
        display_name: str = "",
        labels: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> Evaluation:
        """Queues an evaluation, whose wait() returns the report. It draws `n` pictures, 1..4, of each of at
        most 8 prompts, with the adapter and with the base model alone. Reports of the same prompts and seeds
        can be compared; the defaults are the base model's prompts, 2 pictures and seed 1."""
        spec = evaluate_spec(self.name, prompts, n, seed)
        flow = actions.create_evaluation(self._core.limits, spec, display_name, labels, request_id)
        return Evaluation(self._core, self._core.run(flow))

    def report(self) -> Report:
        """What the newest evaluation has measured. Raises NotFound, reason NO_REPORT, before one has
        succeeded."""
        return report_of(self._core.run(actions.get_report(self._core.limits, self.name)))

    def sheet(self) -> Picture:
        """The contact sheet of the newest evaluation: a row for each prompt, before and after."""
        name = facts.sheet_name(self.name)
        picture: Picture = self._core.run(actions.download_picture(self._core.limits, name, 0, None))
        return picture

    def continue_training(
        self,
        steps: int,
        *,
        display_name: str = "",
        labels: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> Training:
        """Queues a training that does `steps` more steps from this adapter; its wait() returns a new one."""
        flow = actions.continue_training(
            self._core.limits, self.name, steps, display_name, labels, request_id
        )
        return Training(self._core, self._core.run(flow))

    def reference(self) -> Picture:
        """The picture of the concept that generation attends to."""
        name = facts.reference_name(self.name)
        picture: Picture = self._core.run(actions.download_picture(self._core.limits, name, 0, None))
        return picture

    def download(
        self,
        path: str | os.PathLike[str] = ".",
        *,
        force: bool = False,
        progress: transfer.TransferProgress | None = None,
    ) -> Path:
        """Writes the safetensors file, and returns where it is. In a folder it is named after the adapter's
        id. If the file is there and is this adapter, nothing happens; another file is a FileExistsError,
        unless `force`. `progress` is called with the bytes so far and in all."""
        flow = transfer.download_adapter(self._core.limits, self.message, path, force, progress)
        written: Path = self._core.run(flow)
        return written

    def refresh(self) -> Adapter:
        """Asks the server again."""
        self._message = self._core.run(actions.get_adapter(self._core.limits, self.name))
        return self

    def update(
        self, *, display_name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Adapter:
        """Changes what is given. `labels` replaces all labels."""
        flow = actions.update_adapter(self._core.limits, self.name, display_name, labels)
        self._message = self._core.run(flow)
        return self

    def delete(self) -> None:
        self._core.run(actions.delete_adapter(self._core.limits, self.name))


class Job(facts.JobFacts):
    """A training, a generation or an evaluation. The job does not end with this object, nor with the program."""

    _core: Core

    def refresh(self: _J) -> _J:
        """Asks the server again."""
        self._message = self._core.run(actions.get_job(self._core.limits, self.name))
        return self

    def events(
        self, *, after: int = 0, pictures: bool = False, timeout: float | None = None
    ) -> Generator[events.Event, None, None]:
        """What happened and happens to the job, after the event with the sequence number `after`, until the
        job has ended. Each event comes once, also when the connection or the server is lost in between.
        `pictures` also receives the bytes of samples, masks, previews and pictures. Raises WaitTimeout after
        `timeout` seconds; the job goes on."""
        flow = actions.watch_events(self._core.limits, self._message, after, pictures, timeout)
        return self._core.iterate(flow)

    def cancel(self: _J) -> _J:
        """Ends a queued job at once, and a running one with the worker's next report."""
        self._message = self._core.run(actions.cancel_job(self._core.limits, self.name))
        return self

    def retry(self: _J, *, request_id: str | None = None) -> _J:
        """A new job with the spec of this one, which has failed or was cancelled."""
        job = self._core.run(actions.retry_job(self._core.limits, self.name, request_id))
        return type(self)(self._core, job)

    def update(
        self: _J, *, display_name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> _J:
        """Changes what is given. `labels` replaces all labels."""
        flow = actions.update_job(self._core.limits, self.name, display_name, labels)
        self._message = self._core.run(flow)
        return self

    def delete(self) -> None:
        """Deletes a finished job with its events and pictures. The adapter of a training stays."""
        self._core.run(actions.delete_job(self._core.limits, self.name))


_J = TypeVar("_J", bound=Job)


class Training(facts.TrainingFacts, Job):
    """Makes an adapter from a concept."""

    def wait(self, *, progress: Progress = False, timeout: float | None = None) -> Adapter:
        """The adapter, when the training has succeeded. Raises JobFailed, JobCancelled and, after `timeout`
        seconds, WaitTimeout; the training goes on then, and so it does after Ctrl-C. `progress` shows a bar
        on a terminal or in a notebook, or is a function that gets each event."""
        display = Display("training", progress)
        try:
            flow = actions.wait_for_adapter(self._core.limits, self.name, timeout, display.take)
            adapter = self._core.run(flow)
        finally:
            display.close()
        self.refresh()
        return Adapter(self._core, adapter)

    def finish(self) -> Training:
        """Ends the training after its current step: it succeeds with the adapter as it is then."""
        self._message = self._core.run(actions.finish_training(self._core.limits, self.name))
        return self


class Generation(facts.GenerationFacts, Job):
    """Draws pictures. Iterate over it to get each picture as it is finished:

    for picture in generation:
        picture.save("out/")
    """

    def __iter__(self) -> Iterator[Picture]:
        return self.pictures()

    def pictures(
        self,
        *,
        previews: bool = False,
        progress: Progress = False,
        timeout: float | None = None,
    ) -> Generator[Picture, None, None]:
        """The pictures as they are finished, each once, with their bytes. `previews` also yields unfinished
        pictures (their kind is "preview") if the job has `preview_every_steps`. Raises JobFailed,
        JobCancelled and, after `timeout` seconds, WaitTimeout; the job goes on then."""
        display = Display("drawing", progress)
        try:
            yield from self._core.iterate(
                actions.drawn(self._core.limits, self._message, previews, timeout, display.take)
            )
        finally:
            display.close()

    def wait(self, *, progress: Progress = False, timeout: float | None = None) -> list[Picture]:
        """All pictures, when the generation has succeeded."""
        drawn = list(self.pictures(progress=progress, timeout=timeout))
        self.refresh()
        return sorted(drawn, key=lambda picture: picture.index)


class Evaluation(facts.EvaluationFacts, Job):
    """Measures an adapter."""

    def wait(self, *, progress: Progress = False, timeout: float | None = None) -> Report:
        """The report, when the evaluation has succeeded. Raises JobFailed, JobCancelled and, after `timeout`
        seconds, WaitTimeout; the evaluation goes on then."""
        display = Display("evaluation", progress)
        try:
            flow = actions.wait_for_report(self._core.limits, self.name, timeout, display.take)
            report = self._core.run(flow)
        finally:
            display.close()
        self.refresh()
        return report_of(report)


def _job(core: Core, message: job_pb2.Job) -> Training | Generation | Evaluation:
    if message.kind == job_pb2.JOB_KIND_GENERATION:
        return Generation(core, message)
    if message.kind == job_pb2.JOB_KIND_EVALUATION:
        return Evaluation(core, message)
    return Training(core, message)


class Concepts:
    """The concepts of the tenant."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def upload(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        *,
        display_name: str = "",
        request_id: str | None = None,
        progress: transfer.TransferProgress | None = None,
    ) -> Concept:
        """Uploads 2 to 20 pictures of one thing: a folder, or a list of paths, bytes, images of Pillow and
        Pictures. Pictures that the server has are not sent again. `progress` is called with the bytes so far
        and in all, on another thread."""
        flow = transfer.upload_concept(
            self._core.limits,
            pictures_of(pictures),
            display_name,
            new_request_id(request_id),
            progress,
        )
        return Concept(self._core, self._core.run(flow))

    def get(self, name: str) -> Concept:
        return Concept(self._core, self._core.run(actions.get_concept(self._core.limits, name)))

    def list(self, *, page_size: int = 50) -> Iterator[Concept]:
        """Newest first; the pages are fetched as they are needed."""
        for message in self._core.iterate(actions.list_concepts(self._core.limits, page_size)):
            yield Concept(self._core, message)


class Adapters:
    """The adapters of the tenant."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def get(self, name: str) -> Adapter:
        return Adapter(self._core, self._core.run(actions.get_adapter(self._core.limits, name)))

    def list(self, *, page_size: int = 50) -> Iterator[Adapter]:
        """Newest first; the pages are fetched as they are needed."""
        for message in self._core.iterate(actions.list_adapters(self._core.limits, page_size)):
            yield Adapter(self._core, message)

    def import_file(
        self,
        file: str | os.PathLike[str],
        *,
        reference: str | os.PathLike[str],
        base_model: str = "",
        request_id: str | None = None,
        progress: transfer.TransferProgress | None = None,
    ) -> Adapter:
        """Uploads an adapter's safetensors file with its reference picture. `base_model` is not needed if the
        file names one."""
        flow = transfer.import_adapter(
            self._core.limits,
            describe_file(file),
            describe_file(reference),
            base_model,
            new_request_id(request_id),
            progress,
        )
        return Adapter(self._core, self._core.run(flow))


@dataclass(frozen=True)
class JobChange:
    """What is new about a job, from Jobs.watch()."""

    #: "jobs/{id}"; empty for `ready`.
    job: str
    #: The state of the job: at the start, for a new job, and after a change that is not an event.
    snapshot: Training | Generation | Evaluation | None = None
    event: events.Event | None = None
    #: The job has been deleted.
    deleted: bool = False
    #: The state of all jobs has been told; what follows is new.
    ready: bool = False


class Jobs:
    """The jobs of the tenant."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def get(self, name: str) -> Training | Generation | Evaluation:
        return _job(self._core, self._core.run(actions.get_job(self._core.limits, name)))

    def list(
        self,
        *,
        kind: facts.JobKind | None = None,
        state: facts.JobState | Iterable[facts.JobState] | None = None,
        concept: Ref | None = None,
        adapter: Ref | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int = 50,
    ) -> Iterator[Training | Generation | Evaluation]:
        """Those that match all that is given, newest first; the pages are fetched as they are needed."""
        wanted = actions.job_filter(kind, state, concept, adapter, created_after, created_before)
        for message in self._core.iterate(actions.list_jobs(self._core.limits, wanted, page_size)):
            yield _job(self._core, message)

    def watch(
        self,
        *,
        kind: facts.JobKind | None = None,
        state: facts.JobState | Iterable[facts.JobState] | None = None,
        concept: Ref | None = None,
        adapter: Ref | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        initial_jobs: int = 100,
        timeout: float | None = None,
    ) -> Generator[JobChange, None, None]:
        """First the state of the newest jobs that match, then what happens to them and the new jobs, without
        an end. Resumes by itself, each event once. Raises WaitTimeout after `timeout` seconds."""
        wanted = actions.job_filter(kind, state, concept, adapter, created_after, created_before)
        flow = actions.watch_changes(self._core.limits, wanted, initial_jobs, timeout)
        for change in self._core.iterate(flow):
            snapshot = None if change.snapshot is None else _job(self._core, change.snapshot)
            yield JobChange(change.job, snapshot, change.event, change.deleted, change.ready)

    def cancel(self, jobs: Iterable[Ref]) -> int:
        """Cancels the queued and running ones of these jobs, and returns their number."""
        names = [name_of(job) for job in jobs]
        count: int = self._core.run(actions.cancel_jobs(self._core.limits, names, None, False))
        return count

    def cancel_all(
        self,
        *,
        kind: facts.JobKind | None = None,
        concept: Ref | None = None,
        adapter: Ref | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        dry_run: bool = False,
    ) -> int:
        """Cancels the queued and running jobs that match, all of the tenant if nothing is given, and returns
        their number. `dry_run` only counts them."""
        wanted = actions.job_filter(kind, None, concept, adapter, created_after, created_before)
        count: int = self._core.run(actions.cancel_jobs(self._core.limits, [], wanted, dry_run))
        return count


class BaseModels:
    """The base models that workers offer."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def get(self, name: str) -> BaseModel:
        return BaseModel(self._core.run(actions.get_base_model(self._core.limits, name)))

    def list(self) -> Iterator[BaseModel]:
        """By name."""
        answer = self._core.run(actions.list_base_models(self._core.limits))
        return iter([BaseModel(message) for message in answer.base_models])


class UploadedPicture(UploadFacts):
    """A picture for generations to start from: `init_picture` and `mask_picture` take it. The server
    deletes it at `expire_time`; jobs keep their copies."""

    _core: Core

    def delete(self) -> None:
        """Deletes it now."""
        self._core.run(actions.delete_picture(self._core.limits, self.name))


class Pictures:
    """The pictures of concepts, jobs and adapters, and uploads for generations."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def download(
        self,
        picture: Ref,
        *,
        thumbnail: int = 0,
        format: Literal["png", "jpeg"] | None = None,
    ) -> Picture:
        """A picture, or the one of this name, with its bytes. `thumbnail` is the longer side of a small one,
        64 to 1024 pixels."""
        flow = actions.download_picture(self._core.limits, picture, thumbnail, format)
        downloaded: Picture = self._core.run(flow)
        return downloaded

    def upload(
        self,
        picture: PictureSource,
        *,
        request_id: str | None = None,
        progress: transfer.TransferProgress | None = None,
    ) -> UploadedPicture:
        """Uploads a picture for generations to start from, or a mask of one: a path, bytes, an image of
        Pillow or a Picture. `progress` is called with the bytes so far and in all, on another thread."""
        flow = transfer.upload_picture(
            self._core.limits,
            describe_picture(picture),
            new_request_id(request_id),
            progress,
        )
        return UploadedPicture(self._core, self._core.run(flow))


class Client:
    """A connection to a server. Any thread.

    Address, CA and API key come from the arguments, from VICO_SERVER, VICO_CA, VICO_KEY and VICO_KEY_FILE, or
    from ~/.config/vico/config, in this order, as for the command line. The connection is opened by the first
    call. ConfigError says what is wrong with them.

    `timeout` is of a short call in seconds, retries included; `transfer_timeout` of an upload or a download;
    `patience` is how long a watch waits for a server that is away.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        ca: str | os.PathLike[str] | None = None,
        key: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        timeout: float = Limits.call,
        transfer_timeout: float = Limits.transfer,
        patience: float = Limits.patience,
    ) -> None:
        self._settings = read_settings(server, ca, key, key_file, os.environ)
        limits = Limits(call=timeout, transfer=transfer_timeout, patience=patience)
        core = self._core = Core(BlockingDriver(self._settings), limits)
        self.concepts = Concepts(core)
        self.adapters = Adapters(core)
        self.jobs = Jobs(core)
        self.base_models = BaseModels(core)
        self.pictures = Pictures(core)
        self.keys = Keys(core)

    @property
    def address(self) -> str:
        """Of the server, as given."""
        return self._settings.peer.address

    def __repr__(self) -> str:
        return f"<Client {self.address}>"

    def train(
        self,
        concept: Ref,
        init_word: str,
        *,
        display_name: str = "",
        labels: Mapping[str, str] | None = None,
        request_id: str | None = None,
        **options: Unpack[TrainOptions],
    ) -> Training:
        """Queues a training. `init_word` is the class of the thing, as one word that the base model knows:
        robot, dog, vase. The result's wait() returns the adapter."""
        spec = train_spec(name_of(concept), init_word, options)
        flow = actions.create_training(self._core.limits, spec, display_name, labels, request_id)
        return Training(self._core, self._core.run(flow))

    def check_training(
        self, concept: Ref, init_word: str, **options: Unpack[TrainOptions]
    ) -> job_pb2.TrainSpec:
        """The spec that train() would queue, with defaults filled in. Raises InvalidArgument as train()."""
        spec = train_spec(name_of(concept), init_word, options)
        job = self._core.run(actions.check_training(self._core.limits, spec))
        complete: job_pb2.TrainSpec = job.spec.train
        return complete

    def generate(
        self,
        prompt: str | Sequence[str],
        *,
        adapter: Ref | None = None,
        base_model: Ref | None = None,
        n: int = 1,
        seed: int | Sequence[int] | None = None,
        display_name: str = "",
        labels: Mapping[str, str] | None = None,
        request_id: str | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Generation:
        """As Adapter.generate(), also with the base model alone."""
        named, uploads = inputs_of(options)
        spec = generate_spec(prompt, _name(adapter), _name(base_model), n, seed, named)
        flow = actions.create_generation(
            self._core.limits, spec, uploads, display_name, labels, request_id
        )
        return Generation(self._core, self._core.run(flow))

    def check_word(self, word: str, *, base_model: Ref | None = None) -> WordCheck:
        """Whether the word can be an init_word, and which words that can are near."""
        answer = self._core.run(actions.check_word(self._core.limits, word, _name(base_model)))
        return facts.word_check(answer)

    def capabilities(self) -> Capabilities:
        """Limits and formats of the server."""
        return facts.capabilities(self._core.run(actions.get_capabilities(self._core.limits)))

    def close(self) -> None:
        """Closes the connection. Jobs go on."""
        self._core.driver.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _name(ref: Ref | None) -> str:
    return "" if ref is None else name_of(ref)
