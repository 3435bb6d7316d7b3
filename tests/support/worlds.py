"""Random policies and facts for properties of the whole verdict: small, but of every kind."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from sluice.policy.evaluate import evaluate
from sluice.policy.subject import Circumstances, PolicyInForce
from sluice.policy.verdict import Verdict
from sluice.verify.facts import Ceiling, Facts
from support.builders import (
    NOW,
    REPOSITORY,
    SIGNED,
    SSO,
    Signer,
    a_policy,
    a_provenance,
    a_report,
    a_review,
    a_signature,
    a_statement,
    a_subject,
    a_word_of,
    an_approval,
    an_exception,
    by_ssh,
    glass,
    soaked,
    where,
)

__all__ = ["PEOPLE", "ROLES", "World", "policies", "requirements", "width", "worlds"]

PEOPLE = ("alice", "bob", "carol", "dora", "eve")
ROLES = {"manager": ["alice", "bob", "carol", "dora"], "security": ["carol", "eve", "alice"]}
TESTS = "https://in-toto.io/attestation/test-result/v0.1"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that a verdict is made from."""

    policies: tuple[PolicyInForce, ...]
    facts: Facts
    around: Circumstances
    now: datetime = NOW

    def verdict(self, **changes: Any) -> Verdict:
        """Return the verdict, in this world or one that differs in a few things."""
        world = replace(self, **changes)
        subject = a_subject(circumstances=world.around)
        return evaluate(world.policies, subject, world.facts, world.now)


def width(verdict: Verdict) -> tuple[int, int]:
    """Return how much a verdict lets happen."""
    order = {"withdrawn": 0, "held": 1, "allowed": 2}
    return order[verdict.answer], verdict.ceiling_bp if verdict.answer == "allowed" else 0


_approvals = st.fixed_dictionaries(
    {"role": st.sampled_from(sorted(ROLES)), "count": st.integers(1, 2)},
    optional={
        "notAuthor": st.booleans(),
        "mfa": st.booleans(),
        "maxAge": st.sampled_from(["90m", "1d"]),
    },
)
_attestation = st.fixed_dictionaries(
    {"authority": st.just("ci"), "predicateType": st.just(TESTS)},
    optional={
        "expression": st.just("predicate.result == 'PASSED'"),
        "maxAge": st.sampled_from(["2h", "1d"]),
    },
)
_kinds = st.one_of(
    st.tuples(st.just("approvals"), _approvals),
    st.tuples(st.just("approvals"), _approvals),
    st.tuples(st.just("signature"), st.just(SIGNED["signature"])),
    st.tuples(st.just("provenance"), st.just({"authority": "ci", "repository": REPOSITORY})),
    st.tuples(
        st.just("review"),
        st.builds(
            lambda count: {"authority": "ci", "repository": REPOSITORY, "count": count},
            st.integers(1, 2),
        ),
    ),
    st.tuples(st.just("attestation"), _attestation),
    st.tuples(st.just("bundle"), st.just({"secrets": "Refuse", "newOrigins": "Refuse"})),
    st.tuples(st.just("soak"), st.just({"channel": "beta", "duration": "1d"})),
    st.tuples(
        st.just("window"),
        st.just({"hours": [{"days": ["Mon", "Thu"], "start": "09:00", "end": "13:00"}]}),
    ),
    st.tuples(st.just("version"), st.just({})),
    st.tuples(
        st.just("cel"), st.just({"expression": "release.version == '1.2.0'", "message": "no"})
    ),
)


