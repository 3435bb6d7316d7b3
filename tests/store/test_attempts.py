"""Tries at something outside that failed."""

from dataclasses import replace

from sluice.reconcile.observed import Attempt
from sluice.store.attempts import AttemptKey, attempt_of, note_attempt
from support.storing import NOW, RELEASE_DIGEST, Writer

KEY = AttemptKey("Publish", "shop", RELEASE_DIGEST)
FAILED = Attempt(reason="FetchFailed", message="It did not answer.", retry_at=NOW)


async def test_what_did_not_fail_has_no_attempt(writer: Writer) -> None:
    assert await attempt_of(writer.database, KEY) is None


async def test_the_last_failure_is_remembered(writer: Writer) -> None:
    last = replace(FAILED, reason="FetchDigestMismatch", retry_at=None)
    await note_attempt(writer.database, KEY, FAILED, epoch=1)
    await note_attempt(writer.database, KEY, last, epoch=1)

    assert await attempt_of(writer.database, KEY) == last


async def test_namespaces_and_purposes_do_not_share_their_troubles(writer: Writer) -> None:
    await note_attempt(writer.database, KEY, FAILED, epoch=1)

    assert await attempt_of(writer.database, KEY._replace(namespace="other")) is None
    assert await attempt_of(writer.database, KEY._replace(purpose="Collect")) is None
