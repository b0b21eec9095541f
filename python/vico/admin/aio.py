"""The asyncio clients of operators and of a tenant's administrators."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from vico._asyncio import AsyncioDriver, Core
from vico._flow import Limits
from vico.admin import _actions as actions
from vico.admin import _facts as facts
from vico.admin._facts import ApiKey, KeyRole, NewKey, QueueLine, Tenant, Worker
from vico.settings import read_admin_settings


class AsyncKeys:
    """The API keys of the tenant. The client's own key must have the role tenant_admin."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create(self, role: KeyRole = "user") -> NewKey:
        """A tenant has at most two active keys of each role: FailedPrecondition for a third. The call is not
        repeated; after Unavailable or DeadlineExceeded list() shows whether there is a new key."""
        return facts.new_key_of(await self._core.run(actions.create_key(self._core.limits, role)))

    async def list(self) -> AsyncIterator[ApiKey]:
        """Newest first, at most 100; revoked ones too."""
        answer = await self._core.run(actions.list_keys(self._core.limits))
        for message in answer.api_keys:
            yield facts.api_key_of(message)

    async def revoke(self, id: str) -> ApiKey:
        """The key is refused from then on."""
        return facts.api_key_of(await self._core.run(actions.revoke_key(self._core.limits, id)))


class AsyncTenants:
    """The tenants of the server."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create(self, name: str) -> Tenant:
        """AlreadyExists for a name that was ever used. The call is not repeated. The first key of a tenant
        is made on the server: vico-server keys create."""
        return facts.tenant_of(await self._core.run(actions.create_tenant(self._core.limits, name)))

    async def list(self, *, page_size: int = 50) -> AsyncIterator[Tenant]:
        """By name, deleted ones too; the pages are fetched as they are needed."""
        async for message in self._core.iterate(actions.list_tenants(self._core.limits, page_size)):
            yield facts.tenant_of(message)

    async def delete(self, name: str) -> Tenant:
        """Revokes the keys of the tenant and removes all that it has, which cannot be undone. The server
        answers after 20 s at most and goes on; the state of the result says whether it has finished. Another
        call continues."""
        return facts.tenant_of(await self._core.run(actions.delete_tenant(self._core.limits, name)))


class AsyncAdminClient:
    """An operator's connection to the workers' address of a server. One event loop.

    Address, CA, certificate and its private key come from the arguments, from VICO_ADMIN_SERVER, VICO_CA,
    VICO_CERT and VICO_CERT_KEY, or from ~/.config/vico/config, in this order, as for `vico admin`. Without a
    certificate only a server on this machine without TLS answers. ConfigError says what is wrong with them.

    `timeout` is of a call in seconds, retries included.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        ca: str | os.PathLike[str] | None = None,
        cert: str | os.PathLike[str] | None = None,
        cert_key: str | os.PathLike[str] | None = None,
        timeout: float = Limits.call,
    ) -> None:
        self._settings = read_admin_settings(server, ca, cert, cert_key, os.environ)
        core = self._core = Core(AsyncioDriver(self._settings), Limits(call=timeout))
        self.tenants = AsyncTenants(core)

    @property
    def address(self) -> str:
        """Of the server, as given."""
        return self._settings.peer.address

    def __repr__(self) -> str:
        return f"<AsyncAdminClient {self.address}>"

    async def workers(self) -> AsyncIterator[Worker]:
        """Those with a call within the last day, by name."""
        answer = await self._core.run(actions.list_workers(self._core.limits))
        for message in answer.workers:
            yield Worker(message)

    async def queue(self) -> AsyncIterator[QueueLine]:
        """The jobs that have not ended, by tenant and kind."""
        answer = await self._core.run(actions.get_queue(self._core.limits))
        for message in answer.lines:
            yield facts.queue_line(message)

    async def drain(self, worker: str | Worker) -> Worker:
        """The worker, or the one of this name, gets no more jobs. Its jobs go back to the queue after their
        current step. Only undrain() ends it: a drain outlasts restarts of server and worker."""
        return Worker(await self._core.run(actions.drain_worker(self._core.limits, worker, False)))

    async def undrain(self, worker: str | Worker) -> Worker:
        """The worker gets jobs again."""
        return Worker(await self._core.run(actions.drain_worker(self._core.limits, worker, True)))

    async def close(self) -> None:
        """Closes the connection."""
        await self._core.driver.close()

    async def __aenter__(self) -> AsyncAdminClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
