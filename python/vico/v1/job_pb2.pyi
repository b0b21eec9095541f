from vico._google.api import field_behavior_pb2 as _field_behavior_pb2
from vico._google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vico._google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

BLOCK_START_RANDOM: BlockStart
BLOCK_START_SELF_ATTENTION: BlockStart
BLOCK_START_UNSPECIFIED: BlockStart
BLOCK_START_ZERO: BlockStart
DESCRIPTOR: _descriptor.FileDescriptor
DETERMINISM_BEST_EFFORT: Determinism
DETERMINISM_SOLO: Determinism
DETERMINISM_UNSPECIFIED: Determinism
DIALECT_MMAGIC: Dialect
DIALECT_PAPER: Dialect
DIALECT_UNSPECIFIED: Dialect
JOB_KIND_EVALUATION: JobKind
JOB_KIND_GENERATION: JobKind
JOB_KIND_TRAINING: JobKind
JOB_KIND_UNSPECIFIED: JobKind
JOB_STATE_CANCELLED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_UNSPECIFIED: JobState
LEARNING_RATE_SCHEDULE_CONSTANT: LearningRateSchedule
LEARNING_RATE_SCHEDULE_COSINE: LearningRateSchedule
LEARNING_RATE_SCHEDULE_UNSPECIFIED: LearningRateSchedule
RESIZE_CROP: Resize
RESIZE_PAD: Resize
RESIZE_SQUEEZE: Resize
RESIZE_UNSPECIFIED: Resize

class BlobRef(_message.Message):
    __slots__ = ["media_type", "sha256", "size_bytes"]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    sha256: str
    size_bytes: int
    def __init__(self, sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., media_type: _Optional[str] = ...) -> None: ...

