"""What is known about the things on the server: the same for the blocking and the asyncio client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, cast

from vico._prompts import prompt_of
from vico._specs import word_of
from vico.errors import VicoError, from_status
from vico.events import picture_of, utc
from vico.pictures import Picture
from vico.v1 import adapter_pb2, concept_pb2, job_pb2, model_pb2

M = TypeVar("M", concept_pb2.Concept, adapter_pb2.Adapter, job_pb2.Job)

JobKind = Literal["training", "generation", "evaluation"]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Notice:
    """A warning of the server."""

    reason: str  #: stable, UPPER_SNAKE_CASE
    message: str


class Facts(Generic[M]):
    """A resource as the server last described it."""

    def __init__(self, core: Any, message: M) -> None:
        self._core = core
        self._message: M = message

    @property
    def message(self) -> M:
        """The message of the API, with everything that the server says. Do not change it."""
        return self._message

    @property
    def name(self) -> str:
        """For example "concepts/7f3a…"."""
        return self._message.name

    @property
    def id(self) -> str:
        """The name without its collection."""
        return self._message.name.rpartition("/")[2]

    @property
    def display_name(self) -> str:
        """For people; may be empty."""
        return self._message.display_name

    @property
    def labels(self) -> Mapping[str, str]:
        """The caller's own."""
        return dict(self._message.labels)

    @property
    def create_time(self) -> datetime | None:
        return utc(self._message.create_time)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        shown = f" {self.display_name!r}" if self.display_name else ""
        return f"<{type(self).__name__} {self.name}{shown}>"


class ConceptFacts(Facts[concept_pb2.Concept]):
    """2 to 20 pictures of one thing."""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """In the order of the upload, without their bytes."""
        return tuple(
            Picture(
                kind="concept",
                name=picture.name,
                index=index,
                width=picture.width,
                height=picture.height,
                sha256=picture.blob.sha256,
                media_type=picture.blob.media_type or "image/png",
                file_name=picture.file_name,
            )
            for index, picture in enumerate(self._message.pictures)
        )

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """For example that two pictures look the same."""
        return tuple(Notice(w.reason, w.message) for w in self._message.warnings)


