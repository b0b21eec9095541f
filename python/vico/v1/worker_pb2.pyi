from google.protobuf import duration_pb2 as _duration_pb2
from vico._google.rpc import status_pb2 as _status_pb2
from vico.v1 import adapter_pb2 as _adapter_pb2
from vico.v1 import concept_pb2 as _concept_pb2
from vico.v1 import job_pb2 as _job_pb2
from vico.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
DIRECTIVE_CANCEL: Directive
DIRECTIVE_CONTINUE: Directive
DIRECTIVE_DRAIN: Directive
DIRECTIVE_FINISH: Directive
DIRECTIVE_UNSPECIFIED: Directive

class EvaluateResult(_message.Message):
    __slots__ = ["report"]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: _adapter_pb2.AdapterReport
    def __init__(self, report: _Optional[_Union[_adapter_pb2.AdapterReport, _Mapping]] = ...) -> None: ...

class FinishRequest(_message.Message):
    __slots__ = ["cancelled", "evaluated", "failure", "generated", "job", "lease_id", "released", "trained"]
    class Cancelled(_message.Message):
        __slots__ = []
        def __init__(self) -> None: ...
    class Failure(_message.Message):
        __slots__ = ["crashed", "retryable", "status"]
        CRASHED_FIELD_NUMBER: _ClassVar[int]
        RETRYABLE_FIELD_NUMBER: _ClassVar[int]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        crashed: bool
        retryable: bool
        status: _status_pb2.Status
        def __init__(self, status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., retryable: bool = ..., crashed: bool = ...) -> None: ...
    class Released(_message.Message):
        __slots__ = []
        def __init__(self) -> None: ...
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    GENERATED_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    TRAINED_FIELD_NUMBER: _ClassVar[int]
    cancelled: FinishRequest.Cancelled
    evaluated: EvaluateResult
    failure: FinishRequest.Failure
    generated: GenerateResult
    job: str
    lease_id: str
    released: FinishRequest.Released
    trained: TrainResult
    def __init__(self, job: _Optional[str] = ..., lease_id: _Optional[str] = ..., trained: _Optional[_Union[TrainResult, _Mapping]] = ..., generated: _Optional[_Union[GenerateResult, _Mapping]] = ..., failure: _Optional[_Union[FinishRequest.Failure, _Mapping]] = ..., released: _Optional[_Union[FinishRequest.Released, _Mapping]] = ..., cancelled: _Optional[_Union[FinishRequest.Cancelled, _Mapping]] = ..., evaluated: _Optional[_Union[EvaluateResult, _Mapping]] = ...) -> None: ...

class FinishResponse(_message.Message):
    __slots__ = ["job"]
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ...) -> None: ...

class GenerateResult(_message.Message):
    __slots__ = ["pictures"]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    pictures: _containers.RepeatedCompositeFieldContainer[_job_pb2.Picture]
    def __init__(self, pictures: _Optional[_Iterable[_Union[_job_pb2.Picture, _Mapping]]] = ...) -> None: ...

class GetBlobRequest(_message.Message):
    __slots__ = ["job", "lease_id", "sha256"]
    JOB_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    job: str
    lease_id: str
    sha256: str
    def __init__(self, sha256: _Optional[str] = ..., job: _Optional[str] = ..., lease_id: _Optional[str] = ...) -> None: ...

