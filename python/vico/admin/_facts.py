"""What the server says about workers, the queue, tenants and API keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, cast

from vico._facts import JobKind
from vico._specs import word_of
from vico.events import utc
from vico.v1 import admin_pb2

WorkerState = Literal["idle", "busy", "draining", "drained", "gone"]
TenantState = Literal["active", "deleting", "deleted"]
KeyRole = Literal["user", "tenant_admin"]


@dataclass(frozen=True)
class Worker:
    """A worker that called the server within the last day."""

    message: admin_pb2.Worker

    @property
    def name(self) -> str:
        """The name in its certificate, if there is one, and its own name."""
        return self.message.name

    @property
    def state(self) -> WorkerState:
        """"gone" after a minute without a call. A worker that drains is "drained" when it has no jobs."""
        if not self.message.alive:
            return "gone"
        if self.message.draining:
            return "draining" if self.message.jobs else "drained"
        return "busy" if self.message.jobs else "idle"

    @property
    def device(self) -> str:
        """For example "cuda:0"."""
        return self.message.device

    @property
    def version(self) -> str:
        return self.message.build_version

    @property
    def base_models(self) -> tuple[str, ...]:
        """ "baseModels/{id}" that it serves."""
        return tuple(self.message.base_models)

    @property
    def jobs(self) -> tuple[str, ...]:
        """ "jobs/{id}" that it runs."""
        return tuple(self.message.jobs)

    @property
    def memory_bytes(self) -> int:
        """Resident memory of worker and engine, as last reported."""
        return self.message.load.memory_bytes

    @property
    def loaded_adapters(self) -> int:
        """Adapters in the engine's memory, as last reported."""
        return self.message.load.loaded_adapters

    @property
    def register_time(self) -> datetime | None:
        return utc(self.message.register_time)

    @property
    def heard_time(self) -> datetime | None:
        """Of its last call."""
        return utc(self.message.heard_time)

    def __repr__(self) -> str:
        return f"<Worker {self.name} {self.state}>"


@dataclass(frozen=True)
class QueueLine:
    """The jobs of one tenant and kind that have not ended."""

    tenant: str
    kind: JobKind
    queued: int
    running: int
    #: How long the oldest queued job has waited; None: none is queued.
    oldest_wait: timedelta | None


@dataclass(frozen=True)
class Tenant:
    """Owner of jobs, concepts, adapters and API keys."""

    name: str
    #: The calls of a tenant that is not active are refused. Of a deleted one only the name is kept.
    state: TenantState
    create_time: datetime | None


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret."""

    #: Part of the key; not secret.
    id: str
    role: KeyRole
    create_time: datetime | None
    #: None while the key is active.
    revoke_time: datetime | None

    @property
    def active(self) -> bool:
        return self.revoke_time is None


@dataclass(frozen=True)
class NewKey:
    """A key that was just created."""

    api_key: ApiKey
    #: The key itself, for Client(key=…). No other call returns it.
    secret: str = field(repr=False)


def queue_line(message: admin_pb2.Queue.Line) -> QueueLine:
    kind = cast(JobKind, word_of(message.DESCRIPTOR.fields_by_name["kind"], message.kind))
    waits = message.oldest_wait.ToTimedelta() if message.HasField("oldest_wait") else None
    return QueueLine(message.tenant, kind, message.waiting, message.running, waits)


def tenant_of(message: admin_pb2.Tenant) -> Tenant:
    state = cast(TenantState, word_of(message.DESCRIPTOR.fields_by_name["state"], message.state))
    return Tenant(message.name, state, utc(message.create_time))


def api_key_of(message: admin_pb2.ApiKey) -> ApiKey:
    role = cast(KeyRole, word_of(message.DESCRIPTOR.fields_by_name["role"], message.role))
    return ApiKey(message.id, role, utc(message.create_time), utc(message.revoke_time))


def new_key_of(message: admin_pb2.CreateKeyResponse) -> NewKey:
    return NewKey(api_key_of(message.api_key), message.secret)
