"""Administration: of a server, for operators; of a tenant's API keys, for its administrators.

    from vico.admin import AdminClient

    with AdminClient("vico.example.org:50052", ca="ca.crt", cert="op.crt", cert_key="op.key") as admin:
        for worker in admin.workers():
            print(worker.name, worker.state, *worker.jobs)
        admin.drain("gpu0")

AsyncAdminClient is the same for asyncio. The API keys of a tenant are `keys` of vico.Client, whose own key
must have the role tenant_admin.
"""

from vico.admin._facts import ApiKey, KeyRole, NewKey, QueueLine, Tenant, TenantState, Worker, WorkerState
from vico.admin.aio import AsyncAdminClient
from vico.admin.client import AdminClient

__all__ = [
    "AdminClient",
    "ApiKey",
    "AsyncAdminClient",
    "KeyRole",
    "NewKey",
    "QueueLine",
    "Tenant",
    "TenantState",
    "Worker",
    "WorkerState",
]
