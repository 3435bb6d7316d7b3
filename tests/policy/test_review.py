"""Requirement `review`: enough people, none of them an author, approved this very revision."""

from datetime import timedelta
from typing import Any

import pytest

from sluice.policy.review_statement import REVIEW_TYPE
from sluice.policy.verdict import Finding
from support.builders import (
    NOW,
    REPOSITORY,
    REVISION,
    SSO,
    Signer,
    a_provenance,
    a_release,
    a_review,
    a_statement,
    a_subject,
    a_word_of,
    an_approval,
    approvals_needed,
    facts,
)
from support.judging import finding_of, judged, told, with_statements

ENOUGH = ("satisfied", "Reviewed")
TOO_FEW = ("missing", "ReviewersMissing")


def needed(count: int = 1) -> dict[str, Any]:
    return {
        "name": "reviewed",
        "review": {"authority": "ci", "repository": REPOSITORY, "count": count},
    }


def counted(*reviews: dict[str, Any], count: int = 1, **more: Any) -> tuple[str, str]:
    return told(needed(count), with_statements(a_review(*reviews, **more)))


def test_an_approval_of_this_very_revision_is_enough() -> None:
    finding = finding_of(needed(), with_statements(a_review()))

    assert (finding.state, finding.reason, finding.by) == (*ENOUGH, ("alice",))
    assert f"{REPOSITORY}/pull/7" in finding.message


def test_without_a_statement_it_is_said_how_to_make_one() -> None:
    finding = finding_of(needed())

    assert (finding.state, finding.reason) == ("missing", "ReviewMissing")
    assert "attest the reviews in the pipeline" in finding.message


def test_a_statement_by_another_is_refused() -> None:
    other = Signer(kind="sigstore", issuer=SSO, subject="alice@example.com")

    assert told(needed(), with_statements(a_review(signer=other))) == ("refused", "SignedByOther")


@pytest.mark.parametrize("state", ["changesRequested", "dismissed", "commented"])
def test_only_an_approval_counts(state: str) -> None:
    assert counted(a_word_of(state=state)) == TOO_FEW