class AdapterFacts(Facts[adapter_pb2.Adapter]):
    """The result of a training."""

    @property
    def base_model(self) -> str:
        """ "baseModels/{id}"."""
        return self._message.base_model

    @property
    def placeholder(self) -> str:
        """The learned word; it stands for the thing in a prompt."""
        return self._message.placeholder

    @property
    def init_word(self) -> str:
        """The class of the thing."""
        return self._message.init_word

    @property
    def job_name(self) -> str:
        """The training, "jobs/{id}"; empty for an import."""
        return self._message.job

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self._message.blob.size_bytes

    @property
    def summary(self) -> adapter_pb2.TrainingSummary:
        """Measurements of the training."""
        return self._message.summary

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Of an import."""
        return tuple(Notice(w.reason, w.message) for w in self._message.warnings)


class JobFacts(Facts[job_pb2.Job]):
    """A training, a generation or an evaluation, as the server last described it; refresh() asks again."""

    @property
    def kind(self) -> JobKind:
        fields = self._message.DESCRIPTOR.fields_by_name
        return cast(JobKind, word_of(fields["kind"], self._message.kind))

    @property
    def state(self) -> JobState:
        fields = self._message.DESCRIPTOR.fields_by_name
        return cast(JobState, word_of(fields["state"], self._message.state))

    @property
    def done(self) -> bool:
        """Whether the state is final."""
        return self.state in ("succeeded", "failed", "cancelled")

    @property
    def attempt(self) -> int:
        """Number of leases so far."""
        return self._message.attempt

    @property
    def step(self) -> int:
        """Of the last report."""
        return self._message.step

    @property
    def total_steps(self) -> int:
        return self._message.total_steps

    @property
    def queue_position(self) -> int:
        """Of a queued job: the number of jobs before it."""
        return self._message.queue_position

    @property
    def base_model_unavailable(self) -> bool:
        """Of a queued job: it waits until a worker starts that serves its base model, with as many devices as
        the job needs."""
        return self._message.base_model_unavailable

    @property
    def error(self) -> VicoError | None:
        """Of a failed job."""
        return from_status(self._message.error) if self._message.HasField("error") else None

    @property
    def start_time(self) -> datetime | None:
        return utc(self._message.start_time)

    @property
    def finish_time(self) -> datetime | None:
        return utc(self._message.finish_time)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.state}>"


class TrainingFacts(JobFacts):
    """Makes an adapter from a concept."""

    @property
    def spec(self) -> job_pb2.TrainSpec:
        """With defaults filled in."""
        return self._message.spec.train

    @property
    def adapter_name(self) -> str:
        """Of a training that succeeded: "adapters/{id}"."""
        return self._message.adapter


class GenerationFacts(JobFacts):
    """Makes pictures from a prompt."""

    @property
    def spec(self) -> job_pb2.GenerateSpec:
        """With defaults filled in."""
        return self._message.spec.generate

    @property
    def finished(self) -> tuple[Picture, ...]:
        """The pictures finished so far, without their bytes."""
        prompt = prompt_of(self._message)
        return tuple(
            picture_of(self.name, picture, prompt(picture.index)) for picture in self._message.pictures
        )


class EvaluationFacts(JobFacts):
    """Measures an adapter."""

    @property
    def spec(self) -> job_pb2.EvaluateSpec:
        """With defaults filled in."""
        return self._message.spec.evaluate

    @property
    def adapter_name(self) -> str:
        """The adapter that it measures: "adapters/{id}"."""
        return self.spec.adapter


@dataclass(frozen=True)
class BaseModel:
    """A base model that workers offer."""

    message: model_pb2.BaseModel

    @property
    def name(self) -> str:
        """ "baseModels/{id}"."""
        return self.message.name

    @property
    def display_name(self) -> str:
        return self.message.display_name

    @property
    def available(self) -> bool:
        """Whether a worker that serves it is alive."""
        return self.message.available

    @property
    def resolution(self) -> int:
        """Pixels per side in training."""
        return self.message.resolution

    def __repr__(self) -> str:
        return f"<BaseModel {self.name}{'' if self.available else ' unavailable'}>"


@dataclass(frozen=True)
class WordCheck:
    """Whether a word can be an init_word."""

    one_token: bool
    #: As the tokenizer reads the word.
    tokens: tuple[str, ...]
    #: Words of one token that are spelt alike, the nearest first.
    near_words: tuple[str, ...]
    #: Why it is not one token; empty if it is.
    problem: str

    def __bool__(self) -> bool:
        return self.one_token


@dataclass(frozen=True)
class Capabilities:
    """Limits and formats of the server."""

    version: str
    #: For GenerateOptions.scheduler.
    schedulers: tuple[str, ...]
    #: By field path, for example "train.steps": smallest and largest value.
    limits: Mapping[str, tuple[float, float]]
    #: Media types of pictures in uploads.
    picture_formats: tuple[str, ...]


def word_check(answer: model_pb2.CheckWordResponse) -> WordCheck:
    return WordCheck(
        answer.one_token, tuple(answer.tokens), tuple(answer.near_words), answer.problem
    )


def capabilities(answer: model_pb2.Capabilities) -> Capabilities:
    return Capabilities(
        answer.version,
        tuple(answer.schedulers),
        {path: (limit.min, limit.max) for path, limit in answer.limits.items()},
        tuple(answer.picture_formats),
    )


def sheet_name(adapter: str) -> str:
    """Of the contact sheet of the newest evaluation."""
    return f"{adapter}/report"


def reference_name(adapter: str) -> str:
    """Of the picture that generation attends to."""
    return f"{adapter}/reference"
