"""Flows of uploads and downloads. The receiver checks the SHA-256 of all bytes."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from vico._calls import creating, retrying
from vico._flow import Flow, Limits, Open, Read, send
from vico._methods import (
    DOWNLOAD_ADAPTER,
    DOWNLOAD_PICTURE,
    IMPORT_ADAPTER,
    UPLOAD_CONCEPT,
    UPLOAD_PICTURE,
)
from vico._sources import Source
from vico._watch import closing
from vico.errors import DataLoss, Internal
from vico.pictures import commit
from vico.v1 import adapter_pb2, concept_pb2, picture_pb2

#: Called with the bytes transferred so far and in all.
TransferProgress = Callable[[int, int], None]


def _no_progress(done: int, total: int) -> None:
    pass


def upload_concept(
    limits: Limits,
    pictures: Sequence[Source],
    display_name: str,
    request_id: str,
    progress: TransferProgress | None,
) -> Flow[concept_pb2.Concept]:
    """Sends the digests of the pictures, then the pictures that the server does not have."""
    header = concept_pb2.UploadConceptRequest()
    header.header.request_id = request_id
    header.header.display_name = display_name
    for picture in pictures:
        header.header.pictures.add(
            sha256=picture.sha256, size_bytes=picture.size_bytes, file_name=picture.name
        )

    def attempt(timeout: float) -> Flow[concept_pb2.Concept]:
        indices: list[int] = []
        # Two rounds are usual. There are more if the server deletes a picture in the meantime.
        for _ in range(4):
            requests = _concept_requests(header, pictures, indices, progress or _no_progress)
            response = yield from send(UPLOAD_CONCEPT, requests, timeout)
            if response.HasField("uploaded_concept"):
                return response.uploaded_concept
            indices = _indices(pictures, set(response.missing_sha256))
            if not indices:
                break
        raise Internal("the server reports pictures as missing that it has received")

    return (
        yield from creating(request_id, retrying(limits, limits.transfer, limits.transfer, attempt))
    )


def _indices(pictures: Sequence[Source], missing: set[str]) -> list[int]:
    """Of the pictures to send: the first with each missing digest."""
    indices = []
    for index, picture in enumerate(pictures):
        if picture.sha256 in missing:
            missing.remove(picture.sha256)
            indices.append(index)
    return indices


def _concept_requests(
    header: concept_pb2.UploadConceptRequest,
    pictures: Sequence[Source],
    indices: Sequence[int],
    progress: TransferProgress,
) -> Callable[[], Iterator[concept_pb2.UploadConceptRequest]]:
    total = sum(pictures[index].size_bytes for index in indices)

    def requests() -> Iterator[concept_pb2.UploadConceptRequest]:
        yield header
        sent = 0
        for index in indices:
            for piece in pictures[index].pieces():
                chunk = concept_pb2.UploadConceptRequest.Chunk(picture_index=index, data=piece)
                yield concept_pb2.UploadConceptRequest(chunk=chunk)
                sent += len(piece)
                progress(sent, total)

    return requests


def upload_picture(
    limits: Limits, picture: Source, request_id: str, progress: TransferProgress | None
) -> Flow[picture_pb2.UploadedPicture]:
    return (yield from creating(request_id, send_picture(limits, picture, request_id, progress)))


def send_picture(
    limits: Limits, picture: Source, request_id: str, progress: TransferProgress | None
) -> Flow[picture_pb2.UploadedPicture]:
    """As upload_picture(); its errors do not carry the request id."""
    header = picture_pb2.UploadPictureRequest()
    header.header.request_id = request_id
    header.header.sha256 = picture.sha256
    header.header.size_bytes = picture.size_bytes
    header.header.file_name = picture.name

    def requests() -> Iterator[picture_pb2.UploadPictureRequest]:
        yield header
        sent = 0
        for piece in picture.pieces():
            yield picture_pb2.UploadPictureRequest(chunk={"data": piece})
            sent += len(piece)
            (progress or _no_progress)(sent, picture.size_bytes)

    def attempt(timeout: float) -> Flow[picture_pb2.UploadedPicture]:
        response = yield from send(UPLOAD_PICTURE, requests, timeout)
        return response.uploaded_picture

    return (yield from retrying(limits, limits.transfer, limits.transfer, attempt))


def import_adapter(
    limits: Limits,
    file: Source,
    reference: Source,
    base_model: str,
    request_id: str,
    progress: TransferProgress | None,
) -> Flow[adapter_pb2.Adapter]:
    header = adapter_pb2.ImportAdapterRequest()
    header.header.request_id = request_id
    header.header.base_model = base_model
    header.header.size_bytes = file.size_bytes
    header.header.sha256 = file.sha256
    header.header.reference_size_bytes = reference.size_bytes
    header.header.reference_sha256 = reference.sha256
    total = file.size_bytes + reference.size_bytes

    def requests() -> Iterator[adapter_pb2.ImportAdapterRequest]:
        yield header
        sent = 0
        for source in (reference, file):
            for piece in source.pieces():
                chunk = adapter_pb2.ImportAdapterRequest.Chunk(reference=source is reference, data=piece)
                yield adapter_pb2.ImportAdapterRequest(chunk=chunk)
                sent += len(piece)
                (progress or _no_progress)(sent, total)

    def attempt(timeout: float) -> Flow[adapter_pb2.Adapter]:
        return (yield from send(IMPORT_ADAPTER, requests, timeout))

    return (
        yield from creating(request_id, retrying(limits, limits.transfer, limits.transfer, attempt))
    )


class _Receiver:
    """Writes chunks to a file and checks that they are in order and match a digest."""

    def __init__(self, name: str, out: BinaryIO) -> None:
        self._name = name
        self._out = out
        self._digest = hashlib.sha256()
        self._last = False
        self.received = 0

    def take(self, offset: int, data: bytes, last: bool) -> None:
        if offset != self.received or self._last:
            raise DataLoss(f"{self._name}: expected bytes at offset {self.received}, got offset {offset}")
        self._out.write(data)
        self._digest.update(data)
        self.received += len(data)
        self._last = last

    def check(self, sha256: str) -> None:
        if not self._last or self._digest.hexdigest() != sha256:
            raise DataLoss(f"{self._name}: the bytes do not match their SHA-256")


def download_adapter(
    limits: Limits,
    adapter: adapter_pb2.Adapter,
    path: str | os.PathLike[str],
    force: bool,
    progress: TransferProgress | None,
) -> Flow[Path]:
    """Writes the adapter's file; on errors nothing is left. In a folder it is named after the adapter's id.
    If the file is there and is this adapter, nothing happens; another file is a FileExistsError before the
    download, unless `force`."""
    text = os.fspath(path)
    target = Path(text)
    if target.is_dir() or text.endswith(("/", os.sep)):
        target = target / (adapter.name.rpartition("/")[2] + ".safetensors")
    if not force and target.exists():
        if target.is_file() and _file_sha256(target) == adapter.blob.sha256:
            return target
        raise FileExistsError(f"{target}: is there already; force=True replaces it")
    target.parent.mkdir(parents=True, exist_ok=True)

    def attempt(timeout: float) -> Flow[Path]:
        request = adapter_pb2.DownloadAdapterRequest(name=adapter.name)
        descriptor, temporary = tempfile.mkstemp(prefix=".vico.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                receiver = _Receiver(adapter.name, out)
                stream = yield Open(DOWNLOAD_ADAPTER, request, timeout)
                with closing(stream):
                    while True:
                        message: adapter_pb2.DownloadAdapterResponse | None = yield Read(stream)
                        if message is None:
                            break
                        receiver.take(message.offset, message.data, message.last)
                        (progress or _no_progress)(receiver.received, adapter.blob.size_bytes)
            receiver.check(adapter.blob.sha256)
            commit(Path(temporary), target, force=force)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return target

    return (yield from retrying(limits, limits.transfer, limits.transfer, attempt))


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def download_picture(
    limits: Limits, name: str, thumbnail_side: int, picture_format: int
) -> Flow[tuple[picture_pb2.DownloadPictureResponse.Header, bytes]]:
    """The description of a picture and its bytes."""
    request = picture_pb2.DownloadPictureRequest(
        name=name, thumbnail_side=thumbnail_side, format=picture_format  # type: ignore[arg-type]
    )

    def attempt(timeout: float) -> Flow[tuple[picture_pb2.DownloadPictureResponse.Header, bytes]]:
        out = io.BytesIO()
        receiver = _Receiver(name, out)
        header = picture_pb2.DownloadPictureResponse.Header()
        stream = yield Open(DOWNLOAD_PICTURE, request, timeout)
        with closing(stream):
            while True:
                message: picture_pb2.DownloadPictureResponse | None = yield Read(stream)
                if message is None:
                    break
                if message.HasField("header"):
                    header = message.header
                elif message.HasField("chunk"):
                    receiver.take(message.chunk.offset, message.chunk.data, message.chunk.last)
        receiver.check(header.sha256)
        return header, out.getvalue()

    return (yield from retrying(limits, limits.transfer, limits.transfer, attempt))
