"""The blocking clients of operators and of a tenant's administrators."""

from __future__ import annotations

import os
from collections.abc import Iterator

from vico._blocking import BlockingDriver, Core
from vico._flow import Limits
from vico.admin import _actions as actions
from vico.admin import _facts as facts
from vico.admin._facts import ApiKey, KeyRole, NewKey, QueueLine, Tenant, Worker
from vico.settings import read_admin_settings


class Keys:
    """The API keys of the tenant. The client's own key must have the role tenant_admin."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(self, role: KeyRole = "user") -> NewKey:
        """A tenant has at most two active keys of each role: FailedPrecondition for a third. The call is not
        repeated; after Unavailable or DeadlineExceeded list() shows whether there is a new key."""
        return facts.new_key_of(self._core.run(actions.create_key(self._core.limits, role)))

    def list(self) -> Iterator[ApiKey]:
        """Newest first, at most 100; revoked ones too."""
        answer = self._core.run(actions.list_keys(self._core.limits))
        return map(facts.api_key_of, answer.api_keys)

    def revoke(self, id: str) -> ApiKey:
        """The key is refused from then on."""
        return facts.api_key_of(self._core.run(actions.revoke_key(self._core.limits, id)))


class Tenants:
    """The tenants of the server."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(self, name: str) -> Tenant:
        """AlreadyExists for a name that was ever used. The call is not repeated. The first key of a tenant
        is made on the server: vico-server keys create."""
        return facts.tenant_of(self._core.run(actions.create_tenant(self._core.limits, name)))

    def list(self, *, page_size: int = 50) -> Iterator[Tenant]:
        """By name, deleted ones too; the pages are fetched as they are needed."""
        for message in self._core.iterate(actions.list_tenants(self._core.limits, page_size)):
            yield facts.tenant_of(message)

    def delete(self, name: str) -> Tenant:
        """Revokes the keys of the tenant and removes all that it has, which cannot be undone. The server
        answers after 20 s at most and goes on; the state of the result says whether it has finished. Another
        call continues."""
        return facts.tenant_of(self._core.run(actions.delete_tenant(self._core.limits, name)))


class AdminClient:
    """An operator's connection to the workers' address of a server. Any thread.

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
        core = self._core = Core(BlockingDriver(self._settings), Limits(call=timeout))
        self.tenants = Tenants(core)

    @property
    def address(self) -> str:
        """Of the server, as given."""
        return self._settings.peer.address

    def __repr__(self) -> str:
        return f"<AdminClient {self.address}>"

    def workers(self) -> Iterator[Worker]:
        """Those with a call within the last day, by name."""
        answer = self._core.run(actions.list_workers(self._core.limits))
        return map(Worker, answer.workers)

    def queue(self) -> Iterator[QueueLine]:
        """The jobs that have not ended, by tenant and kind."""
        return map(facts.queue_line, self._core.run(actions.get_queue(self._core.limits)).lines)

    def drain(self, worker: str | Worker) -> Worker:
        """The worker, or the one of this name, gets no more jobs. Its jobs go back to the queue after their
        current step. Only undrain() ends it: a drain outlasts restarts of server and worker."""
        return Worker(self._core.run(actions.drain_worker(self._core.limits, worker, False)))

    def undrain(self, worker: str | Worker) -> Worker:
        """The worker gets jobs again."""
        return Worker(self._core.run(actions.drain_worker(self._core.limits, worker, True)))

    def close(self) -> None:
        """Closes the connection."""
        self._core.driver.close()

    def __enter__(self) -> AdminClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
