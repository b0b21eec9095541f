from vico._google.api import field_behavior_pb2 as _field_behavior_pb2
from vico._google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from vico.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CancelJobRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CancelJobsRequest(_message.Message):
    __slots__ = ["filter", "names", "validate_only"]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    filter: _job_pb2.JobFilter
    names: _containers.RepeatedScalarFieldContainer[str]
    validate_only: bool
    def __init__(self, names: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_job_pb2.JobFilter, _Mapping]] = ..., validate_only: bool = ...) -> None: ...

class CancelJobsResponse(_message.Message):
    __slots__ = ["cancelled_count", "more", "requested_count", "unchanged_names"]
    CANCELLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_NAMES_FIELD_NUMBER: _ClassVar[int]
    cancelled_count: int
    more: bool
    requested_count: int
    unchanged_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cancelled_count: _Optional[int] = ..., requested_count: _Optional[int] = ..., unchanged_names: _Optional[_Iterable[str]] = ..., more: bool = ...) -> None: ...

class ContinueTrainingRequest(_message.Message):
    __slots__ = ["adapter", "display_name", "labels", "request_id", "steps", "validate_only"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    display_name: str
    labels: _containers.ScalarMap[str, str]
    request_id: str
    steps: int
    validate_only: bool
    def __init__(self, adapter: _Optional[str] = ..., steps: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: bool = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CreateEvaluationJobRequest(_message.Message):
    __slots__ = ["display_name", "evaluate", "labels", "request_id", "validate_only"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    evaluate: _job_pb2.EvaluateSpec
    labels: _containers.ScalarMap[str, str]
    request_id: str
    validate_only: bool
    def __init__(self, request_id: _Optional[str] = ..., evaluate: _Optional[_Union[_job_pb2.EvaluateSpec, _Mapping]] = ..., validate_only: bool = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CreateGenerationJobRequest(_message.Message):
    __slots__ = ["display_name", "generate", "labels", "request_id", "validate_only"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    GENERATE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    generate: _job_pb2.GenerateSpec
    labels: _containers.ScalarMap[str, str]
    request_id: str
    validate_only: bool
    def __init__(self, request_id: _Optional[str] = ..., generate: _Optional[_Union[_job_pb2.GenerateSpec, _Mapping]] = ..., validate_only: bool = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CreateTrainingJobRequest(_message.Message):
    __slots__ = ["display_name", "labels", "request_id", "train", "validate_only"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    labels: _containers.ScalarMap[str, str]
    request_id: str
    train: _job_pb2.TrainSpec
    validate_only: bool
    def __init__(self, request_id: _Optional[str] = ..., train: _Optional[_Union[_job_pb2.TrainSpec, _Mapping]] = ..., validate_only: bool = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class DeleteJobRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class FinishTrainingRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class JobDeleted(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ["filter", "kind", "page_size", "page_token", "states"]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    filter: _job_pb2.JobFilter
    kind: _job_pb2.JobKind
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_job_pb2.JobState]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., kind: _Optional[_Union[_job_pb2.JobKind, str]] = ..., states: _Optional[_Iterable[_Union[_job_pb2.JobState, str]]] = ..., filter: _Optional[_Union[_job_pb2.JobFilter, _Mapping]] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ["jobs", "next_page_token", "total_size"]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Job]
    next_page_token: str
    total_size: int
    def __init__(self, jobs: _Optional[_Iterable[_Union[_job_pb2.Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class PictureChunk(_message.Message):
    __slots__ = ["data", "last", "offset", "sha256"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    last: bool
    offset: int
    sha256: str
    def __init__(self, sha256: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class RetryJobRequest(_message.Message):
    __slots__ = ["name", "request_id"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateJobRequest(_message.Message):
    __slots__ = ["job", "update_mask"]
    JOB_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ["after_sequence", "include_pictures", "name"]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PICTURES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    after_sequence: int
    include_pictures: bool
    name: str
    def __init__(self, name: _Optional[str] = ..., after_sequence: _Optional[int] = ..., include_pictures: bool = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ["chunk", "event", "job", "position"]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    chunk: PictureChunk
    event: _job_pb2.Event
    job: str
    position: _job_pb2.Event.Position
    def __init__(self, job: _Optional[str] = ..., event: _Optional[_Union[_job_pb2.Event, _Mapping]] = ..., chunk: _Optional[_Union[PictureChunk, _Mapping]] = ..., position: _Optional[_Union[_job_pb2.Event.Position, _Mapping]] = ...) -> None: ...

class WatchJobsReady(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class WatchJobsRequest(_message.Message):
    __slots__ = ["cursor", "filter", "initial_jobs"]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    INITIAL_JOBS_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    filter: _job_pb2.JobFilter
    initial_jobs: int
    def __init__(self, filter: _Optional[_Union[_job_pb2.JobFilter, _Mapping]] = ..., cursor: _Optional[str] = ..., initial_jobs: _Optional[int] = ...) -> None: ...

class WatchJobsResponse(_message.Message):
    __slots__ = ["cursor", "deleted", "event", "job", "position", "ready", "snapshot"]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    deleted: JobDeleted
    event: _job_pb2.Event
    job: str
    position: _job_pb2.Event.Position
    ready: WatchJobsReady
    snapshot: _job_pb2.Job
    def __init__(self, cursor: _Optional[str] = ..., job: _Optional[str] = ..., snapshot: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., event: _Optional[_Union[_job_pb2.Event, _Mapping]] = ..., position: _Optional[_Union[_job_pb2.Event.Position, _Mapping]] = ..., deleted: _Optional[_Union[JobDeleted, _Mapping]] = ..., ready: _Optional[_Union[WatchJobsReady, _Mapping]] = ...) -> None: ...