class GetBlobResponse(_message.Message):
    __slots__ = ["data"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class LeaseRequest(_message.Message):
    __slots__ = ["base_models", "devices", "kinds", "load", "max_jobs", "nonce", "wait", "worker"]
    BASE_MODELS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    base_models: _containers.RepeatedScalarFieldContainer[str]
    devices: int
    kinds: _containers.RepeatedScalarFieldContainer[_job_pb2.JobKind]
    load: WorkerLoad
    max_jobs: int
    nonce: str
    wait: _duration_pb2.Duration
    worker: str
    def __init__(self, worker: _Optional[str] = ..., nonce: _Optional[str] = ..., base_models: _Optional[_Iterable[str]] = ..., wait: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., max_jobs: _Optional[int] = ..., load: _Optional[_Union[WorkerLoad, _Mapping]] = ..., devices: _Optional[int] = ..., kinds: _Optional[_Iterable[_Union[_job_pb2.JobKind, str]]] = ...) -> None: ...

class LeaseResponse(_message.Message):
    __slots__ = ["jobs", "ttl"]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[LeasedJob]
    ttl: _duration_pb2.Duration
    def __init__(self, jobs: _Optional[_Iterable[_Union[LeasedJob, _Mapping]]] = ..., ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LeasedJob(_message.Message):
    __slots__ = ["adapter", "attempt", "base_model", "checkpoints", "init_picture", "job", "lease_id", "losses", "mask_picture", "pictures", "spec", "trace"]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    INIT_PICTURE_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    MASK_PICTURE_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    adapter: _adapter_pb2.Adapter
    attempt: int
    base_model: _model_pb2.BaseModel
    checkpoints: TrainingCheckpoints
    init_picture: _job_pb2.BlobRef
    job: str
    lease_id: str
    losses: _containers.RepeatedScalarFieldContainer[float]
    mask_picture: _job_pb2.BlobRef
    pictures: _containers.RepeatedCompositeFieldContainer[_concept_pb2.ConceptPicture]
    spec: _job_pb2.JobSpec
    trace: TraceContext
    def __init__(self, job: _Optional[str] = ..., lease_id: _Optional[str] = ..., attempt: _Optional[int] = ..., spec: _Optional[_Union[_job_pb2.JobSpec, _Mapping]] = ..., base_model: _Optional[_Union[_model_pb2.BaseModel, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[_concept_pb2.ConceptPicture, _Mapping]]] = ..., adapter: _Optional[_Union[_adapter_pb2.Adapter, _Mapping]] = ..., checkpoints: _Optional[_Union[TrainingCheckpoints, _Mapping]] = ..., trace: _Optional[_Union[TraceContext, _Mapping]] = ..., init_picture: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., mask_picture: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., losses: _Optional[_Iterable[float]] = ...) -> None: ...

class OfferedBaseModel(_message.Message):
    __slots__ = ["added_tokens", "base_model", "merges", "vocabulary"]
    ADDED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    MERGES_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    added_tokens: _job_pb2.BlobRef
    base_model: _model_pb2.BaseModel
    merges: _job_pb2.BlobRef
    vocabulary: _job_pb2.BlobRef
    def __init__(self, base_model: _Optional[_Union[_model_pb2.BaseModel, _Mapping]] = ..., vocabulary: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., merges: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., added_tokens: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ...) -> None: ...

class PutBlobRequest(_message.Message):
    __slots__ = ["data", "header"]
    class Header(_message.Message):
        __slots__ = ["blob", "job", "lease_id"]
        BLOB_FIELD_NUMBER: _ClassVar[int]
        JOB_FIELD_NUMBER: _ClassVar[int]
        LEASE_ID_FIELD_NUMBER: _ClassVar[int]
        blob: _job_pb2.BlobRef
        job: str
        lease_id: str
        def __init__(self, blob: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., job: _Optional[str] = ..., lease_id: _Optional[str] = ...) -> None: ...
    DATA_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    header: PutBlobRequest.Header
    def __init__(self, header: _Optional[_Union[PutBlobRequest.Header, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ["base_models", "build_version", "device", "devices", "worker"]
    BASE_MODELS_FIELD_NUMBER: _ClassVar[int]
    BUILD_VERSION_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    base_models: _containers.RepeatedCompositeFieldContainer[OfferedBaseModel]
    build_version: str
    device: str
    devices: int
    worker: str
    def __init__(self, worker: _Optional[str] = ..., device: _Optional[str] = ..., base_models: _Optional[_Iterable[_Union[OfferedBaseModel, _Mapping]]] = ..., build_version: _Optional[str] = ..., devices: _Optional[int] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ["lease_ttl"]
    LEASE_TTL_FIELD_NUMBER: _ClassVar[int]
    lease_ttl: _duration_pb2.Duration
    def __init__(self, lease_ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ["events", "job", "lease_id", "load", "report_number"]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_job_pb2.Event]
    job: str
    lease_id: str
    load: WorkerLoad
    report_number: int
    def __init__(self, job: _Optional[str] = ..., lease_id: _Optional[str] = ..., report_number: _Optional[int] = ..., events: _Optional[_Iterable[_Union[_job_pb2.Event, _Mapping]]] = ..., load: _Optional[_Union[WorkerLoad, _Mapping]] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ["directive", "next_report_in"]
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    NEXT_REPORT_IN_FIELD_NUMBER: _ClassVar[int]
    directive: Directive
    next_report_in: _duration_pb2.Duration
    def __init__(self, directive: _Optional[_Union[Directive, str]] = ..., next_report_in: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TraceContext(_message.Message):
    __slots__ = ["traceparent", "tracestate"]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    traceparent: str
    tracestate: str
    def __init__(self, traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ...) -> None: ...

class TrainResult(_message.Message):
    __slots__ = ["adapter", "reference", "summary"]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    adapter: _job_pb2.BlobRef
    reference: _job_pb2.BlobRef
    summary: _adapter_pb2.TrainingSummary
    def __init__(self, adapter: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., reference: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., summary: _Optional[_Union[_adapter_pb2.TrainingSummary, _Mapping]] = ...) -> None: ...

class TrainingCheckpoints(_message.Message):
    __slots__ = ["newest_first"]
    NEWEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    newest_first: _containers.RepeatedCompositeFieldContainer[_job_pb2.Event.Checkpoint]
    def __init__(self, newest_first: _Optional[_Iterable[_Union[_job_pb2.Event.Checkpoint, _Mapping]]] = ...) -> None: ...

class WorkerLoad(_message.Message):
    __slots__ = ["loaded_adapters", "memory_bytes"]
    LOADED_ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    loaded_adapters: int
    memory_bytes: int
    def __init__(self, memory_bytes: _Optional[int] = ..., loaded_adapters: _Optional[int] = ...) -> None: ...

class Directive(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
