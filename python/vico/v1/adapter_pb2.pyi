from vico._google.api import field_behavior_pb2 as _field_behavior_pb2
from vico._google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vico.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Adapter(_message.Message):
    __slots__ = ["base_model", "base_model_digest", "blob", "create_time", "dialect", "display_name", "init_word", "job", "labels", "name", "placeholder", "reference", "summary", "warnings"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    BASE_MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    INIT_WORD_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLACEHOLDER_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    base_model: str
    base_model_digest: str
    blob: _job_pb2.BlobRef
    create_time: _timestamp_pb2.Timestamp
    dialect: _job_pb2.Dialect
    display_name: str
    init_word: str
    job: str
    labels: _containers.ScalarMap[str, str]
    name: str
    placeholder: str
    reference: _job_pb2.BlobRef
    summary: TrainingSummary
    warnings: _containers.RepeatedCompositeFieldContainer[_job_pb2.Event.Warning]
    def __init__(self, name: _Optional[str] = ..., base_model: _Optional[str] = ..., base_model_digest: _Optional[str] = ..., dialect: _Optional[_Union[_job_pb2.Dialect, str]] = ..., placeholder: _Optional[str] = ..., init_word: _Optional[str] = ..., blob: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., reference: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., job: _Optional[str] = ..., summary: _Optional[_Union[TrainingSummary, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_job_pb2.Event.Warning, _Mapping]]] = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AdapterReport(_message.Message):
    __slots__ = ["adapter", "create_time", "figures", "job", "losses", "mask_coverage", "mask_stability", "prompts", "seeds", "sheet"]
    class Figure(_message.Message):
        __slots__ = ["after", "after_by_prompt", "before", "measured_with", "name"]
        AFTER_BY_PROMPT_FIELD_NUMBER: _ClassVar[int]
        AFTER_FIELD_NUMBER: _ClassVar[int]
        BEFORE_FIELD_NUMBER: _ClassVar[int]
        MEASURED_WITH_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        after: float
        after_by_prompt: _containers.RepeatedScalarFieldContainer[float]
        before: float
        measured_with: str
        name: str
        def __init__(self, name: _Optional[str] = ..., measured_with: _Optional[str] = ..., before: _Optional[float] = ..., after: _Optional[float] = ..., after_by_prompt: _Optional[_Iterable[float]] = ...) -> None: ...
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    MASK_COVERAGE_FIELD_NUMBER: _ClassVar[int]
    MASK_STABILITY_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    create_time: _timestamp_pb2.Timestamp
    figures: _containers.RepeatedCompositeFieldContainer[AdapterReport.Figure]
    job: str
    losses: _containers.RepeatedScalarFieldContainer[float]
    mask_coverage: float
    mask_stability: float
    prompts: _containers.RepeatedScalarFieldContainer[str]
    seeds: _containers.RepeatedScalarFieldContainer[int]
    sheet: _job_pb2.BlobRef
    def __init__(self, adapter: _Optional[str] = ..., job: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., figures: _Optional[_Iterable[_Union[AdapterReport.Figure, _Mapping]]] = ..., prompts: _Optional[_Iterable[str]] = ..., seeds: _Optional[_Iterable[int]] = ..., mask_coverage: _Optional[float] = ..., mask_stability: _Optional[float] = ..., losses: _Optional[_Iterable[float]] = ..., sheet: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ...) -> None: ...

class DeleteAdapterRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DownloadAdapterRequest(_message.Message):
    __slots__ = ["name", "reference"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    reference: bool
    def __init__(self, name: _Optional[str] = ..., reference: bool = ...) -> None: ...

class DownloadAdapterResponse(_message.Message):
    __slots__ = ["data", "last", "offset"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    last: bool
    offset: int
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class GetAdapterReportRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetAdapterRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ImportAdapterRequest(_message.Message):
    __slots__ = ["chunk", "header"]
    class Chunk(_message.Message):
        __slots__ = ["data", "reference"]
        DATA_FIELD_NUMBER: _ClassVar[int]
        REFERENCE_FIELD_NUMBER: _ClassVar[int]
        data: bytes
        reference: bool
        def __init__(self, reference: bool = ..., data: _Optional[bytes] = ...) -> None: ...
    class Header(_message.Message):
        __slots__ = ["base_model", "reference_sha256", "reference_size_bytes", "request_id", "sha256", "size_bytes"]
        BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
        REFERENCE_SHA256_FIELD_NUMBER: _ClassVar[int]
        REFERENCE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
        REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
        SHA256_FIELD_NUMBER: _ClassVar[int]
        SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
        base_model: str
        reference_sha256: str
        reference_size_bytes: int
        request_id: str
        sha256: str
        size_bytes: int
        def __init__(self, request_id: _Optional[str] = ..., base_model: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., reference_size_bytes: _Optional[int] = ..., reference_sha256: _Optional[str] = ...) -> None: ...
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    chunk: ImportAdapterRequest.Chunk
    header: ImportAdapterRequest.Header
    def __init__(self, header: _Optional[_Union[ImportAdapterRequest.Header, _Mapping]] = ..., chunk: _Optional[_Union[ImportAdapterRequest.Chunk, _Mapping]] = ...) -> None: ...

class ListAdaptersRequest(_message.Message):
    __slots__ = ["page_size", "page_token"]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAdaptersResponse(_message.Message):
    __slots__ = ["adapters", "next_page_token", "total_size"]
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    adapters: _containers.RepeatedCompositeFieldContainer[Adapter]
    next_page_token: str
    total_size: int
    def __init__(self, adapters: _Optional[_Iterable[_Union[Adapter, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class TrainingSummary(_message.Message):
    __slots__ = ["first_loss", "last_loss", "mask_coverage", "peak_rss_mb", "seconds_per_step", "steps", "train_seconds"]
    FIRST_LOSS_FIELD_NUMBER: _ClassVar[int]
    LAST_LOSS_FIELD_NUMBER: _ClassVar[int]
    MASK_COVERAGE_FIELD_NUMBER: _ClassVar[int]
    PEAK_RSS_MB_FIELD_NUMBER: _ClassVar[int]
    SECONDS_PER_STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    first_loss: float
    last_loss: float
    mask_coverage: float
    peak_rss_mb: float
    seconds_per_step: float
    steps: int
    train_seconds: float
    def __init__(self, steps: _Optional[int] = ..., train_seconds: _Optional[float] = ..., seconds_per_step: _Optional[float] = ..., first_loss: _Optional[float] = ..., last_loss: _Optional[float] = ..., mask_coverage: _Optional[float] = ..., peak_rss_mb: _Optional[float] = ...) -> None: ...

class UpdateAdapterRequest(_message.Message):
    __slots__ = ["adapter", "update_mask"]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    adapter: Adapter
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, adapter: _Optional[_Union[Adapter, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...
