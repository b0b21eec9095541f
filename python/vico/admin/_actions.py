"""Flows of what an operator, or the administrator of a tenant, does: one for each action."""

from __future__ import annotations

from vico import _methods as methods
from vico._calls import once, pages, retrying, short
from vico._flow import Flow, Limits, call
from vico._specs import enum_number
from vico.admin._facts import KeyRole, Worker
from vico.v1 import admin_pb2

# The server erases a tenant for 20 s before it answers.
_ERASING = 30.0


def list_workers(limits: Limits) -> Flow[admin_pb2.ListWorkersResponse]:
    return short(limits, methods.LIST_WORKERS, admin_pb2.ListWorkersRequest())


def get_queue(limits: Limits) -> Flow[admin_pb2.Queue]:
    return short(limits, methods.GET_QUEUE, admin_pb2.GetQueueRequest())


def drain_worker(limits: Limits, worker: str | Worker, resume: bool) -> Flow[admin_pb2.Worker]:
    name = worker if isinstance(worker, str) else worker.name
    return short(limits, methods.DRAIN_WORKER, admin_pb2.DrainWorkerRequest(name=name, resume=resume))


def create_tenant(limits: Limits, name: str) -> Flow[admin_pb2.Tenant]:
    return once(limits, methods.CREATE_TENANT, admin_pb2.CreateTenantRequest(name=name))


def list_tenants(limits: Limits, page_size: int) -> Flow[None]:
    request = admin_pb2.ListTenantsRequest()
    return pages(limits, methods.LIST_TENANTS, request, lambda page: page.tenants, page_size)


def delete_tenant(limits: Limits, name: str) -> Flow[admin_pb2.Tenant]:
    request = admin_pb2.DeleteTenantRequest(name=name)
    return retrying(
        limits,
        max(limits.call, _ERASING),
        _ERASING,
        lambda timeout: call(methods.DELETE_TENANT, request, timeout),
    )


def create_key(limits: Limits, role: KeyRole) -> Flow[admin_pb2.CreateKeyResponse]:
    request = admin_pb2.CreateKeyRequest()
    request.role = enum_number(request.DESCRIPTOR.fields_by_name["role"], role)  # type: ignore[assignment]
    return once(limits, methods.CREATE_KEY, request)


def list_keys(limits: Limits) -> Flow[admin_pb2.ListKeysResponse]:
    return short(limits, methods.LIST_KEYS, admin_pb2.ListKeysRequest())


def revoke_key(limits: Limits, id: str) -> Flow[admin_pb2.ApiKey]:
    return short(limits, methods.REVOKE_KEY, admin_pb2.RevokeKeyRequest(id=id))
