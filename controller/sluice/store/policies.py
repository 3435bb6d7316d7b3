"""Policy revisions that came into force: kept for ever, and never in git's power.

The operator judges a revision and seals it. What is read here is sealed text: whoever opens it
compares its inside with its row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Unavailable
from sluice.resources.kinds import Key
from sluice.store import audit
from sluice.store.database import Database
from sluice.store.leadership import leading
from sluice.store.schema import policies

__all__ = ["PolicyRow", "adopt_policy", "policies_in_force", "policy_in_force"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One revision of a policy, as it was adopted."""

    kind: str
    namespace: str
    """Empty for a ClusterReleasePolicy."""
    name: str
    revision: int
    digest: str
    """`sluice.resources.canonical.policy_digest` of the revision."""
    sealed: str
    """Everything about it, under the operator's seal."""

    @property
    def key(self) -> Key:
        """Return which policy it is a revision of."""
        return Key(self.kind, self.namespace, self.name)


async def adopt_policy(
    database: Database, row: PolicyRow, *, told: Mapping[str, object], epoch: int, at: datetime
) -> None:
    """Put a revision into force, and audit it, in one transaction; done once, it stays done.

    Args:
        database: where to.
        row: the revision; the one before it must be the highest there is.
        told: what the audit log says of it, besides its revision and digest.
        epoch: of the operator that leads.
        at: when, in UTC.

    Raises:
        Fenced: another operator leads.
        Unavailable: `Moved`: another revision came into force meanwhile: look again; `StoreFailed`.
    """
    async with leading(database, "adopt-policy", epoch) as transaction:
        current = await _highest(transaction, row.key)
        if (current.revision, current.digest) == (row.revision, row.digest):
            return
        if row.revision != current.revision + 1:
            raise Unavailable(
                "Moved",
                f"Revision {current.revision} of {row.key} is in force meanwhile: look again.",
            )
        await transaction.execute(
            insert(policies).values(
                kind=row.kind,
                namespace=row.namespace,
                name=row.name,
                revision=row.revision,
                digest=row.digest,
                sealed=row.sealed,
                at=at,
            )
        )
        body = {"revision": row.revision, "digest": row.digest, **told}
        await audit.append(transaction, "PolicyAdopted", str(row.key), body, at=at)


async def policies_in_force(
    database: Database, namespace: str | None = None
) -> tuple[PolicyRow, ...]:
    """Return the highest revision of each policy, in the order of kind, namespace and name.

    Args:
        database: where from.
        namespace: only policies of this namespace and of the cluster; None: of all.

    Raises:
        Unavailable: `StoreFailed`.
    """
    query = _highest_revisions()
    if namespace is not None:
        query = query.where(policies.c.namespace.in_(["", namespace]))
    async with database.reading() as connection:
        return tuple(PolicyRow(**row) for row in (await connection.execute(query)).mappings())


async def policy_in_force(database: Database, key: Key) -> PolicyRow | None:
    """Return the highest revision of one policy, or None when none ever came into force.

    Raises:
        Unavailable: `StoreFailed`.
    """
    query = _highest_revisions().where(
        policies.c.kind == key.kind,
        policies.c.namespace == key.namespace,
        policies.c.name == key.name,
    )
    async with database.reading() as connection:
        row = (await connection.execute(query)).mappings().first()
    return None if row is None else PolicyRow(**row)


def _highest_revisions() -> Select[tuple[str, str, str, int, str, str]]:
    names = (policies.c.kind, policies.c.namespace, policies.c.name)
    highest = select(*names, func.max(policies.c.revision).label("top")).group_by(*names).subquery()
    return (
        select(*names, policies.c.revision, policies.c.digest, policies.c.sealed)
        .join(
            highest,
            and_(
                *(highest.c[each.name] == each for each in names),
                highest.c.top == policies.c.revision,
            ),
        )
        .order_by(*names)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Current:
    revision: int = 0
    digest: str = ""


async def _highest(transaction: AsyncConnection, key: Key) -> _Current:
    found = await transaction.execute(
        select(policies.c.revision, policies.c.digest)
        .where(
            policies.c.kind == key.kind,
            policies.c.namespace == key.namespace,
            policies.c.name == key.name,
        )
        .order_by(policies.c.revision.desc())
        .limit(1)
    )
    row = found.first()
    return _Current() if row is None else _Current(revision=row.revision, digest=row.digest)
