from vico._google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
PICTURE_FORMAT_JPEG: PictureFormat
PICTURE_FORMAT_PNG: PictureFormat
PICTURE_FORMAT_UNSPECIFIED: PictureFormat

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

class PictureFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
