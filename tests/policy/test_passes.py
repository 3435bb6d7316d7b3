"""Exceptions and broken glass: who may pass a requirement by, for how long, and what they owe."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sluice.policy.evaluate import evaluate
from sluice.policy.verdict import Finding, Verdict
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.resources.policy import PolicySpec
from sluice.verify.facts import Approval, ExceptionGrant, Facts, GlassBroken, Signer
from support.builders import (
    NOW,
    SIGNED,
    SSO,
    a_policy,
    a_provenance,
    a_release,
    a_subject,
    an_approval,
    an_exception,
    by_ssh,
    glass,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROLES = {
    "release-manager": ["alice", "bob", "carol", "dora"],
    "security": ["carol", "dora", "eve", "alice"],
}
PEOPLE = ("alice", "bob", "carol", "dora", "eve")
EXCEPTIONS = {"requirements": ["signed"], "role": "release-manager", "count": 2}
GLASS = {
    "requirements": ["signed"],
    "role": "release-manager",
    "count": 2,
    "cosignRole": "security",
    "cosignCount": 1,
}


def verdict_on(
    found: Facts, *, now: datetime = NOW, subject: Any = None, name: str = "policy", **policy: Any
) -> Verdict:
    given = a_policy(SIGNED, people=PEOPLE, roles=ROLES, name=name, **policy)
    return evaluate((given,), subject or a_subject(), found, now)


def reasons(verdict: Verdict, what: str) -> list[str]:
    return [each.reason for each in verdict.findings if each.requirement == what]


# Exceptions.


def excepted(*words: ExceptionGrant, **more: Any) -> Verdict:
    need = {**EXCEPTIONS, **more.pop("need", {})}
    return verdict_on(Facts(exceptions=words), exceptions=need, **more)


BOTH = (an_exception("alice"), an_exception("bob"))


def test_enough_people_except_from_a_requirement_until_the_first_of_them_expires() -> None:
    sooner = an_exception("bob", expires_at=NOW + DAY)
    verdict = excepted(BOTH[0], sooner)

    assert verdict.answer == "allowed"
    [finding] = verdict.findings
    assert (finding.reason, finding.by) == ("Excepted", ("alice", "bob"))
    assert verdict.recheck_at == NOW + DAY
    assert excepted(BOTH[0], sooner, now=NOW + DAY).answer == "held"


def test_too_few_except_nothing_and_it_is_said_who_else_could() -> None:
    verdict = excepted(BOTH[0])

    assert verdict.answer == "held"
    [told] = [each for each in verdict.findings if each.requirement == "exceptions"]
    assert told.reason == "PassIncomplete"
    assert "1 of bob, carol, dora" in told.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"requirement": "other"}, "ExceptionNotMade"),
        ({"role": "security"}, "ApproverNotInRole"),
        ({"expires_at": NOW}, "ApprovalExpired"),
        ({"signed_at": NOW + HOUR}, "SignedInFuture"),
        ({"expires_at": NOW + 8 * DAY}, "LifetimeTooLong"),
        ({"release_digest": "0" * 64}, "ApprovalScope"),
        ({"channel": "beta"}, "ApprovalScope"),
        ({"cluster": "staging"}, "ApprovalScope"),
        ({"namespace": "other"}, "ApprovalScope"),
        ({"app_id": "com.example.other"}, "ApprovalScope"),
        ({"version": "1.2.1"}, "ApprovalScope"),
        ({"root_sha256": "9" * 64}, "ApproverUnknown"),
        (
            {"signer": Signer(kind="sigstore", issuer="https://x", subject="bob@example.com")},
            "ApproverUnknown",
        ),
        ({"policy": "ReleasePolicy/other"}, None),
        ({"policy": "ClusterReleasePolicy/policy"}, None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_an_exception_that_does_not_count_says_why(
    change: dict[str, Any], reason: str | None
) -> None:
    verdict = excepted(BOTH[0], an_exception("bob", **change))

    assert verdict.answer == "held"
    assert (reason in reasons(verdict, "exceptions")) == (reason is not None)


def test_one_person_excepts_once_however_often_they_sign() -> None:
    other = Signer(kind="sigstore", issuer=SSO, subject="alice.private@example.com")

    assert excepted(BOTH[0], BOTH[0], an_exception("alice", signer=other)).answer == "held"


def test_an_exception_is_made_in_the_role_that_the_policy_names_and_in_no_other() -> None:
    """carol is in both roles."""
    assert excepted(BOTH[0], an_exception("carol")).answer == "allowed"
    assert excepted(BOTH[0], an_exception("carol", role="security")).answer == "held"


def test_an_exception_from_one_requirement_is_none_from_another() -> None:
    tested = {"name": "tested", "attestation": {"authority": "ci", "predicateType": "https://x"}}
    both = {**EXCEPTIONS, "requirements": ["signed", "tested"]}
    policy = a_policy(SIGNED, tested, people=PEOPLE, roles=ROLES, exceptions=both)

    def answer(*requirements: str) -> str:
        words = [an_exception(who, each) for who in ("alice", "bob") for each in requirements]
        return evaluate((policy,), a_subject(), Facts(exceptions=tuple(words)), NOW).answer

    assert answer("signed") == "held"
    assert answer("tested") == "held"
    assert answer("signed", "tested") == "allowed"


def test_an_author_makes_no_exception() -> None:
    verdict = excepted(BOTH[0], an_exception("dora"))

    assert verdict.answer == "held"
    assert "AuthorExcepts" in reasons(verdict, "exceptions")


def test_an_author_whom_only_the_provenance_names_makes_none_either() -> None:
    found = Facts(exceptions=BOTH, statements=(a_provenance(actors=("bob",)),))

    assert verdict_on(found, exceptions=EXCEPTIONS).answer == "held"


def test_nothing_is_excepted_from_for_a_release_that_hides_its_authors() -> None:
    subject = a_subject(a_release(source=None))
    words = (an_exception("alice", subject=subject), an_exception("bob", subject=subject))
    verdict = excepted(*words, subject=subject)

    assert verdict.answer == "held"
    assert "AuthorUnknown" in reasons(verdict, "exceptions")


def test_a_policy_that_makes_no_exceptions_says_so() -> None:
    verdict = verdict_on(Facts(exceptions=BOTH))

    assert verdict.answer == "held"
    assert reasons(verdict, "exceptions") == ["ExceptionNotMade"] * 2


def test_an_exception_shows_a_second_factor_where_one_is_asked_for() -> None:
    def by(verified: bool) -> tuple[ExceptionGrant, ...]:
        return tuple(
            an_exception(who, **by_ssh(who, touched_and_verified=verified))
            for who in ("alice", "bob")
        )

    assert excepted(*by(True), need={"mfa": True}, ssh=True).answer == "allowed"
    assert excepted(*by(False), need={"mfa": True}, ssh=True).answer == "held"


def test_an_exception_of_one_policy_is_none_of_another() -> None:
    mine = a_policy(SIGNED, people=PEOPLE, roles=ROLES, exceptions=EXCEPTIONS)
    other = replace(mine, ref=replace(mine.ref, name="other"))

    assert evaluate((mine,), a_subject(), Facts(exceptions=BOTH), NOW).answer == "allowed"
    assert evaluate((mine, other), a_subject(), Facts(exceptions=BOTH), NOW).answer == "held"


def test_the_same_signature_under_two_trust_roots_is_one() -> None:
    """Two people share a subject; one bundle must not be the signature of both."""
    root = "{} "
    policy = a_policy(
        SIGNED,
        people=("alice", "bob", "dora"),
        roles={"release-manager": ["alice", "bob"]},
        exceptions=EXCEPTIONS,
    )
    fields = policy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    fields["authorities"].append(
        {"name": "other", "issuer": SSO, "subjects": ["*@example.com"], "trustedRoot": root}
    )
    fields["people"][1]["identities"] = [{"authority": "other", "subject": "alice@example.com"}]
    both = PolicySpec.model_validate_json(canonical_json(fields))
    sha = sha256_hex(root.encode())
    words = (
        an_exception("alice", evidence_sha256="1" * 64),
        an_exception("alice", evidence_sha256="1" * 64, root_sha256=sha),
    )
    found = Facts(exceptions=words)

    assert evaluate((replace(policy, spec=both),), a_subject(), found, NOW).answer == "held"


# Broken glass.


def broken(
    *words: GlassBroken,
    cosigned: tuple[Approval, ...] = (),
    need: dict[str, Any] | None = None,
    **more: Any,
) -> Verdict:
    found = Facts(glass_broken=words, approvals=cosigned)
    return verdict_on(found, breakGlass={**GLASS, **(need or {})}, **more)


BREAKERS = (glass("alice"), glass("bob"))
BROKEN_AT = NOW - HOUR
DEADLINE = BROKEN_AT + DAY


def cosign(who: str = "carol", **more: Any) -> Approval:
    return an_approval(who, role="security", **{"signed_at": NOW, **more})


def debt_of(verdict: Verdict) -> Finding:
    [debt] = [each for each in verdict.findings if each.reason.startswith("Cosign")]
    return debt


def test_enough_people_break_the_glass_and_owe_a_co_signature() -> None:
    verdict = broken(*BREAKERS)

    assert verdict.answer == "allowed"
    assert reasons(verdict, "signed") == ["GlassBroken"]
    debt = debt_of(verdict)
    assert (debt.state, debt.reason, debt.enforced) == ("missing", "CosignDue", False)
    assert DEADLINE.isoformat() in debt.message
    assert verdict.recheck_at == NOW + 3 * HOUR


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"incident": "INC-2042"}, "PassIncomplete"),
        ({"role": "security"}, "ApproverNotInRole"),
        ({"expires_at": NOW}, "ApprovalExpired"),
        ({"expires_at": NOW + 4 * HOUR}, "LifetimeTooLong"),
        ({"signed_at": NOW + 2 * HOUR}, "SignedInFuture"),
        ({"release_digest": "0" * 64}, "ApprovalScope"),
        ({"policy": "ReleasePolicy/other"}, "PassIncomplete"),
        ({"root_sha256": "9" * 64}, "ApproverUnknown"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_break_glass_that_does_not_count_says_why(change: dict[str, Any], reason: str) -> None:
    verdict = broken(BREAKERS[0], glass("bob", **change))

    assert verdict.answer == "held"
    assert reason in reasons(verdict, "break-glass")


def test_glass_is_broken_in_the_role_that_the_policy_names_and_in_no_other() -> None:
    """carol is in both roles."""
    assert broken(BREAKERS[0], glass("carol")).answer == "allowed"
    assert broken(BREAKERS[0], glass("carol", role="security")).answer == "held"


def test_one_person_breaks_no_glass_alone_however_often_they_sign() -> None:
    other = Signer(kind="sigstore", issuer=SSO, subject="alice.private@example.com")

    assert broken(BREAKERS[0], glass("alice", signer=other)).answer == "held"


def test_a_policy_without_glass_says_so() -> None:
    verdict = verdict_on(Facts(glass_broken=BREAKERS))

    assert verdict.answer == "held"
    assert reasons(verdict, "break-glass") == ["GlassNotOffered"] * 2


def test_no_glass_is_broken_for_a_release_that_hides_its_authors() -> None:
    subject = a_subject(a_release(source=None))
    words = (glass("alice", subject), glass("bob", subject))

    assert broken(*words, subject=subject).answer == "held"


def test_breaking_the_glass_shows_a_second_factor_where_one_is_asked_for() -> None:
    def by(verified: bool) -> tuple[GlassBroken, ...]:
        people = ("alice", "bob")
        return tuple(glass(who, **by_ssh(who, touched_and_verified=verified)) for who in people)

    assert broken(*by(True), need={"mfa": True}, ssh=True).answer == "allowed"
    assert broken(*by(False), need={"mfa": True}, ssh=True).answer == "held"


def test_a_co_signature_in_time_pays_for_good() -> None:
    paid = (cosign(expires_at=NOW + HOUR),)

    assert debt_of(broken(*BREAKERS, cosigned=paid)).reason == "Cosigned"
    after = DEADLINE + 30 * DAY
    assert debt_of(broken(*BREAKERS, cosigned=paid, now=after)).reason == "Cosigned"
    assert broken(*BREAKERS, cosigned=paid, now=after).answer == "held"


def test_another_approval_later_does_not_take_back_what_was_paid() -> None:
    paid = (cosign(sequence=0), cosign(sequence=1, signed_at=DEADLINE + HOUR))

    assert debt_of(broken(*BREAKERS, cosigned=paid, now=DEADLINE + DAY)).reason == "Cosigned"


@pytest.mark.parametrize("decision", ["reject", "withdraw"])
def test_who_takes_it_back_has_not_paid(decision: str) -> None:
    words = (cosign(sequence=0), cosign(sequence=1, decision=decision))

    assert debt_of(broken(*BREAKERS, cosigned=words)).reason == "CosignDue"
    assert broken(*BREAKERS, cosigned=words, now=DEADLINE).answer == "withdrawn"


@pytest.mark.parametrize(
    "word",
    [
        cosign("alice"),
        cosign("dora"),
        cosign("bob"),
        an_approval("carol", signed_at=NOW),
        cosign(signed_at=BROKEN_AT - timedelta(seconds=1)),
        cosign(signed_at=DEADLINE),
        cosign(release_digest="0" * 64),
        cosign(channel="beta"),
        cosign(decision="withdraw"),
    ],
    ids=[
        "who broke it",
        "an author",
        "who is not in the role",
        "in another role",
        "before it was broken",
        "too late",
        "for another release",
        "for another channel",
        "who withdraws",
    ],
)
def test_who_does_not_pay(word: Approval) -> None:
    verdict = broken(*BREAKERS, cosigned=(word,), now=DEADLINE + HOUR)

    assert (verdict.answer, verdict.reason) == ("withdrawn", "CosignMissing")


def test_a_debt_falls_due_at_its_deadline_and_outlives_what_made_it() -> None:
    just_before = DEADLINE - timedelta(microseconds=1)

    assert broken(*BREAKERS, now=just_before).answer == "held"
    assert broken(*BREAKERS, now=just_before).recheck_at == DEADLINE
    assert broken(*BREAKERS, now=DEADLINE).answer == "withdrawn"
    assert broken(*BREAKERS, now=DEADLINE + 365 * DAY).answer == "withdrawn"


def test_an_exception_does_not_pay_for_glass() -> None:
    found = Facts(glass_broken=BREAKERS, exceptions=BOTH)
    verdict = verdict_on(found, exceptions=EXCEPTIONS, breakGlass=GLASS, now=DEADLINE)

    assert verdict.answer == "withdrawn"


def test_glass_that_was_never_broken_by_enough_at_once_owes_nothing() -> None:
    early = glass("alice", signed_at=NOW - 6 * HOUR, expires_at=NOW - 3 * HOUR)
    late = glass("bob", signed_at=NOW - 2 * HOUR, expires_at=NOW + HOUR)
    verdict = broken(early, late, now=NOW + DAY * 9)

    assert verdict.answer == "held"
    assert not any(each.reason.startswith("Cosign") for each in verdict.findings)


def test_nobody_passes_by_what_they_will_not_have_to_pay_for() -> None:
    """bob's clock is ahead by less than clocks may differ; alice's word ends before his begins."""
    ends = glass("alice", expires_at=NOW + timedelta(seconds=30))
    ahead = glass("bob", signed_at=NOW + timedelta(seconds=50), expires_at=NOW + HOUR)

    assert broken(ends, ahead).answer == "held"


def test_who_broke_it_for_one_incident_does_not_pay_for_another() -> None:
    words = (*BREAKERS, glass("carol", incident="INC-2042"))

    assert debt_of(broken(*words, cosigned=(cosign("carol"),))).reason == "CosignDue"
    assert debt_of(broken(*words, cosigned=(cosign("eve"),))).reason == "Cosigned"


def test_each_incident_is_a_debt_of_its_own() -> None:
    later = {"incident": "INC-2042", "signed_at": NOW - timedelta(minutes=5)}
    words = (*BREAKERS, glass("alice", **later), glass("bob", **later))
    verdict = broken(*words, cosigned=(cosign(signed_at=NOW - timedelta(minutes=30)),))
    debts = [each.reason for each in verdict.findings if each.requirement == "break-glass"]

    assert debts == ["Cosigned", "CosignDue"]


def test_a_rejection_is_not_passed_by() -> None:
    no = an_approval("carol", decision="reject")

    assert broken(*BREAKERS, cosigned=(no,)).reason == "Rejected"


def test_many_words_without_effect_are_counted_and_not_listed() -> None:
    words = tuple(an_exception("eve", nonce=f"{i:016}") for i in range(200))
    verdict = excepted(*words)

    assert len(verdict.findings) < 20
    assert "184 more" in verdict.findings[-1].message
