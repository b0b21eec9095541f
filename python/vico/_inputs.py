"""The pictures that a generation starts from: those of the server are named, others are uploaded first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Union

from vico._sources import PictureSource, Source, describe_picture
from vico.events import utc
from vico.pictures import Picture
from vico.v1 import picture_pb2

#: The fields of a generation that are pictures.
FIELDS = ("init_picture", "mask_picture")

_NAME = re.compile(
    "concepts/[^/]+/pictures/.+"
    "|jobs/[^/]+/(pictures|samples|masks|previews)/.+"
    "|adapters/[^/]+/(reference|report)"
    "|pictures/[0-9a-f]{32}"
)


class UploadFacts:
    """A picture that was uploaded for generations. The server deletes it at `expire_time`."""

    def __init__(self, core: Any, message: picture_pb2.UploadedPicture) -> None:
        self._core = core
        self._message = message

    @property
    def message(self) -> picture_pb2.UploadedPicture:
        """The message of the API. Do not change it."""
        return self._message

    @property
    def name(self) -> str:
        """ "pictures/{id}"."""
        return self._message.name

    @property
    def width(self) -> int:
        """Pixels."""
        return self._message.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._message.height

    @property
    def create_time(self) -> datetime | None:
        """When it was uploaded."""
        return utc(self._message.create_time)

    @property
    def expire_time(self) -> datetime | None:
        """When the server deletes it."""
        return utc(self._message.expire_time)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UploadFacts) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.width} x {self.height}>"


#: A picture on the server, as an object or by its name; or one that is uploaded first.
InputPicture = Union[PictureSource, UploadFacts]


def inputs_of(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Source]]:
    """The options of a generation with the names of its pictures, and what to upload for the fields that are
    left out. Reads files. Raises OSError for a file that cannot be read, and TypeError that names the field
    for what is no picture."""
    named = dict(options)
    uploads = {}
    for field in FIELDS:
        given = named.pop(field, None)
        name = _name_of(given)
        if name:
            named[field] = name
        elif given is not None:
            uploads[field] = _source(field, given)
    return named, uploads


def _name_of(given: object) -> str:
    """Empty if it is not on the server."""
    if isinstance(given, (Picture, UploadFacts)):
        return given.name
    return given if isinstance(given, str) and _NAME.fullmatch(given) else ""


def _source(field: str, given: PictureSource) -> Source:
    if isinstance(given, str) and not Path(given).exists():
        raise FileNotFoundError(
            f'{field}: there is no file "{given}", and it is no name of a picture on the server: '
            "concepts/ID/pictures/0, jobs/ID/pictures/0, jobs/ID/samples/STEP, adapters/ID/reference or "
            "pictures/ID"
        )
    try:
        return describe_picture(given)
    except TypeError as error:
        raise TypeError(f"{field}: {error}") from None
