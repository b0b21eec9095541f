"""Exceptions. Every error of a call is a VicoError, with the server's code, reason and details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vico._google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong with one field of a request."""

    field: str  #: path in the request, for example "train.steps"
    description: str


class VicoError(Exception):
    """An error with a code of gRPC. str() says what is wrong and what to do about it."""

    #: The name of gRPC's code, for example "INVALID_ARGUMENT".
    code = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        field_violations: Sequence[FieldViolation] = (),
        retry_delay: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        #: The server's sentence, without the hint.
        self.message = message
        #: Stable, UPPER_SNAKE_CASE; empty if the server gave none.
        self.reason = reason
        #: All fields that are wrong.
        self.field_violations = tuple(field_violations)
        #: Seconds after which the server wants to see the call again, or None.
        self.retry_delay = retry_delay
        #: Of a call that creates something: repeat it with this id, and nothing is created twice.
        self.request_id = ""
        #: What to do; empty if there is nothing to say.
        self.hint = hint
        self._out_of_reach = False  # there was no connection, or nothing came over it

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, reason={self.reason!r})"

    def __str__(self) -> str:
        violations = [f"{v.field}: {v.description}" for v in self.field_violations]
        # The message of a single violation repeats it.
        text = "\n".join(violations) if len(violations) > 1 else self.message
        if self.reason and self.reason != "INVALID_FIELD":
            text += f" ({self.reason})"
        return f"{text}. {self.hint}" if self.hint else text


class InvalidArgument(VicoError):
    """The request is wrong; `field_violations` says where."""

    code = "INVALID_ARGUMENT"


class ConfigError(InvalidArgument, ValueError):
    """An argument of Client(), an environment variable or the configuration file is wrong."""


class Unauthenticated(VicoError):
    """The call has no valid API key."""

    code = "UNAUTHENTICATED"


class PermissionDenied(VicoError):
    """The API key may not do this."""

    code = "PERMISSION_DENIED"


class NotFound(VicoError):
    """There is no such thing, or it belongs to another tenant."""

    code = "NOT_FOUND"


class AlreadyExists(VicoError):
    """There is such a thing already."""

    code = "ALREADY_EXISTS"


class FailedPrecondition(VicoError):
    """Not possible in this state."""

    code = "FAILED_PRECONDITION"


class ResourceExhausted(VicoError):
    """A limit is reached: a quota, the queue, the disk. `retry_delay` says when to come back."""

    code = "RESOURCE_EXHAUSTED"


class Unavailable(VicoError):
    """No connection to the server, or it is not ready."""

    code = "UNAVAILABLE"


class DeadlineExceeded(VicoError):
    """No answer in time. A call that creates something may have done so: see `request_id`."""

    code = "DEADLINE_EXCEEDED"


class Aborted(VicoError):
    """Another call was in the way."""

    code = "ABORTED"


class DataLoss(VicoError):
    """Bytes do not match their SHA-256."""

    code = "DATA_LOSS"


class Internal(VicoError):
    """An error of the server."""

    code = "INTERNAL"


class Unimplemented(VicoError):
    """The server does not have this method."""

    code = "UNIMPLEMENTED"


class CallCancelled(VicoError):
    """The server cancelled the call, as it does when it shuts down."""

    code = "CANCELLED"


class OutOfRange(InvalidArgument):
    """A number is outside of its range."""

    code = "OUT_OF_RANGE"


class WaitTimeout(VicoError, TimeoutError):
    """The `timeout` of a wait is over. The job goes on; nothing was cancelled."""

    code = "DEADLINE_EXCEEDED"

    def __init__(self, job: str, seconds: float) -> None:
        super().__init__(
            f"{job} has not ended after {seconds:g} s; it goes on",
            hint="Call wait() again to wait on, or cancel() to end the job",
        )
        self.job = job


class JobFailed(VicoError):
    """A job has failed. `code` and `reason` are those of the job's error."""

    def __init__(self, job: str, error: VicoError) -> None:
        super().__init__(
            f"{job} failed: {error.message}",
            reason=error.reason,
            field_violations=error.field_violations,
            hint=error.hint or "retry() makes a new job of the same spec",
        )
        self.job = job
        self.code = error.code


