"""What approvals and provenance say, read strictly."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify.claims import APPROVAL_TYPE, ApprovalClaim, build_statement
from sluice.verify.facts import Provenance, Signer, Statement
from sluice.verify.json_strict import canonical_text
from sluice.verify.provenance import PROVENANCE_TYPE, provenance_of
from sluice.verify.words import word_from

DIGEST = "ab" * 32
COMMIT = "c0" * 20
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_claim(**changes: Any) -> ApprovalClaim:
    return ApprovalClaim(
        **{
            "app": "com.example.shop",
            "namespace": "shop",
            "version": "1.2.0",
            "channel": "production",
            "cluster": "main",
            "decision": "approve",
            "role": "release-manager",
            "nonce": "0123456789abcdef",
            "expires_at": NOW + timedelta(days=7),
            **changes,
        }
    )


def signed(statement: dict[str, Any], **changes: Any) -> Statement:
    """Return a statement as if it had been verified."""
    values = {
        "predicate_type": statement["predicateType"],
        "subjects": frozenset(each["digest"]["sha256"] for each in statement["subject"]),
        "predicate_json": canonical_text(statement["predicate"]),
        "signer": Signer(kind="sigstore", issuer="https://id.example", subject="a@example.com"),
        "signed_at": NOW,
        "evidence_sha256": "11" * 32,
        "root_sha256": "22" * 32,
    }
    return Statement(**{**values, **changes})


def a_signed_approval(**changes: Any) -> Statement:
    statement = build_statement(DIGEST, a_claim())
    statement["predicate"].update(changes)
    return signed(statement)


def a_provenance(**changes: Any) -> Statement:
    predicate: dict[str, Any] = {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": {
                    "ref": "refs/heads/main",
                    "repository": "https://github.com/acme/shop",
                    "path": ".github/workflows/release.yml",
                }
            },
            "internalParameters": {"github": {"event_name": "push", "actor": "alice"}},
            "resolvedDependencies": [
                {
                    "uri": "git+https://github.com/acme/shop@refs/tags/v1.2.0",
                    "digest": {"gitCommit": COMMIT},
                },
                {"uri": "https://example.com/tool.tgz", "digest": {"sha256": DIGEST}},
            ],
        },
        "runDetails": {"builder": {"id": "https://github.com/actions/runner/github-hosted"}},
    }
    for key, value in changes.items():
        target = predicate["buildDefinition"] if key in predicate["buildDefinition"] else predicate
        target[key] = value
    return signed(
        {
            "predicateType": PROVENANCE_TYPE,
            "subject": [{"digest": {"sha256": DIGEST}}],
            "predicate": predicate,
        }
    )


def reason_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(VerificationError) as refused:
        call(*args, **kwargs)
    return refused.value.reason


def test_an_approval_reads_as_it_was_written() -> None:
    claim = a_claim(comment="Looks good — tested on 3 phones")

    approval = word_from(signed(build_statement(DIGEST, claim)), source="x")

    assert claim.app == approval.app_id
    assert approval.release_digest == DIGEST
    assert claim.expires_at == approval.expires_at
    assert claim.comment == approval.comment
    assert (claim.namespace, claim.version, claim.channel, claim.cluster) == (
        approval.namespace,
        approval.version,
        approval.channel,
        approval.cluster,
    )
    assert (claim.decision, claim.role, claim.nonce) == (
        approval.decision,
        approval.role,
        approval.nonce,
    )
    assert (
        approval.signed_at,
        approval.evidence_sha256,
        approval.root_sha256,
        approval.source,
    ) == (NOW, "11" * 32, "22" * 32, "x")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"decision": "Approve"}, id="another word for yes"),
        pytest.param({"decision": True}, id="a boolean decision"),
        pytest.param({"version": 1.1}, id="a number for a version"),
        pytest.param({"app": "com.example.shop\n"}, id="a line break after the app"),
        pytest.param({"role": ""}, id="an empty role"),
        pytest.param({"channel": None}, id="no channel"),
        pytest.param({"nonce": "short"}, id="a nonce that can be guessed"),
        pytest.param({"extra": 1}, id="a field that no approval has"),
        pytest.param({"expires_at": "2026-12-01T00:00:00Z"}, id="the field's name in Python"),
        pytest.param({"expiresAt": 1_800_000_000}, id="a number for a time"),
        pytest.param({"expiresAt": "1800000000"}, id="a number in text for a time"),
        pytest.param({"expiresAt": "2026-12-01T00:00:00"}, id="a time without zone"),
        pytest.param({"expiresAt": "2026-12-01T00:00:00+02:00"}, id="a time not in UTC"),
        pytest.param({"expiresAt": "2026-02-30T00:00:00Z"}, id="a day that does not exist"),
        pytest.param({"expiresAt": "\uff12026-12-01T00:00:00Z"}, id="digits of another script"),
        pytest.param({"comment": "yes\x1b[2J"}, id="an escape sequence"),
        pytest.param({"comment": "\u202egnol oot"}, id="a bidirectional override"),
        pytest.param({"comment": "a" * 1025}, id="a novel"),
    ],
)
def test_an_approval_is_read_strictly(changes: dict[str, Any]) -> None:
    assert reason_of(word_from, a_signed_approval(**changes), source="") == "ApprovalUnreadable"


@pytest.mark.parametrize(
    "field",
    ["app", "namespace", "version", "channel", "cluster", "decision", "role", "nonce", "expiresAt"],
)
def test_an_approval_names_everything_it_binds(field: str) -> None:
    statement = build_statement(DIGEST, a_claim())
    del statement["predicate"][field]

    assert reason_of(word_from, signed(statement), source="") == "ApprovalUnreadable"


def test_an_approval_is_about_one_release() -> None:
    approval = a_signed_approval()
    two = frozenset({DIGEST, "cd" * 32})
    statement = signed(
        build_statement(DIGEST, a_claim()),
        subjects=two,
        predicate_json=approval.predicate_json,
    )

    assert reason_of(word_from, statement, source="") == "ApprovalUnreadable"


def test_another_statement_is_no_approval() -> None:
    assert reason_of(word_from, a_provenance(), source="") == "NotAnApproval"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(max_size=9) | st.sampled_from(["app", "role", "expiresAt"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_no_predicate_breaks_the_reader(predicate: Any) -> None:
    text = json.dumps(predicate if isinstance(predicate, dict) else {"app": predicate})
    statement = signed(build_statement(DIGEST, a_claim()), predicate_json=text)

    assert reason_of(word_from, statement, source="") == "ApprovalUnreadable"
    assert (
        reason_of(
            provenance_of,
            signed(
                build_statement(DIGEST, a_claim()),
                predicate_json=text,
                predicate_type=PROVENANCE_TYPE,
            ),
        )
        == "ProvenanceUnreadable"
    )


def test_provenance_says_who_built_what_from_where() -> None:
    assert Provenance(
        builder_id="https://github.com/actions/runner/github-hosted",
        repository="https://github.com/acme/shop",
        revision=COMMIT,
        workflow=".github/workflows/release.yml@refs/heads/main",
        workflow_path=".github/workflows/release.yml",
        ref="refs/tags/v1.2.0",
        actors=frozenset({"alice"}),
    ) == provenance_of(a_provenance())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"runDetails": {}}, id="no builder"),
        pytest.param({"runDetails": {"builder": {"id": "x\ny"}}}, id="a line break in the builder"),
        pytest.param({"buildDefinition": []}, id="a definition that is a list"),
        pytest.param({"resolvedDependencies": []}, id="no source"),
        pytest.param(
            {
                "resolvedDependencies": [
                    {"uri": "git+https://github.com/acme/shop", "digest": {"gitCommit": "main"}}
                ]
            },
            id="a branch for a commit",
        ),
        pytest.param(
            {
                "resolvedDependencies": [
                    {"uri": "git+https://github.com/acme/shop", "digest": {"gitCommit": commit}}
                    for commit in ("a0" * 20, "b0" * 20)
                ]
            },
            id="two commits of the same repository",
        ),
        pytest.param(
            {
                "resolvedDependencies": [
                    {"uri": "git+https://evil.example/shop", "digest": {"gitCommit": COMMIT}}
                ]
            },
            id="a source other than the workflow's",
        ),
        pytest.param({"internalParameters": {"authors": "alice"}}, id="authors that are no list"),
        pytest.param({"internalParameters": {"authors": [{}]}}, id="authors that are no texts"),
        pytest.param(
            {"internalParameters": {"authors": [f"a{n}" for n in range(65)]}}, id="a crowd"
        ),
    ],
)
def test_provenance_that_leaves_doubt_is_refused(changes: dict[str, Any]) -> None:
    assert reason_of(provenance_of, a_provenance(**changes)) == "ProvenanceUnreadable"


def test_another_statement_is_no_provenance() -> None:
    other = a_provenance()
    other = replace(other, predicate_type="https://slsa.dev/provenance/v0.2")

    assert reason_of(provenance_of, other) == "ProvenanceUnreadable"


def test_provenance_names_every_actor_it_knows_of() -> None:
    internal = {
        "github": {"actor": "bot", "triggering_actor": "bob"},
        "GITHUB_ACTOR": "carol",
        "authors": ["dave@example.com"],
    }

    assert (
        frozenset({"bot", "bob", "carol", "dave@example.com"})
        == provenance_of(a_provenance(internalParameters=internal)).actors
    )


def test_a_user_name_in_a_source_address_is_no_reference() -> None:
    dependency = {"uri": "git+ssh://git@github.com/acme/shop@main", "digest": {"gitCommit": COMMIT}}
    built = provenance_of(a_provenance(resolvedDependencies=[dependency], externalParameters={}))

    assert (
        built.repository,
        built.ref,
        built.workflow,
    ) == ("ssh://git@github.com/acme/shop", "main", "")


def test_an_approval_statement_is_one_of_its_type() -> None:
    assert build_statement(DIGEST, a_claim())["predicateType"] == APPROVAL_TYPE
