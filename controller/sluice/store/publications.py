"""Which bundles are published, and which bundle a version is for ever."""

from datetime import datetime

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Refused, Unavailable
from sluice.reconcile.observed import Publication
from sluice.resources.kinds import Resource
from sluice.store import audit
from sluice.store.blobs import Blobs
from sluice.store.claims import expect_claimed
from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.schema import ledger, ledger_refusals, publications

__all__ = ["publication_in", "publication_of", "publish", "version_holder"]


async def publish(
    database: Database, blobs: Blobs, publication: Publication, release: Resource, *, epoch: int
) -> Publication:
    """Make a stored bundle a publication, in one transaction; return it as it stands then.

    It is done once: a second call changes nothing and returns the first one's row.

    Args:
        database: where to.
        blobs: must hold the bundle; it is read through before anything is written.
        publication: what is published, and when.
        release: the Release it comes from, for the audit log.
        epoch: of the operator that leads.

    Raises:
        Refused: `VersionTaken`: the version is another bundle already, whichever Release said so,
            and even if that is deleted; `NotClaimed`.
        Fenced: another operator leads.
        Unavailable: `StoreFailed`; `BlobMissing`: put the bundle first.
    """
    if await blobs.verify(publication.digest) != publication.size:
        raise Unavailable(
            "BlobMissing", f"The bundle {publication.digest} is not in the store as it should be."
        )
    async with leading(database, "publish", epoch) as transaction:
        await expect_claimed(transaction, publication.app_id, release.key.namespace)
        known = await publication_in(transaction, publication.app_id, publication.release_digest)
        if known is not None:
            return known
        taken = await _taken_by(transaction, publication)
        if taken is None:
            await _insert(transaction, publication)
            body = {**_body(publication), "release": _release(release)}
            await audit.append(
                transaction, "Published", str(release.key), body, at=publication.published_at
            )
            return publication
        # Committed before it is raised: both digests stay as proof.
        await _note_refusal(transaction, publication, release, taken)
    raise Refused(
        "VersionTaken",
        f"{publication.app_id} {publication.version} is the bundle {taken} for ever:"
        " give this one another version.",
    )


async def publication_of(
    database: Database, app_id: str, release_digest: str
) -> Publication | None:
    """Return what was published for a release.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await publication_in(connection, app_id, release_digest)


async def version_holder(database: Database, app_id: str, version: str) -> str | None:
    """Return the digest of the bundle that a version is for ever, or None when it is still free.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await _holder(connection, app_id, version)


async def publication_in(
    connection: AsyncConnection, app_id: str, release_digest: str
) -> Publication | None:
    """Return `publication_of` as a transaction sees it."""
    return await _first(
        connection,
        publications.c.app_id == app_id,
        publications.c.release_digest == release_digest,
    )


async def _first(
    connection: AsyncConnection, *conditions: ColumnElement[bool]
) -> Publication | None:
    found = await connection.execute(
        select(publications).where(*conditions).order_by(publications.c.published_at).limit(1)
    )
    row = found.mappings().first()
    return None if row is None else Publication(**row)


async def _taken_by(transaction: AsyncConnection, publication: Publication) -> str | None:
    """Enter a version into the ledger; return the digest that it has there if it is another one."""
    digest = await _holder(transaction, publication.app_id, publication.version)
    if digest is None:
        await transaction.execute(
            insert(ledger).values(
                app_id=publication.app_id,
                version=publication.version,
                digest=publication.digest,
                release_digest=publication.release_digest,
                at=publication.published_at,
            )
        )
        return None
    return None if digest == publication.digest else digest


async def _holder(connection: AsyncConnection, app_id: str, version: str) -> str | None:
    entry = await connection.execute(
        select(ledger.c.digest).where(ledger.c.app_id == app_id, ledger.c.version == version)
    )
    digest: str | None = entry.scalar_one_or_none()
    return digest


async def _insert(transaction: AsyncConnection, publication: Publication) -> None:
    await transaction.execute(
        insert(publications).values(
            app_id=publication.app_id,
            release_digest=publication.release_digest,
            version=publication.version,
            digest=publication.digest,
            size=publication.size,
            published_at=publication.published_at,
        )
    )


async def _note_refusal(
    transaction: AsyncConnection, publication: Publication, release: Resource, taken: str
) -> None:
    at: datetime = publication.published_at
    noted = await transaction.execute(
        insert_into(transaction, ledger_refusals)
        .values(
            app_id=publication.app_id,
            version=publication.version,
            digest=publication.digest,
            at=at,
        )
        .on_conflict_do_nothing()
    )
    if noted.rowcount:
        body = {
            **_body(publication),
            "release": _release(release),
            "reason": "VersionTaken",
            "takenBy": taken,
        }
        await audit.append(transaction, "PublicationRefused", str(release.key), body, at=at)


def _body(publication: Publication) -> dict[str, object]:
    return {
        "appId": publication.app_id,
        "version": publication.version,
        "digest": publication.digest,
        "size": publication.size,
        "releaseDigest": publication.release_digest,
    }


def _release(release: Resource) -> dict[str, object]:
    return {"uid": release.uid, "generation": release.generation}
