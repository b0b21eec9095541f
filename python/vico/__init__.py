"""Vico for Python: upload pictures of a thing, train an adapter, draw the thing in any scene.

    import vico

    client = vico.Client()
    concept = client.concepts.upload("photos/robot")
    adapter = client.train(concept, init_word="robot").wait(progress=True)
    for picture in adapter.generate("a photo of a S* on the beach", n=4):
        print(picture.save("beach/"))

AsyncClient is the same for asyncio. README.md of the package is the guide.
"""

from vico import admin, events, provenance
from vico._facts import BaseModel, Capabilities, Notice, WordCheck
from vico.aio import AsyncClient
from vico.client import (
    Adapter,
    Client,
    Concept,
    Evaluation,
    Generation,
    Job,
    JobChange,
    Training,
    UploadedPicture,
)
from vico.errors import (
    Aborted,
    AlreadyExists,
    CallCancelled,
    ConfigError,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidArgument,
    JobCancelled,
    JobFailed,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    VicoError,
    WaitTimeout,
)
from vico.pictures import Picture
from vico.reports import Figure, Report

__all__ = [
    "Aborted",
    "Adapter",
    "AlreadyExists",
    "AsyncClient",
    "BaseModel",
    "CallCancelled",
    "Capabilities",
    "Client",
    "Concept",
    "ConfigError",
    "DataLoss",
    "DeadlineExceeded",
    "Evaluation",
    "FailedPrecondition",
    "FieldViolation",
    "Figure",
    "Generation",
    "Internal",
    "InvalidArgument",
    "Job",
    "JobCancelled",
    "JobChange",
    "JobFailed",
    "NotFound",
    "Notice",
    "OutOfRange",
    "PermissionDenied",
    "Picture",
    "Report",
    "ResourceExhausted",
    "Training",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "UploadedPicture",
    "VicoError",
    "WaitTimeout",
    "WordCheck",
    "admin",
    "events",
    "provenance",
]