def requirements(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return requirements of every kind, by this name."""
    return st.builds(
        lambda kind, enforcement: {"name": name, "enforcement": enforcement, kind[0]: kind[1]},
        _kinds,
        st.sampled_from(["Enforce", "Enforce", "Enforce", "Warn"]),
    )


@st.composite
def policies(draw: st.DrawFn, name: str = "policy") -> PolicyInForce:
    """Return policies with a few requirements, some of which may be passed by."""
    names = [f"need-{i}" for i in range(draw(st.integers(1, 3)))]
    needs = [draw(requirements(each)) for each in names]
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        more["exceptions"] = {"requirements": ["need-0"], "role": "manager", "count": 2}
    if draw(st.booleans()):
        more["breakGlass"] = {
            "requirements": names,
            "role": "manager",
            "count": 2,
            "cosignRole": "security",
            "cosignCount": 1,
            "cosignWithin": "2h",
        }
    return a_policy(*needs, people=PEOPLE, roles=ROLES, name=name, ssh=True, **more)


_people = st.sampled_from((*PEOPLE, "stranger"))
_roles = st.sampled_from(sorted(ROLES))
_times = st.sampled_from(
    [NOW - 3 * HOUR, NOW - HOUR, NOW - HOUR / 2, NOW, NOW + HOUR / 60, NOW + HOUR]
)
_ends = st.sampled_from([NOW - HOUR / 2, NOW + HOUR / 2, NOW + 2 * HOUR, NOW + 48 * HOUR])
_ceilings = st.one_of(
    st.none(),
    st.builds(
        Ceiling,
        share_bp=st.sampled_from([100, 5000, 10_000]),
        until=st.sampled_from([None, NOW, NOW + HOUR]),
    ),
)


@st.composite
def _approval(draw: st.DrawFn) -> Any:
    who = draw(_people)
    how = by_ssh(who) if who in PEOPLE[:2] and draw(st.booleans()) else {}
    return an_approval(
        who,
        role=draw(_roles),
        decision=draw(st.sampled_from(["approve"] * 5 + ["reject", "withdraw"])),
        sequence=draw(st.integers(0, 2)),
        ceiling=draw(_ceilings),
        signed_at=draw(_times),
        expires_at=draw(_ends),
        channel=draw(st.sampled_from(["production"] * 5 + ["beta"])),
        **how,
    )


_exception = st.builds(
    lambda who, need, at, end: an_exception(
        who, need, role="manager", signed_at=at, expires_at=end
    ),
    _people,
    st.sampled_from(["need-0", "need-1"]),
    _times,
    _ends,
)
_glass = st.builds(
    lambda who, incident, at, end: glass(
        who, role="manager", incident=incident, signed_at=at, expires_at=end
    ),
    _people,
    st.sampled_from(["INC-1", "INC-1", "INC-2"]),
    _times,
    st.sampled_from([NOW - HOUR / 2, NOW + HOUR / 2, NOW + HOUR]),
)
_signers = st.sampled_from(
    [a_signature().signer] * 3 + [Signer(kind="sigstore", issuer=SSO, subject="bob@example.com")]
)
_statement = st.one_of(
    st.builds(
        lambda actors, by: a_provenance(actors=actors, signer=by),
        st.lists(_people, max_size=2).map(tuple),
        _signers,
    ),
    st.builds(
        lambda who, state, at, by: a_review(a_word_of(who, state), signed_at=at, signer=by),
        _people,
        st.sampled_from(["approved", "approved", "changesRequested"]),
        _times,
        _signers,
    ),
    st.builds(
        lambda result, at, by: a_statement(TESTS, {"result": result}, signed_at=at, signer=by),
        st.sampled_from(["PASSED", "PASSED", "FAILED"]),
        _times,
        _signers,
    ),
)
_facts = st.builds(
    Facts,
    signatures=st.lists(st.builds(a_signature, signer=_signers), max_size=2).map(tuple),
    statements=st.lists(_statement, max_size=3).map(tuple),
    approvals=st.lists(_approval(), max_size=5).map(tuple),
    exceptions=st.lists(_exception, max_size=3).map(tuple),
    glass_broken=st.lists(_glass, max_size=3).map(tuple),
)
_around = st.builds(
    where,
    bundle=st.sampled_from(
        [None, a_report(), a_report(origins=frozenset({"https://new.example"}))]
    ),
    soaked=st.sampled_from([(), (soaked(),), (soaked(since=NOW - 23 * HOUR),)]),
)


def worlds(*, policies_min: int = 1) -> st.SearchStrategy[World]:
    """Return worlds with up to two policies."""
    some = st.lists(st.just(0), min_size=policies_min, max_size=2).flatmap(
        lambda places: st.tuples(
            *(policies("policy" if i == 0 else f"policy-{i}") for i in range(len(places)))
        )
    )
    return st.builds(World, policies=some, facts=_facts, around=_around)
