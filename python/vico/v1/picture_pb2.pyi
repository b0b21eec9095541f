from vico._google.api import field_behavior_pb2 as _field_behavior_pb2
from vico._google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vico.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
PICTURE_FORMAT_JPEG: PictureFormat
PICTURE_FORMAT_PNG: PictureFormat
PICTURE_FORMAT_UNSPECIFIED: PictureFormat

class DeletePictureRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DownloadPictureRequest(_message.Message):
    __slots__ = ["format", "name", "thumbnail_side"]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_SIDE_FIELD_NUMBER: _ClassVar[int]
    format: PictureFormat
    name: str
    thumbnail_side: int
    def __init__(self, name: _Optional[str] = ..., thumbnail_side: _Optional[int] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class DownloadPictureResponse(_message.Message):
    __slots__ = ["chunk", "header"]
    class Chunk(_message.Message):
        __slots__ = ["data", "last", "offset"]
        DATA_FIELD_NUMBER: _ClassVar[int]
        LAST_FIELD_NUMBER: _ClassVar[int]
        OFFSET_FIELD_NUMBER: _ClassVar[int]
        data: bytes
        last: bool
        offset: int
        def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ..., last: bool = ...) -> None: ...
    class Header(_message.Message):
        __slots__ = ["height", "media_type", "sha256", "size_bytes", "width"]
        HEIGHT_FIELD_NUMBER: _ClassVar[int]
        MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
        SHA256_FIELD_NUMBER: _ClassVar[int]
        SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
        WIDTH_FIELD_NUMBER: _ClassVar[int]
        height: int
        media_type: str
        sha256: str
        size_bytes: int
        width: int
        def __init__(self, media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    chunk: DownloadPictureResponse.Chunk
    header: DownloadPictureResponse.Header
    def __init__(self, header: _Optional[_Union[DownloadPictureResponse.Header, _Mapping]] = ..., chunk: _Optional[_Union[DownloadPictureResponse.Chunk, _Mapping]] = ...) -> None: ...

class UploadPictureRequest(_message.Message):
    __slots__ = ["chunk", "header"]
    class Chunk(_message.Message):
        __slots__ = ["data"]
        DATA_FIELD_NUMBER: _ClassVar[int]
        data: bytes
        def __init__(self, data: _Optional[bytes] = ...) -> None: ...
    class Header(_message.Message):
        __slots__ = ["file_name", "request_id", "sha256", "size_bytes"]
        FILE_NAME_FIELD_NUMBER: _ClassVar[int]
        REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
        SHA256_FIELD_NUMBER: _ClassVar[int]
        SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
        file_name: str
        request_id: str
        sha256: str
        size_bytes: int
        def __init__(self, request_id: _Optional[str] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., file_name: _Optional[str] = ...) -> None: ...
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    chunk: UploadPictureRequest.Chunk
    header: UploadPictureRequest.Header
    def __init__(self, header: _Optional[_Union[UploadPictureRequest.Header, _Mapping]] = ..., chunk: _Optional[_Union[UploadPictureRequest.Chunk, _Mapping]] = ...) -> None: ...

class UploadPictureResponse(_message.Message):
    __slots__ = ["uploaded_picture"]
    UPLOADED_PICTURE_FIELD_NUMBER: _ClassVar[int]
    uploaded_picture: UploadedPicture
    def __init__(self, uploaded_picture: _Optional[_Union[UploadedPicture, _Mapping]] = ...) -> None: ...

class UploadedPicture(_message.Message):
    __slots__ = ["blob", "create_time", "expire_time", "height", "name", "width"]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    blob: _job_pb2.BlobRef
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    height: int
    name: str
    width: int
    def __init__(self, name: _Optional[str] = ..., blob: _Optional[_Union[_job_pb2.BlobRef, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PictureFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