class JobCancelled(VicoError):
    """Somebody cancelled the job that was waited for."""

    code = "CANCELLED"

    def __init__(self, job: str) -> None:
        super().__init__(f"{job} was cancelled", hint="retry() makes a new job of the same spec")
        self.job = job


# By the number of gRPC's code; others are VicoError.
_CLASSES: dict[int, type[VicoError]] = {
    1: CallCancelled,
    3: InvalidArgument,
    4: DeadlineExceeded,
    5: NotFound,
    6: AlreadyExists,
    7: PermissionDenied,
    8: ResourceExhausted,
    9: FailedPrecondition,
    10: Aborted,
    11: OutOfRange,
    12: Unimplemented,
    13: Internal,
    14: Unavailable,
    15: DataLoss,
    16: Unauthenticated,
}

# For errors without a text, which gRPC itself and other servers send.
_SENTENCES = {
    1: "the call was cancelled",
    3: "the request is wrong",
    4: "the time for the call is over",
    5: "there is no such thing",
    7: "the caller may not do this",
    8: "a limit is reached",
    12: "unknown method",
    14: "the connection is lost",
    16: "the call has no valid credential",
}

_KEY_HINT = (
    "Pass key= or key_file= to Client(), set VICO_KEY or VICO_KEY_FILE, or write key_file = … into "
    "~/.config/vico/config"
)

# What to do, by reason.
_HINTS = {
    "ADAPTER_NOT_FOUND": "client.adapters.list() shows those that there are",
    "BASE_MODEL_NOT_FOUND": "client.base_models.list() shows those that there are",
    "BASE_MODEL_UNAVAILABLE": "Start a worker with --base-model, or wait for one",
    "CONCEPT_NOT_FOUND": "client.concepts.list() shows those that there are",
    "JOB_NOT_FINISHED": "Call wait() or cancel() first",
    "JOB_NOT_FOUND": "client.jobs.list() shows those that there are",
    "KEY_NOT_FOUND": "client.keys.list() shows those that there are",
    "QUEUE_FULL": "Wait until jobs have ended, or cancel some",
    "QUOTA_EXCEEDED": "Delete jobs, concepts or adapters that are not needed",
    "REQUEST_ID_REUSED": "Leave request_id out, or use another one for another request",
    "ROLE_MISSING": "Use a key, or the certificate of an operator, with the role that the method needs",
    "TENANT_NOT_FOUND": "admin.tenants.list() shows those that there are",
    "TOO_MANY_KEYS": "Revoke one of client.keys.list() first",
    "WORKER_NOT_FOUND": "admin.workers() shows those that there are",
}

_CODE_HINTS = {
    12: "The server may be older than this package, or the address may be that of the workers' listener",
    16: _KEY_HINT,
}


def from_status(status: status_pb2.Status) -> VicoError:
    """The exception for a google.rpc.Status, with its details."""
    reason = ""
    violations: list[FieldViolation] = []
    delay: float | None = None
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            violations += [FieldViolation(v.field, v.description) for v in bad.field_violations]
        elif detail.Unpack(retry):
            delay = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    code = status.code
    if code in (2, 13) and not status.details and any(
        words in status.message for words in ("RST_STREAM", "Stream removed")
    ):
        code = 14  # a proxy cuts the stream when its server is gone; Vico's own errors have details
    hint = _HINTS.get(reason) or _CODE_HINTS.get(code, "")
    if not hint and delay:
        hint = f"Try again in {delay:.3g} s"
    return _CLASSES.get(code, VicoError)(
        status.message or _SENTENCES.get(code, "no reason is given"),
        reason=reason,
        field_violations=violations,
        retry_delay=delay,
        hint=hint,
    )


def out_of_reach(error: VicoError) -> VicoError:
    """Notes that there was no connection to a server, or that nothing came over it."""
    error._out_of_reach = True
    return error


def is_out_of_reach(error: VicoError) -> bool:
    """Whether out_of_reach() noted it."""
    return error._out_of_reach


def is_worth_retrying(error: VicoError) -> bool:
    """Whether the same call may succeed later: there was no server or no answer in time, or the server
    said when to retry. A gRPC server that shuts down cancels its calls."""
    if isinstance(error, ResourceExhausted):
        return bool(error.retry_delay)
    return isinstance(error, (Unavailable, DeadlineExceeded, CallCancelled))
