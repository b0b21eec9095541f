from vico._google.api import field_behavior_pb2 as _field_behavior_pb2
from vico._google.api import resource_pb2 as _resource_pb2
from vico.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BaseModel(_message.Message):
    __slots__ = ["available", "context_tokens", "digest", "display_name", "evaluation_defaults", "generation_defaults", "max_side", "min_side", "name", "resolution", "shape_digest", "size_multiple", "training_defaults", "transformers"]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    MAX_SIDE_FIELD_NUMBER: _ClassVar[int]
    MIN_SIDE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    SHAPE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    TRAINING_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMERS_FIELD_NUMBER: _ClassVar[int]
    available: bool
    context_tokens: int
    digest: str
    display_name: str
    evaluation_defaults: _job_pb2.EvaluateSpec
    generation_defaults: _job_pb2.GenerateSpec
    max_side: int
    min_side: int
    name: str
    resolution: int
    shape_digest: str
    size_multiple: int
    training_defaults: _job_pb2.TrainSpec
    transformers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., digest: _Optional[str] = ..., resolution: _Optional[int] = ..., size_multiple: _Optional[int] = ..., min_side: _Optional[int] = ..., max_side: _Optional[int] = ..., context_tokens: _Optional[int] = ..., training_defaults: _Optional[_Union[_job_pb2.TrainSpec, _Mapping]] = ..., generation_defaults: _Optional[_Union[_job_pb2.GenerateSpec, _Mapping]] = ..., available: bool = ..., transformers: _Optional[_Iterable[str]] = ..., shape_digest: _Optional[str] = ..., evaluation_defaults: _Optional[_Union[_job_pb2.EvaluateSpec, _Mapping]] = ...) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ["dialects", "limits", "picture_formats", "schedulers", "version"]
    class LimitsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Range
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Range, _Mapping]] = ...) -> None: ...
    DIALECTS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FORMATS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULERS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    dialects: _containers.RepeatedScalarFieldContainer[_job_pb2.Dialect]
    limits: _containers.MessageMap[str, Range]
    picture_formats: _containers.RepeatedScalarFieldContainer[str]
    schedulers: _containers.RepeatedScalarFieldContainer[str]
    version: str
    def __init__(self, version: _Optional[str] = ..., schedulers: _Optional[_Iterable[str]] = ..., limits: _Optional[_Mapping[str, Range]] = ..., dialects: _Optional[_Iterable[_Union[_job_pb2.Dialect, str]]] = ..., picture_formats: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckWordRequest(_message.Message):
    __slots__ = ["base_model", "max_near_words", "word"]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    MAX_NEAR_WORDS_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    base_model: str
    max_near_words: int
    word: str
    def __init__(self, base_model: _Optional[str] = ..., word: _Optional[str] = ..., max_near_words: _Optional[int] = ...) -> None: ...

class CheckWordResponse(_message.Message):
    __slots__ = ["near_words", "one_token", "problem", "tokens"]
    NEAR_WORDS_FIELD_NUMBER: _ClassVar[int]
    ONE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    near_words: _containers.RepeatedScalarFieldContainer[str]
    one_token: bool
    problem: str
    tokens: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, one_token: bool = ..., tokens: _Optional[_Iterable[str]] = ..., near_words: _Optional[_Iterable[str]] = ..., problem: _Optional[str] = ...) -> None: ...

class GetBaseModelRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetCapabilitiesRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListBaseModelsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListBaseModelsResponse(_message.Message):
    __slots__ = ["base_models"]
    BASE_MODELS_FIELD_NUMBER: _ClassVar[int]
    base_models: _containers.RepeatedCompositeFieldContainer[BaseModel]
    def __init__(self, base_models: _Optional[_Iterable[_Union[BaseModel, _Mapping]]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ["max", "min"]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    max: float
    min: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...