def test_an_approval_of_an_earlier_revision_does_not_count() -> None:
    finding = finding_of(needed(), with_statements(a_review(a_word_of(revision="d" * 40))))

    assert (finding.state, finding.reason) == TOO_FEW
    assert "approved another revision" in finding.message


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (a_word_of(state="changesRequested", submitted_at="2026-06-01T09:00:00Z"), TOO_FEW),
        (a_word_of(state="dismissed", submitted_at="2026-06-01T09:00:00Z"), TOO_FEW),
        (a_word_of(state="commented", submitted_at="2026-06-01T09:00:00Z"), ENOUGH),
        (a_word_of(state="changesRequested", submitted_at="2026-06-01T07:00:00Z"), ENOUGH),
        (a_word_of(state="changesRequested"), TOO_FEW),
        (a_word_of(revision="d" * 40, submitted_at="2026-06-01T09:00:00Z"), TOO_FEW),
        (
            a_word_of(
                "ALICE.private@example.com",
                state="changesRequested",
                submitted_at="2026-06-01T09:00:00Z",
            ),
            TOO_FEW,
        ),
    ],
    ids=[
        "asks for changes",
        "dismissed",
        "only comments",
        "asked for changes before",
        "at the same time",
        "approves another revision",
        "asks for changes under another name",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_only_the_last_word_of_a_reviewer_counts(
    later: dict[str, Any], expected: tuple[str, str], first: bool
) -> None:
    reviews = (later, a_word_of()) if first else (a_word_of(), later)

    assert counted(*reviews) == expected


@pytest.mark.parametrize("name", ["dora@example.com", "dora.private@example.com", "DORA", "dora "])
def test_an_author_does_not_count_under_any_name(name: str) -> None:
    finding = finding_of(needed(), with_statements(a_review(a_word_of(name))))

    assert (finding.state, finding.reason) == TOO_FEW
    assert "is an author of the change" in finding.message


@pytest.mark.parametrize("name", ["octocat", "OctoCat", "\N{FULLWIDTH LATIN SMALL LETTER O}ctocat"])
def test_an_author_whom_nobody_knows_does_not_count_either(name: str) -> None:
    assert counted(a_word_of(name), author="octocat") == TOO_FEW


def test_an_author_in_the_provenance_does_not_count() -> None:
    found = with_statements(a_review(), a_provenance(actors=("Alice@example.com",)))

    assert told(needed(), found) == TOO_FEW


def test_an_author_in_the_reviews_does_not_approve_the_release_either() -> None:
    by_alice = facts(an_approval("alice"), statements=(a_review(author="alice"),))

    assert judged(approvals_needed(), facts(an_approval("alice"))).answer == "allowed"
    assert judged(approvals_needed(), by_alice).reason == "ApprovalsMissing"


def test_two_names_of_one_person_count_once() -> None:
    twice = (a_word_of("alice@example.com"), a_word_of("alice.private@example.com"))

    assert counted(*twice, count=2) == TOO_FEW
    assert counted(*twice, a_word_of("bob"), count=2) == ENOUGH


def test_an_alias_is_a_name_of_its_person() -> None:
    aliases = {"alice": ["octocat"], "dora": ["monalisa"]}

    def of(*names: str, count: int = 1) -> tuple[str, str]:
        review = a_review(*(a_word_of(name) for name in names), author="nobody")
        return told(needed(count), with_statements(review), aliases=aliases)

    assert of("monalisa") == TOO_FEW
    assert of("octocat", "alice", count=2) == TOO_FEW
    assert of("octocat", "bob", count=2) == ENOUGH


def test_a_name_that_two_people_go_by_approves_for_neither_and_stops_both() -> None:
    def of(*reviews: dict[str, Any]) -> tuple[str, str]:
        shared = {"alice": ["pair"], "bob": ["pair"]}
        return told(needed(), with_statements(a_review(*reviews)), aliases=shared)

    assert of(a_word_of("pair")) == TOO_FEW
    assert of(a_word_of("alice")) == ENOUGH
    later = a_word_of("pair", "changesRequested", submitted_at="2026-06-01T09:00:00Z")
    assert of(a_word_of("alice"), later) == TOO_FEW


def test_reviewers_whom_nobody_knows_count_under_their_own_names() -> None:
    assert counted(a_word_of("hubot"), a_word_of("monalisa"), count=2) == ENOUGH
    assert counted(a_word_of("hubot"), a_word_of("HUBOT"), count=2) == TOO_FEW


@pytest.mark.parametrize(
    "change", [{"repository": "https://x"}, {"revision": "d" * 40}], ids=["repository", "revision"]
)
def test_reviews_of_another_change_are_refused(change: dict[str, str]) -> None:
    assert counted(a_word_of(), **change) == ("refused", "ReviewDiffers")


def test_a_release_that_does_not_say_its_source_is_asked_for_it() -> None:
    subject = a_subject(a_release(source=None))

    assert told(needed(), with_statements(a_review()), subject=subject) == (
        "missing",
        "SourceMissing",
    )


def test_the_newest_statement_decides() -> None:
    older = a_review(signed_at=NOW - timedelta(hours=2))
    newer = a_review(a_word_of(state="changesRequested"), signed_at=NOW - timedelta(hours=1))

    assert told(needed(), with_statements(older)) == ENOUGH
    assert told(needed(), with_statements(older, newer)) == TOO_FEW
    assert told(needed(), with_statements(newer, older)) == TOO_FEW


GOOD = {
    "repository": REPOSITORY,
    "change": f"{REPOSITORY}/pull/7",
    "revision": REVISION,
    "author": "dora",
    "reviews": [a_word_of()],
}


@pytest.mark.parametrize(
    "change",
    [
        {"reviews": None},
        {"reviews": {}},
        {"reviews": [a_word_of()] * 513},
        {"reviews": [{**a_word_of(), "more": 1}]},
        {"reviews": [{**a_word_of(), "state": "APPROVED"}]},
        {"reviews": [{**a_word_of(), "revision": "main"}]},
        {"reviews": [{**a_word_of(), "submittedAt": "yesterday"}]},
        {"reviews": [{**a_word_of(), "submittedAt": "2026-06-01T08:00:00"}]},
        {"reviews": [{**a_word_of(), "reviewer": "al\N{RIGHT-TO-LEFT OVERRIDE}ice"}]},
        {"author": ""},
        {"author": 7},
        {"more": True},
    ],
    ids=str,
)
def test_a_statement_in_another_form_is_refused(change: dict[str, Any]) -> None:
    def told_of(predicate: dict[str, Any]) -> Finding:
        return finding_of(needed(), with_statements(a_statement(REVIEW_TYPE, predicate)))

    assert told_of(GOOD).reason == "Reviewed"
    assert told_of({**GOOD, **change}).reason == "ReviewUnreadable"