class EvaluateSpec(_message.Message):
    __slots__ = ["adapter", "base_model", "picture_count", "prompts", "seed"]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    PICTURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    base_model: str
    picture_count: int
    prompts: _containers.RepeatedScalarFieldContainer[str]
    seed: int
    def __init__(self, adapter: _Optional[str] = ..., prompts: _Optional[_Iterable[str]] = ..., picture_count: _Optional[int] = ..., seed: _Optional[int] = ..., base_model: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ["attempt", "cancelled", "checkpoint", "failed", "mask", "picture", "preview", "progress", "queued", "sample", "sequence", "started", "succeeded", "time", "warning"]
    class Cancelled(_message.Message):
        __slots__ = []
        def __init__(self) -> None: ...
    class Checkpoint(_message.Message):
        __slots__ = ["blob", "step"]
        BLOB_FIELD_NUMBER: _ClassVar[int]
        STEP_FIELD_NUMBER: _ClassVar[int]
        blob: BlobRef
        step: int
        def __init__(self, step: _Optional[int] = ..., blob: _Optional[_Union[BlobRef, _Mapping]] = ...) -> None: ...
    class Failed(_message.Message):
        __slots__ = ["status"]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        status: _status_pb2.Status
        def __init__(self, status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
    class Mask(_message.Message):
        __slots__ = ["blob", "coverage", "name", "picture_index", "site", "step"]
        BLOB_FIELD_NUMBER: _ClassVar[int]
        COVERAGE_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        PICTURE_INDEX_FIELD_NUMBER: _ClassVar[int]
        SITE_FIELD_NUMBER: _ClassVar[int]
        STEP_FIELD_NUMBER: _ClassVar[int]
        blob: BlobRef
        coverage: float
        name: str
        picture_index: int
        site: str
        step: int
        def __init__(self, step: _Optional[int] = ..., picture_index: _Optional[int] = ..., blob: _Optional[_Union[BlobRef, _Mapping]] = ..., coverage: _Optional[float] = ..., site: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...
    class Position(_message.Message):
        __slots__ = ["base_model_unavailable", "position"]
        BASE_MODEL_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
        POSITION_FIELD_NUMBER: _ClassVar[int]
        base_model_unavailable: bool
        position: int
        def __init__(self, position: _Optional[int] = ..., base_model_unavailable: bool = ...) -> None: ...
    class Preview(_message.Message):
        __slots__ = ["blob", "name", "picture_index", "step"]
        BLOB_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        PICTURE_INDEX_FIELD_NUMBER: _ClassVar[int]
        STEP_FIELD_NUMBER: _ClassVar[int]
        blob: BlobRef
        name: str
        picture_index: int
        step: int
        def __init__(self, picture_index: _Optional[int] = ..., step: _Optional[int] = ..., blob: _Optional[_Union[BlobRef, _Mapping]] = ..., name: _Optional[str] = ...) -> None: ...
    class Progress(_message.Message):
        __slots__ = ["eta", "loss", "loss_reg", "seconds_per_step", "step", "total_steps"]
        ETA_FIELD_NUMBER: _ClassVar[int]
        LOSS_FIELD_NUMBER: _ClassVar[int]
        LOSS_REG_FIELD_NUMBER: _ClassVar[int]
        SECONDS_PER_STEP_FIELD_NUMBER: _ClassVar[int]
        STEP_FIELD_NUMBER: _ClassVar[int]
        TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
        eta: _duration_pb2.Duration
        loss: float
        loss_reg: float
        seconds_per_step: float
        step: int
        total_steps: int
        def __init__(self, step: _Optional[int] = ..., total_steps: _Optional[int] = ..., loss: _Optional[float] = ..., loss_reg: _Optional[float] = ..., seconds_per_step: _Optional[float] = ..., eta: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...
    class Queued(_message.Message):
        __slots__ = ["position", "traceparent"]
        POSITION_FIELD_NUMBER: _ClassVar[int]
        TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
        position: int
        traceparent: str
        def __init__(self, position: _Optional[int] = ..., traceparent: _Optional[str] = ...) -> None: ...
    class Sample(_message.Message):
        __slots__ = ["picture", "step"]
        PICTURE_FIELD_NUMBER: _ClassVar[int]
        STEP_FIELD_NUMBER: _ClassVar[int]
        picture: Picture
        step: int
        def __init__(self, step: _Optional[int] = ..., picture: _Optional[_Union[Picture, _Mapping]] = ...) -> None: ...
    class Started(_message.Message):
        __slots__ = ["device", "traceparent", "worker"]
        DEVICE_FIELD_NUMBER: _ClassVar[int]
        TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
        WORKER_FIELD_NUMBER: _ClassVar[int]
        device: str
        traceparent: str
        worker: str
        def __init__(self, worker: _Optional[str] = ..., device: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...
    class Succeeded(_message.Message):
        __slots__ = ["adapter", "picture_count"]
        ADAPTER_FIELD_NUMBER: _ClassVar[int]
        PICTURE_COUNT_FIELD_NUMBER: _ClassVar[int]
        adapter: str
        picture_count: int
        def __init__(self, adapter: _Optional[str] = ..., picture_count: _Optional[int] = ...) -> None: ...
    class Warning(_message.Message):
        __slots__ = ["message", "reason"]
        MESSAGE_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        message: str
        reason: str
        def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    cancelled: Event.Cancelled
    checkpoint: Event.Checkpoint
    failed: Event.Failed
    mask: Event.Mask
    picture: Picture
    preview: Event.Preview
    progress: Event.Progress
    queued: Event.Queued
    sample: Event.Sample
    sequence: int
    started: Event.Started
    succeeded: Event.Succeeded
    time: _timestamp_pb2.Timestamp
    warning: Event.Warning
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., queued: _Optional[_Union[Event.Queued, _Mapping]] = ..., started: _Optional[_Union[Event.Started, _Mapping]] = ..., progress: _Optional[_Union[Event.Progress, _Mapping]] = ..., sample: _Optional[_Union[Event.Sample, _Mapping]] = ..., mask: _Optional[_Union[Event.Mask, _Mapping]] = ..., preview: _Optional[_Union[Event.Preview, _Mapping]] = ..., picture: _Optional[_Union[Picture, _Mapping]] = ..., checkpoint: _Optional[_Union[Event.Checkpoint, _Mapping]] = ..., warning: _Optional[_Union[Event.Warning, _Mapping]] = ..., succeeded: _Optional[_Union[Event.Succeeded, _Mapping]] = ..., failed: _Optional[_Union[Event.Failed, _Mapping]] = ..., cancelled: _Optional[_Union[Event.Cancelled, _Mapping]] = ...) -> None: ...

class GenerateSpec(_message.Message):
    __slots__ = ["adapter", "base_model", "denoise", "determinism", "eta", "guidance_scale", "height", "init_picture", "mask_picture", "negative_prompt", "picture_count", "preview_every_steps", "prompt", "prompts", "scheduler", "seeds", "steps", "strength", "width"]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    DENOISE_FIELD_NUMBER: _ClassVar[int]
    DETERMINISM_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_SCALE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    INIT_PICTURE_FIELD_NUMBER: _ClassVar[int]
    MASK_PICTURE_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    PICTURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_EVERY_STEPS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULER_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    base_model: str
    denoise: float
    determinism: Determinism
    eta: float
    guidance_scale: float
    height: int
    init_picture: str
    mask_picture: str
    negative_prompt: str
    picture_count: int
    preview_every_steps: int
    prompt: str
    prompts: _containers.RepeatedScalarFieldContainer[str]
    scheduler: str
    seeds: _containers.RepeatedScalarFieldContainer[int]
    steps: int
    strength: float
    width: int
    def __init__(self, adapter: _Optional[str] = ..., base_model: _Optional[str] = ..., prompt: _Optional[str] = ..., negative_prompt: _Optional[str] = ..., picture_count: _Optional[int] = ..., guidance_scale: _Optional[float] = ..., scheduler: _Optional[str] = ..., steps: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., seeds: _Optional[_Iterable[int]] = ..., preview_every_steps: _Optional[int] = ..., eta: _Optional[float] = ..., determinism: _Optional[_Union[Determinism, str]] = ..., strength: _Optional[float] = ..., init_picture: _Optional[str] = ..., denoise: _Optional[float] = ..., mask_picture: _Optional[str] = ..., prompts: _Optional[_Iterable[str]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ["adapter", "attempt", "base_model_unavailable", "cancel_requested", "create_time", "display_name", "error", "finish_requested", "finish_time", "kind", "labels", "last_sequence", "name", "pictures", "queue_position", "spec", "start_time", "state", "step", "total_steps"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FINISH_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    attempt: int
    base_model_unavailable: bool
    cancel_requested: bool
    create_time: _timestamp_pb2.Timestamp
    display_name: str
    error: _status_pb2.Status
    finish_requested: bool
    finish_time: _timestamp_pb2.Timestamp
    kind: JobKind
    labels: _containers.ScalarMap[str, str]
    last_sequence: int
    name: str
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    queue_position: int
    spec: JobSpec
    start_time: _timestamp_pb2.Timestamp
    state: JobState
    step: int
    total_steps: int
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., state: _Optional[_Union[JobState, str]] = ..., spec: _Optional[_Union[JobSpec, _Mapping]] = ..., attempt: _Optional[int] = ..., cancel_requested: bool = ..., step: _Optional[int] = ..., total_steps: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_sequence: _Optional[int] = ..., adapter: _Optional[str] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., queue_position: _Optional[int] = ..., base_model_unavailable: bool = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., finish_requested: bool = ...) -> None: ...

class JobFilter(_message.Message):
    __slots__ = ["adapter", "concept_name", "created_after", "created_before", "kinds", "states"]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    CONCEPT_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    concept_name: str
    created_after: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    kinds: _containers.RepeatedScalarFieldContainer[JobKind]
    states: _containers.RepeatedScalarFieldContainer[JobState]
    def __init__(self, kinds: _Optional[_Iterable[_Union[JobKind, str]]] = ..., states: _Optional[_Iterable[_Union[JobState, str]]] = ..., concept_name: _Optional[str] = ..., adapter: _Optional[str] = ..., created_after: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class JobSpec(_message.Message):
    __slots__ = ["evaluate", "generate", "train"]
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    GENERATE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    evaluate: EvaluateSpec
    generate: GenerateSpec
    train: TrainSpec
    def __init__(self, train: _Optional[_Union[TrainSpec, _Mapping]] = ..., generate: _Optional[_Union[GenerateSpec, _Mapping]] = ..., evaluate: _Optional[_Union[EvaluateSpec, _Mapping]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ["blob", "height", "index", "name", "seed", "width"]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    blob: BlobRef
    height: int
    index: int
    name: str
    seed: int
    width: int
    def __init__(self, index: _Optional[int] = ..., seed: _Optional[int] = ..., blob: _Optional[_Union[BlobRef, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class TrainSpec(_message.Message):
    __slots__ = ["attention_learning_rate", "base_model", "batch_size", "block_start", "concept_name", "continued_adapter", "continued_steps", "determinism", "devices", "dialect", "embedding_learning_rate", "evaluate", "init_word", "learning_rate_schedule", "mask", "min_snr_gamma", "placeholder", "regularizer_weight", "resize", "sample_every_steps", "sample_first", "sample_prompt", "sample_prompts", "sample_seeds", "seed", "sites", "steps"]
    ATTENTION_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_START_FIELD_NUMBER: _ClassVar[int]
    CONCEPT_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTINUED_ADAPTER_FIELD_NUMBER: _ClassVar[int]
    CONTINUED_STEPS_FIELD_NUMBER: _ClassVar[int]
    DETERMINISM_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    INIT_WORD_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    MIN_SNR_GAMMA_FIELD_NUMBER: _ClassVar[int]
    PLACEHOLDER_FIELD_NUMBER: _ClassVar[int]
    REGULARIZER_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_EVERY_STEPS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIRST_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_SEEDS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SITES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    attention_learning_rate: float
    base_model: str
    batch_size: int
    block_start: BlockStart
    concept_name: str
    continued_adapter: str
    continued_steps: int
    determinism: Determinism
    devices: int
    dialect: Dialect
    embedding_learning_rate: float
    evaluate: bool
    init_word: str
    learning_rate_schedule: LearningRateSchedule
    mask: bool
    min_snr_gamma: float
    placeholder: str
    regularizer_weight: float
    resize: Resize
    sample_every_steps: int
    sample_first: bool
    sample_prompt: str
    sample_prompts: _containers.RepeatedScalarFieldContainer[str]
    sample_seeds: _containers.RepeatedScalarFieldContainer[int]
    seed: int
    sites: _containers.RepeatedScalarFieldContainer[str]
    steps: int
    def __init__(self, concept_name: _Optional[str] = ..., base_model: _Optional[str] = ..., init_word: _Optional[str] = ..., placeholder: _Optional[str] = ..., dialect: _Optional[_Union[Dialect, str]] = ..., steps: _Optional[int] = ..., batch_size: _Optional[int] = ..., embedding_learning_rate: _Optional[float] = ..., attention_learning_rate: _Optional[float] = ..., regularizer_weight: _Optional[float] = ..., mask: bool = ..., sample_every_steps: _Optional[int] = ..., sample_prompt: _Optional[str] = ..., seed: _Optional[int] = ..., determinism: _Optional[_Union[Determinism, str]] = ..., min_snr_gamma: _Optional[float] = ..., block_start: _Optional[_Union[BlockStart, str]] = ..., learning_rate_schedule: _Optional[_Union[LearningRateSchedule, str]] = ..., sites: _Optional[_Iterable[str]] = ..., resize: _Optional[_Union[Resize, str]] = ..., devices: _Optional[int] = ..., sample_prompts: _Optional[_Iterable[str]] = ..., sample_seeds: _Optional[_Iterable[int]] = ..., sample_first: bool = ..., evaluate: bool = ..., continued_adapter: _Optional[str] = ..., continued_steps: _Optional[int] = ...) -> None: ...

class JobKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Dialect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class BlockStart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class LearningRateSchedule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Determinism(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Resize(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
