"""Attacks as values, and what must hold after each: refused for its reason, and nothing moved."""

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sluice.reconcile.step import ChannelStep, Hold, Rest
from sluice.resources.canonical import canonical_json, release_digest
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.store import audit
from sluice.verify.claims import ApprovalClaim, ExceptionClaim, GlassClaim, build_statement
from support.authenticator import PRESENT, VERIFIED, Authenticator
from support.laps import POLICY_KINDS, QUICK, Laps
from support.sealing import PURPOSE, SshPerson, sealed
from support.team import OWNERS, Team, manifest

__all__ = [
    "CHANNEL",
    "EVIL",
    "POLICY",
    "Attack",
    "Body",
    "approved",
    "as_approval",
    "attack",
    "attacks_of",
    "claim_of",
    "codes",
    "grow",
    "intact",
    "offer",
    "offered_version",
    "refuses",
    "resealed",
    "spec_of",
    "ssh_word",
    "timed",
    "touched",
    "with_key",
]

CHANNEL: Final = Key("Channel", "shop", "production")
POLICY: Final = Key("ReleasePolicy", "shop", "releases")
EVIL: Final = "6.6.6"
"""Version of what nobody may get."""

GROWING: Final = frozenset({"Published", "Offer", "Promote"})
"""Entries of the audit log after which somebody gets something new."""

CODE: Final = re.compile(r"\(([A-Z][A-Za-z]+)\)")

Body = dict[str, Any]
Mount = Callable[[Laps, Team], Awaitable[None] | None]
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack, and how it is refused."""

    row: int
    """Of the threat list that the design began with; 0: beyond it."""
    name: str
    """What is done, as a sentence."""
    reason: str
    """Code that says why it is refused."""
    defence: str
    """What refuses it: `module.py: function` under `controller/sluice`."""
    mount: Mount | None = None
    """Does it, to a team whose policy is in force and an operator that runs; None where a test of
    its own does."""


def attack(row: int, name: str, reason: str, defence: str) -> Callable[[Test], Test]:
    """Mark a test as one that shows an attack of another shape; it may show several."""

    def mark(test: Test) -> Test:
        test.__dict__.setdefault("attacks", []).append(
            Attack(row=row, name=name, reason=reason, defence=defence)
        )
        return test

    return mark


def attacks_of(names: dict[str, Any]) -> list[tuple[Attack, str]]:
    """Return the attacks in a module's names, each with the test that mounts it."""
    found = [(each, "test_attack") for each in names.get("ATTACKS", ())]
    for name, value in names.items():
        if name.startswith("test_"):
            found += [(each, name) for each in reversed(value.__dict__.get("attacks", ()))]
    return found


async def refuses(laps: Laps, team: Team, each: Attack) -> None:
    """Mount an attack, and look at what came of it."""
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle(team.namespace)
    assert each.mount is not None
    mounted = each.mount(laps, team)
    if mounted is not None:
        await mounted
    before = await audit.head(laps.database)
    live = await stable_version(laps)

    step = await laps.settle(team.namespace)

    assert isinstance(step, Hold), step
    assert each.reason in await codes(laps, step), (step, await codes(laps, step))
    assert await offered_version(laps) is None
    assert await stable_version(laps) == live
    await intact(laps, since=before.seq)


async def codes(laps: Laps, step: ChannelStep, key: Key = CHANNEL) -> set[str]:
    """Return every reason code that the states of the channel and of policies tell a person."""
    found = {step.reason, *CODE.findall(step.message)} if isinstance(step, Hold | Rest) else set()
    for policy_key in await laps.observer.remembered() | {POLICY}:
        if policy_key.kind in POLICY_KINDS:
            told = await laps.lap_of_policy(policy_key)
            found |= {told.reason} if isinstance(told, Hold | Rest) else set()
    verdict = (await laps.observer.channel(key, laps.now)).verdict
    for finding in verdict.findings if verdict else ():
        if finding.state != "satisfied":
            found |= {finding.reason, *CODE.findall(finding.message)}
    return found


async def intact(laps: Laps, *, since: int) -> None:
    """Show that the audit log is whole, and tells of nothing that anybody newly gets."""
    entries = await audit.entries(laps.database)

    assert isinstance(await audit.verify_chain(laps.database), audit.Intact)
    assert [each.kind for each in entries if each.seq > since and each.kind in GROWING] == []


