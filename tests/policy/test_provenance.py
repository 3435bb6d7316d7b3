"""Requirement `provenance`: the build is attested, and agrees with the release."""

from typing import Any

import pytest

from support.builders import (
    BUILDER,
    CI_SIGNER,
    REPOSITORY,
    REVISION,
    SSO,
    Signer,
    a_provenance,
    a_release,
    a_subject,
)
from support.judging import finding_of, told, with_statements


def needed(**more: Any) -> dict[str, Any]:
    need = {"authority": "ci", "repository": REPOSITORY, **more}
    return {"name": "built", "provenance": need}


def test_an_attested_build_of_the_stated_source_is_enough() -> None:
    finding = finding_of(needed(builderId=BUILDER), with_statements(a_provenance()))

    assert (finding.state, finding.reason) == ("satisfied", "ProvenanceShown")
    assert finding.by == (CI_SIGNER.subject,)


def test_without_a_provenance_it_is_said_how_to_make_one() -> None:
    finding = finding_of(needed())

    assert (finding.state, finding.reason) == ("missing", "ProvenanceMissing")
    assert "attest the build in the pipeline" in finding.message
    assert CI_SIGNER.subject in finding.message


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "https://github.example.com/acme/other"},
        {"repository": f"{REPOSITORY}/"},
        {"revision": "d" * 40},
        {"builder": f"{BUILDER}/other"},
        {"ref": "refs/heads/main/evil"},
        {"ref": "refs/heads/mainly"},
        {"ref": ""},
        {"path": ".github/workflows/release.yml@evil.yml"},
        {"path": ".github/workflows/other.yml"},
        {"path": ""},
    ],
    ids=lambda change: " ".join(f"{name}={text}" for name, text in change.items()),
)
def test_a_build_of_something_else_is_refused(change: dict[str, str]) -> None:
    need = needed(
        builderId=BUILDER, ref="refs/heads/main", workflow=".github/workflows/release.yml"
    )

    assert told(need, with_statements(a_provenance())) == ("satisfied", "ProvenanceShown")
    assert told(need, with_statements(a_provenance(**change))) == ("refused", "ProvenanceDiffers")


@pytest.mark.parametrize(
    ("pattern", "ref", "fits"),
    [
        ("refs/tags/v*", "refs/tags/v1.2.0", True),
        ("refs/tags/v*", "refs/tags/v1/evil", False),
        ("refs/tags/*", "refs/heads/main", False),
        ("*", "refs/heads/main", False),
        ("*", "", False),
        ("refs/*/main", "refs/heads/main", True),
        ("refs/heads/release-*", "refs/heads/release-", True),
        ("refs/heads/main", "refs/heads/Main", False),
    ],
)
def test_a_star_in_a_reference_stays_between_slashes(pattern: str, ref: str, fits: bool) -> None:
    state, _ = told(needed(ref=pattern), with_statements(a_provenance(ref=ref)))

    assert (state == "satisfied") == fits


def test_a_provenance_by_another_is_refused() -> None:
    other = Signer(kind="sigstore", issuer=SSO, subject="eve@example.com")
    finding = finding_of(needed(), with_statements(a_provenance(signer=other)))

    assert (finding.state, finding.reason) == ("refused", "SignedByOther")


def test_a_provenance_of_another_bundle_is_none() -> None:
    of_other = a_provenance(subjects=frozenset({"0" * 64}))

    assert told(needed(), with_statements(of_other)) == ("missing", "ProvenanceMissing")


def test_a_provenance_that_nobody_can_read_is_refused() -> None:
    broken = a_provenance(predicate_json="{}")
    good = a_provenance().predicate_json
    padded = '{"a":"' + "a" * 1_100_000 + '",' + good[1:]
    long = a_provenance(predicate_json=padded)

    assert told(needed(), with_statements(broken)) == ("refused", "ProvenanceUnreadable")
    assert told(needed(), with_statements(long)) == ("refused", "ProvenanceUnreadable")


def test_a_release_that_does_not_say_its_source_is_asked_for_it() -> None:
    subject = a_subject(a_release(source=None))

    assert told(needed(), with_statements(a_provenance()), subject=subject) == (
        "missing",
        "SourceMissing",
    )


def test_the_release_may_not_claim_another_repository_than_the_policy_names() -> None:
    claimed = {"repository": "https://x", "revision": REVISION, "authors": []}
    subject = a_subject(a_release(source=claimed))

    assert told(needed(), with_statements(a_provenance()), subject=subject) == (
        "refused",
        "ProvenanceDiffers",
    )
