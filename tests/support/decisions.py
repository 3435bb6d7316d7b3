"""Cases and verdicts of any kind, built from their types; and real ones, of a team."""

import asyncio
import dataclasses
import types
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from sluice.cli.stored import exported
from sluice.gate.case import Case
from sluice.gate.document import Exported
from sluice.gate.record import DecisionRecord, as_record
from sluice.policy.evaluate import evaluate
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Verdict
from sluice.resources.canonical import policy_digest, release_digest
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.serving.seal import public_pem
from sluice.store.database import Database
from sluice.store.decisions import last_decisions
from sluice.verify.facts import Evidence, Facts
from support.builders import NOW, SIGNED, a_policy, a_release, a_subject
from support.laps import QUICK, Laps, go_live
from support.team import Team

__all__ = [
    "VERSION",
    "Decided",
    "a_case",
    "a_record",
    "cases",
    "decide",
    "honest_policy",
    "judged",
    "the_record",
    "values",
    "verdicts",
]

VERSION = "0.1.0"
INTEGERS = st.integers(0, 2**53 - 1)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds without a zone, as the strategy asks
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

RELEASES = st.sampled_from(
    [
        a_release(),
        a_release(notes="Zahlen mit Karte \N{CREDIT CARD}"),
        a_release(version="1.3.0-rc.1+7", native={"min": "1.0.0"}),
        a_release(revoked={"reason": "It is broken."}),
        a_release(attestations=[{"name": "scan", "inline": '{"a": [1.5]}'}]),
    ]
)

POLICIES = st.sampled_from(
    [
        a_policy(SIGNED).spec,
        a_policy(SIGNED, origins=["https://approve.example.com"]).spec,
        a_policy(
            SIGNED,
            exceptions={"requirements": ["signed"], "role": "release-manager", "count": 1},
        ).spec,
    ]
)


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return any values of a type, found by looking at it and not at what keeps it."""
    known = {
        str: TEXTS,
        int: INTEGERS,
        bool: st.booleans(),
        bytes: st.binary(max_size=40),
        datetime: TIMES,
        types.NoneType: st.none(),
        ReleaseSpec: RELEASES,
        PolicySpec: POLICIES,
        Subject: _fields_of(Subject).map(_honest_subject),
        PolicyInForce: _fields_of(PolicyInForce).map(honest_policy),
    }
    if kind in known:
        return known[kind]
    arguments, origin = get_args(kind), get_origin(kind)
    if origin in (types.UnionType, Union):
        return st.one_of(*(values(each) for each in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(values(arguments[0]), max_size=3)
    return _fields_of(kind)


def _fields_of(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(
        kind,
        **{
            each.name: st.deferred(lambda hint=hints[each.name]: values(hint))
            for each in dataclasses.fields(kind)
            if each.init
        },
    )


def _honest_subject(subject: Subject) -> Subject:
    return dataclasses.replace(subject, release_digest=release_digest(subject.release))


def honest_policy(policy: PolicyInForce) -> PolicyInForce:
    """Return a policy under the digest of its spec."""
    ref = dataclasses.replace(policy.ref, digest=policy_digest(policy.spec))
    return PolicyInForce(ref=ref, spec=policy.spec)


def cases() -> st.SearchStrategy[Case]:
    """Any cases at all."""
    return values(Case)


def verdicts() -> st.SearchStrategy[Verdict]:
    """Any verdicts at all; they need not follow from anything."""
    return values(Verdict)


def a_record(case: Case, verdict: Verdict) -> DecisionRecord:
    return as_record(case, verdict, version=VERSION)


def a_case(**changes: Any) -> Case:
    """Return a small case: a release that nobody has signed."""
    fields: dict[str, Any] = {
        "subject": a_subject(),
        "policies": (honest_policy(a_policy(SIGNED)),),
        "evidence": (Evidence(source="attestation scan", kind="attestation", data=b"\xff{}"),),
        "now": NOW,
    }
    return Case(**{**fields, **changes})


def the_record(case: Case | None = None) -> DecisionRecord:
    """Return the record of a small case, judged as if its evidence proved nothing."""
    case = case or a_case()
    return a_record(case, evaluate(case.policies, case.subject, Facts(), case.now))


async def judged(folder: Path, *, approvals: tuple[str, ...] = ("alice", "bob")) -> DecisionRecord:
    """Return the record of a real decision on a team's release, with real evidence."""
    bundles = folder / "bundles"
    bundles.mkdir()
    team = Team(namespace="shop", bundles=bundles)
    laps = await Laps.open(folder, files=bundles)
    release = team.release_manifest("1.2.0")
    laps.apply(
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in approvals),
        team.channel_manifest("shop-1.2.0"),
    )
    await laps.lap_of_policy(Key("ReleasePolicy", "shop", "releases"))
    await laps.lap_of_app(Key("App", "shop", "shop"))
    observed = await laps.observer.channel(Key("Channel", "shop", "production"), laps.now)
    await laps.database.close()
    assert observed.case is not None
    assert observed.verdict is not None
    return a_record(observed.case, observed.verdict)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A store with the decisions of a real team: 1.0.0 allowed; 1.1.0 held, allowed, withdrawn."""

    folder: Path
    """The store."""
    seal_key: Ed25519PrivateKey
    team: Team

    @property
    def public_key(self) -> Path:
        """Public half of the seal key."""
        return self.folder / "seal.pub.pem"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'sluice.db'}"

    async def read(self, *, last: int = 100) -> list[Exported]:
        """Return the decisions, the oldest of them first."""
        database = await Database.open(self.url)
        kept = await last_decisions(database, last=last)
        found = [await exported(database, each) for each in kept]
        await database.close()
        return found

    def policy(self, **changes: Any) -> dict[str, Any]:
        """Return the policy that everything was judged by, changed."""
        return self.team.policy_manifest(**changes)


def decide(folder: Path) -> Decided:
    """Let a team release into a fresh store in a folder, and return what was decided."""
    bundles = folder / "bundles"
    bundles.mkdir()
    team = Team(namespace="shop", bundles=bundles)

    async def run() -> Ed25519PrivateKey:
        laps = await Laps.open(folder, files=bundles)
        await go_live(laps, team, "1.0.0")
        release = team.release_manifest("1.1.0")
        approvals = [
            team.approval_manifest("alice", release),
            team.approval_manifest("bob", release, ceiling={"share": "50%"}),
            team.approval_manifest("carol", release, decision="reject", comment="It crashes."),
        ]
        laps.apply(release, team.channel_manifest("shop-1.1.0", rollout=QUICK))
        for each in approvals:
            laps.apply(each)
            await laps.settle("shop")
        await laps.database.close()
        return laps.seal_key

    seal_key = asyncio.run(run())
    decided = Decided(folder=folder, seal_key=seal_key, team=team)
    decided.public_key.write_bytes(public_pem(seal_key))
    return decided
