"""What is published is complete, and a version is one bundle for ever."""

import asyncio
from pathlib import Path

import pytest

from sluice.errors import Refused, Unavailable
from sluice.store.audit import entries
from sluice.store.claims import take_claim
from sluice.store.publications import publication_of, publish, version_holder
from support.storing import (
    APP_ID,
    BUNDLE,
    CLAIM,
    DIGEST,
    NOW,
    RELEASE_DIGEST,
    Writer,
    a_publication,
    a_release_object,
    chunks,
)

OTHER_BUNDLE = b"another bundle"
OTHER_RELEASE = "f" * 64


async def kinds(writer: Writer) -> list[str]:
    return [each.kind for each in await entries(writer.database)]


async def test_what_is_published_is_found_by_its_release(writer: Writer) -> None:
    published = await writer.publish()

    assert published == a_publication()
    assert await publication_of(writer.database, APP_ID, RELEASE_DIGEST) == published
    assert await publication_of(writer.database, "com.example.other", RELEASE_DIGEST) is None
    assert await publication_of(writer.database, APP_ID, OTHER_RELEASE) is None


async def test_a_publication_is_audited_with_the_release_that_it_comes_from(
    writer: Writer,
) -> None:
    await writer.publish()

    entry = (await entries(writer.database))[-1]
    assert (entry.kind, entry.subject) == ("Published", "Release/shop/shop-1.2.0")
    assert entry.body == {
        "appId": APP_ID,
        "version": "1.2.0",
        "digest": DIGEST,
        "size": len(BUNDLE),
        "releaseDigest": RELEASE_DIGEST,
        "release": {"uid": "uid-1", "generation": 1},
    }


async def test_publishing_again_changes_nothing(writer: Writer) -> None:
    first = await writer.publish()
    later = await writer.publish(published_at=NOW.replace(hour=20))

    assert later == first
    assert await kinds(writer) == ["TookOver", "Claimed", "Published"]


async def test_the_same_bundle_may_come_from_another_release(writer: Writer) -> None:
    """A Release that was deleted and added again with other notes has another digest."""
    await writer.publish()
    again = await writer.publish(release_digest=OTHER_RELEASE)

    assert again.release_digest == OTHER_RELEASE
    assert again.digest == DIGEST


async def test_a_version_is_held_by_its_first_bundle_for_ever(writer: Writer) -> None:
    assert await version_holder(writer.database, APP_ID, "1.2.0") is None

    await writer.publish()

    assert await version_holder(writer.database, APP_ID, "1.2.0") == DIGEST
    assert await version_holder(writer.database, APP_ID, "1.2.1") is None
    assert await version_holder(writer.database, "com.example.other", "1.2.0") is None


async def test_nothing_is_published_whose_bundle_is_missing(writer: Writer) -> None:
    await take_claim(writer.database, CLAIM, epoch=1, at=NOW)

    with pytest.raises(Unavailable) as refused:
        await publish(writer.database, writer.blobs, a_publication(), a_release_object(), epoch=1)

    assert refused.value.reason == "BlobMissing"
    assert await publication_of(writer.database, APP_ID, RELEASE_DIGEST) is None


@pytest.mark.parametrize("damaged", [BUNDLE[:-1], BUNDLE[:-1] + b"!", b""])
async def test_nothing_is_published_whose_bundle_is_damaged(writer: Writer, damaged: bytes) -> None:
    await take_claim(writer.database, CLAIM, epoch=1, at=NOW)
    await writer.blobs.put(DIGEST, chunks(BUNDLE))
    overwrite(writer.blobs.path(DIGEST), damaged)

    with pytest.raises(Unavailable):
        await publish(writer.database, writer.blobs, a_publication(), a_release_object(), epoch=1)

    assert await publication_of(writer.database, APP_ID, RELEASE_DIGEST) is None


async def test_a_publication_has_the_size_of_its_bundle(writer: Writer) -> None:
    with pytest.raises(Unavailable):
        await writer.publish(size=len(BUNDLE) + 1)


async def test_a_version_is_one_bundle_for_ever_and_the_attempt_is_kept_as_proof(
    writer: Writer,
) -> None:
    await writer.publish()
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await writer.publish(OTHER_BUNDLE, release_digest=OTHER_RELEASE)

    assert refused.value.reason == "VersionTaken"
    assert await publication_of(writer.database, APP_ID, OTHER_RELEASE) is None
    entry = (await entries(writer.database))[-1]
    assert await kinds(writer) == ["TookOver", "Claimed", "Published", "PublicationRefused"]
    assert entry.body["takenBy"] == DIGEST
    assert entry.body["digest"] == a_publication(OTHER_BUNDLE).digest


async def test_each_app_has_versions_of_its_own(writer: Writer) -> None:
    await writer.publish()
    other = a_publication(OTHER_BUNDLE, app_id="com.example.other")
    claim = CLAIM.__class__(app_id=other.app_id, namespace="shop", name="other")
    await take_claim(writer.database, claim, epoch=1, at=NOW)
    await writer.blobs.put(other.digest, chunks(OTHER_BUNDLE))

    published = await publish(writer.database, writer.blobs, other, a_release_object(), epoch=1)

    assert published == other


async def test_nobody_takes_the_version_names_of_an_app_that_is_not_his(writer: Writer) -> None:
    await writer.publish()
    await writer.blobs.put(a_publication(OTHER_BUNDLE).digest, chunks(OTHER_BUNDLE))
    stolen = a_publication(OTHER_BUNDLE, version="9.0.0", release_digest=OTHER_RELEASE)

    with pytest.raises(Refused) as refused:
        await publish(
            writer.database,
            writer.blobs,
            stolen,
            a_release_object(namespace="pirate"),
            epoch=1,
        )

    assert refused.value.reason == "NotClaimed"
    await writer.publish(b"ours", version="9.0.0", release_digest="9" * 64)


async def test_of_two_bundles_at_once_one_gets_the_version(writer: Writer) -> None:
    answers = await asyncio.gather(
        writer.publish(),
        writer.publish(OTHER_BUNDLE, release_digest=OTHER_RELEASE),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in answers) == ["Publication", "Refused"]


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