async def offered_version(laps: Laps, channel: str = "production") -> str | None:
    """Return the version that some phones are offered."""
    table = await laps.served("shop", channel)
    return table.candidate.version if table and table.candidate else None


async def stable_version(laps: Laps) -> str | None:
    """Return the version that all phones get."""
    table = await laps.served("shop")
    return table.stable.version if table and table.stable else None


async def grow(laps: Laps, laps_max: int = 6) -> ChannelStep:
    """Let minutes pass until everything has grown as far as it may; return where it rests."""
    for _ in range(laps_max):
        await laps.settle("shop")
        laps.wait(minutes=2)
    return await laps.settle("shop")


def offer(laps: Laps, team: Team, release: Body, *words: Body, **channel: Any) -> None:
    """Apply a release with words on it, and point the channel at it."""
    named = {"rollout": QUICK, **channel}
    laps.apply(release, *words, team.channel_manifest(release["metadata"]["name"], **named))


def approved(laps: Laps, team: Team, release: Body, *more: Body, **channel: Any) -> None:
    """Offer a release that alice and bob approve."""
    words = [ssh_word(team, who, release, laps) for who in ("alice", "bob")]
    offer(laps, team, release, *words, *more, **channel)


def spec_of(release: Body) -> ReleaseSpec:
    """Return the spec of a Release's manifest."""
    return ReleaseSpec.model_validate_json(canonical_json(release["spec"]))


def claim_of(
    team: Team,
    release: Body,
    laps: Laps,
    form: type[ApprovalClaim | ExceptionClaim | GlassClaim] = ApprovalClaim,
    **changes: Any,
) -> Body:
    """Return the statement of a word on a release, as its signer's client makes it."""
    fields: dict[str, Any] = {
        "app": team.app_id,
        "namespace": team.namespace,
        "version": release["spec"]["version"],
        "channel": "production",
        "cluster": team.cluster,
        "role": "release-manager",
        "nonce": secrets.token_urlsafe(16),
        "issued_at": laps.now,
        "expires_at": laps.now + timedelta(hours=3),
        **({"decision": "approve"} if form is ApprovalClaim else {}),
        **changes,
    }
    return build_statement(release_digest(spec_of(release)), form(**fields))


def as_approval(team: Team, release: Body, name: str, **form: Any) -> Body:
    """Return an Approval with a signed statement in one of its forms."""
    fields = {"release": release["metadata"]["name"], **form}
    return manifest("Approval", f"{release['metadata']['name']}-{name}", team.namespace, fields)


def ssh_word(
    team: Team, who: str, release: Body, laps: Laps, key: SshPerson | None = None, **changes: Any
) -> Body:
    """Return a person's word, signed with an SSH key."""
    signed = (key or team.keys[who]).sign_statement(claim_of(team, release, laps, **changes))
    return as_approval(team, release, f"{who}-ssh-{secrets.token_hex(2)}", ssh=signed)


def touched(
    token: Authenticator,
    team: Team,
    release: Body,
    laps: Laps,
    *,
    flags: int = PRESENT | VERIFIED,
    purpose: str = PURPOSE.decode(),
    **changes: Any,
) -> Body:
    """Return a word that is signed with a security key."""
    text = canonical_json(claim_of(team, release, laps, **changes))
    signature = token.sign(text, purpose, flags=flags).armored().decode()
    form = {"statement": text.decode(), "signature": signature}
    return as_approval(team, release, f"token-{secrets.token_hex(2)}", ssh=form)


def resealed(
    team: Team,
    edit: Callable[[Body], object],
    *,
    revision: int = 2,
    by: Iterable[str] = OWNERS,
    **changes: Any,
) -> Body:
    """Return the next revision of the team's policy, edited before it is sealed."""
    found = team.policy_manifest(revision=revision, **changes)
    edit(found["spec"])
    return sealed(found, *(team.keys[who] for who in by), cluster=team.cluster)


def with_key(number: int, blob_text: str, **policy: Any) -> Callable[[Body], None]:
    """Enrol a key of one person, and let the requirement of approvals say more."""

    def edit(spec: Body) -> None:
        spec["people"][number]["keys"].append(blob_text)
        spec["requirements"][2]["approvals"] |= policy

    return edit


def timed(value: Any, now: datetime) -> Any:
    """Return a claim with moments in place of what is told as time from now."""
    match value:
        case timedelta():
            return now + value
        case dict():
            return {name: timed(each, now) for name, each in value.items()}
        case _:
            return value
