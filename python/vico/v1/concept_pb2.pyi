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

class Concept(_message.Message):
    __slots__ = ["create_time", "display_name", "labels", "name", "pictures", "warnings"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    create_time: _timestamp_pb2.Timestamp
    display_name: str
    labels: _containers.ScalarMap[str, str]
    name: str
    pictures: _containers.RepeatedCompositeFieldContainer[ConceptPicture]
    warnings: _containers.RepeatedCompositeFieldContainer[_job_pb2.Event.Warning]
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., pictures: _Optional[_Iterable[_Union[ConceptPicture, _Mapping]]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_job_pb2.Event.Warning, _Mapping]]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ConceptPicture(_message.Message):
    __slots__ = ["blob", "file_name", "height", "name", "source_sha256", "width"]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    blob: _job_pb2.BlobRef
    file_name: str
    height: int
    name: str
    source_sha256: str
    width: int
    def __init__(self, blob: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., source_sha256: _Optional[str] = ..., file_name: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class DeleteConceptRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetConceptRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListConceptsRequest(_message.Message):
    __slots__ = ["page_size", "page_token"]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListConceptsResponse(_message.Message):
    __slots__ = ["concepts", "next_page_token", "total_size"]
    CONCEPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    concepts: _containers.RepeatedCompositeFieldContainer[Concept]
    next_page_token: str
    total_size: int
    def __init__(self, concepts: _Optional[_Iterable[_Union[Concept, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class UpdateConceptRequest(_message.Message):
    __slots__ = ["update_mask", "updated_concept"]
    UPDATED_CONCEPT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    update_mask: _field_mask_pb2.FieldMask
    updated_concept: Concept
    def __init__(self, updated_concept: _Optional[_Union[Concept, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UploadConceptRequest(_message.Message):
    __slots__ = ["chunk", "header"]
    class Chunk(_message.Message):
        __slots__ = ["data", "picture_index"]
        DATA_FIELD_NUMBER: _ClassVar[int]
        PICTURE_INDEX_FIELD_NUMBER: _ClassVar[int]
        data: bytes
        picture_index: int
        def __init__(self, picture_index: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...
    class Header(_message.Message):
        __slots__ = ["display_name", "pictures", "request_id"]
        class Picture(_message.Message):
            __slots__ = ["file_name", "sha256", "size_bytes"]
            FILE_NAME_FIELD_NUMBER: _ClassVar[int]
            SHA256_FIELD_NUMBER: _ClassVar[int]
            SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
            file_name: str
            sha256: str
            size_bytes: int
            def __init__(self, sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., file_name: _Optional[str] = ...) -> None: ...
        DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
        PICTURES_FIELD_NUMBER: _ClassVar[int]
        REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
        display_name: str
        pictures: _containers.RepeatedCompositeFieldContainer[UploadConceptRequest.Header.Picture]
        request_id: str
        def __init__(self, request_id: _Optional[str] = ..., display_name: _Optional[str] = ..., pictures: _Optional[_Iterable[_Union[UploadConceptRequest.Header.Picture, _Mapping]]] = ...) -> None: ...
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    chunk: UploadConceptRequest.Chunk
    header: UploadConceptRequest.Header
    def __init__(self, header: _Optional[_Union[UploadConceptRequest.Header, _Mapping]] = ..., chunk: _Optional[_Union[UploadConceptRequest.Chunk, _Mapping]] = ...) -> None: ...

class UploadConceptResponse(_message.Message):
    __slots__ = ["missing_sha256", "uploaded_concept"]
    MISSING_SHA256_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_CONCEPT_FIELD_NUMBER: _ClassVar[int]
    missing_sha256: _containers.RepeatedScalarFieldContainer[str]
    uploaded_concept: Concept
    def __init__(self, uploaded_concept: _Optional[_Union[Concept, _Mapping]] = ..., missing_sha256: _Optional[_Iterable[str]] = ...) -> None: ...
