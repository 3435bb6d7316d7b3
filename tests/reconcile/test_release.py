"""What a Release does next."""

from dataclasses import replace
from typing import Any

from sluice.reconcile.observed import EvidenceReference, ReleaseObserved
from sluice.reconcile.release import next_step
from sluice.reconcile.step import Collect, KeepRevocation, Rest
from sluice.resources.release import Revocation
from support.builders import BUNDLE, NOW
from support.observed import DIGEST, OBJECT, PUBLICATION, RELEASE

REVOKED = RELEASE.model_copy(update={"revoked": Revocation(reason="It loses orders.")})
EVIDENCE = EvidenceReference(name="x", url="https://e.example", sha256="e" * 64)


def seen(**changes: Any) -> ReleaseObserved:
    fields: dict[str, Any] = {
        "release": OBJECT,
        "spec": RELEASE,
        "digest": DIGEST,
        "uncollected": (),
        "attempt": None,
        "publication": PUBLICATION,
        "channels": (),
        "revocation_kept": False,
        "now": NOW,
    }
    return ReleaseObserved(**{**fields, **changes})


def test_a_revocation_is_kept_before_its_release_can_be_deleted() -> None:
    step = next_step(seen(spec=REVOKED, uncollected=(EVIDENCE,)))

    assert step == KeepRevocation(digest=BUNDLE, reason="It loses orders.")


def test_a_revocation_that_is_kept_is_all_there_is_to_do() -> None:
    step = next_step(replace(seen(spec=REVOKED, uncollected=(EVIDENCE,)), revocation_kept=True))

    assert step == Rest(reason="Revoked", message="It loses orders.")


def test_evidence_that_is_elsewhere_is_collected() -> None:
    assert next_step(seen(uncollected=(EVIDENCE,))) == Collect(references=(EVIDENCE,))


def test_a_release_that_is_published_rests() -> None:
    assert next_step(seen()) == Rest(reason="Published", message="The bundle is in the store.")
