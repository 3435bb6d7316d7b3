"""Who leads: a Lease in Kubernetes elects, and an epoch in the store fences.

A Lease alone is not enough: a leader that was stopped (SIGSTOP, a long pause) wakes up and believes
that it still leads. So each term has a number, `leaseTransitions`, that only grows; the new leader
tells it to the store, and the store refuses every write of an older term inside its transaction.

Time is measured on the own monotonic clock from the moment a change of the Lease was seen, as
client-go does: clocks of two machines are never compared.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sluice.errors import Fenced, Unavailable
from sluice.operator.cluster import Cluster

__all__ = ["Elected", "Lease", "LeaseSettings"]

LEASE_NAME: Final = "sluice-operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """Where the Lease is, and how long a leader may be silent."""

    namespace: str
    identity: str
    """Tells this process from all others."""
    duration_seconds: float = 15.0
    """Others wait this long after the last renewal they saw."""
    renew_seconds_max: float = 10.0
    """A leader that could not renew for this long stops acting, before others may start."""
    retry_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Elected:
    """A term that was won."""

    epoch: int


class Lease:
    """One candidate for leadership."""

    def __init__(
        self, cluster: Cluster, settings: LeaseSettings, stored_epoch: Callable[[], Awaitable[int]]
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._stored_epoch = stored_epoch
        self._seen: tuple[str, str] = ("", "")
        self._seen_at = float("-inf")
        self._held: Mapping[str, Any] | None = None

    async def win(self) -> Elected:
        """Wait until this process leads."""
        while True:
            try:
                elected = await self._try_to_win()
            except Unavailable:
                elected = None
            if elected is not None:
                return elected
            await asyncio.sleep(self._settings.retry_seconds)

    async def keep(self) -> None:
        """Renew until that fails.

        Raises:
            Fenced: the Lease is lost, or could not be renewed in time: stop acting now.
        """
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(self._settings.retry_seconds)
            left = renewed + self._settings.renew_seconds_max - loop.time()
            if left <= 0:
                raise Fenced("LeaseExpired", "The Lease could not be renewed in time.")
            try:
                async with asyncio.timeout(left):
                    await self._renew()
                renewed = loop.time()
            except (Unavailable, TimeoutError):
                continue

    async def release(self) -> None:
        """Give the Lease up, so that the next leader need not wait. Failing to is harmless."""
        if self._held is None:
            return
        try:
            await self._write(self._held, {"holderIdentity": "", "leaseDurationSeconds": 1})
        except Unavailable:
            return
        finally:
            self._held = None

    async def _try_to_win(self) -> Elected | None:
        lease = await self._cluster.lease(self._settings.namespace, LEASE_NAME)
        if lease is not None and not self._is_free(lease):
            return None
        terms = lease["spec"].get("leaseTransitions", 0) if lease else 0
        epoch = max(terms, await self._stored_epoch()) + 1
        fields = {"leaseTransitions": epoch, "acquireTime": _now()}
        self._held = await self._write(lease or {"metadata": {"name": LEASE_NAME}}, fields)
        return Elected(epoch=epoch)

    def _is_free(self, lease: Mapping[str, Any]) -> bool:
        spec = lease["spec"]
        holder = spec.get("holderIdentity", "")
        seen = (holder, spec.get("renewTime", ""))
        now = asyncio.get_running_loop().time()
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        if not holder:
            return True
        patience = max(float(spec.get("leaseDurationSeconds", 0)), self._settings.duration_seconds)
        return now - self._seen_at > patience

    async def _renew(self) -> None:
        held = await self._cluster.lease(self._settings.namespace, LEASE_NAME)
        mine = self._held["spec"] if self._held else {}
        if held is None or any(
            held["spec"].get(field) != mine.get(field)
            for field in ("holderIdentity", "leaseTransitions")
        ):
            raise Fenced("LeaseLost", "Another process leads now.")
        self._held = await self._write(held, {})

    async def _write(
        self, lease: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        spec = {
            **lease.get("spec", {}),
            "holderIdentity": self._settings.identity,
            "leaseDurationSeconds": max(1, round(self._settings.duration_seconds)),
            "renewTime": _now(),
            **fields,
        }
        meta = lease["metadata"]
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": meta["name"],
                **(
                    {"resourceVersion": meta["resourceVersion"]}
                    if "resourceVersion" in meta
                    else {}
                ),
            },
            "spec": spec,
        }
        return await self._cluster.write_lease(self._settings.namespace, body)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
