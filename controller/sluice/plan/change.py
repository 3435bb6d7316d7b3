"""What a change of manifests would do to each channel: two sets of manifests in, a plan out.

Words: *base* is what stands in git before the change, *head* what would stand there after it. An
*outcome* is what merging does to a channel: allowed, held, refused (held, and what was given proves
something wrong: waiting changes nothing), withdrawn, nothing (it names no release) or problem.

What manifests can't tell is never taken in the change's favour, but for one thing that is told with
it: that phones get what the channel names at base.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sluice.gate.case import Case
from sluice.gate.case import Policies as CasePolicies
from sluice.gate.judge import Judge
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import (
    Around,
    AtHand,
    case_for,
    case_of,
    live_on,
    policies_of,
    problem_of,
)
from sluice.plan.contents import contents_lines
from sluice.plan.difference import Difference, differences, fields_of
from sluice.plan.manifests import Found, Manifests, Problem, Spot
from sluice.plan.never_changes import broken_promises
from sluice.plan.policies import Policies, PolicyBook, PolicyChange
from sluice.plan.unknown import unknown_of, unknown_of_all
from sluice.plan.words import WordChange, changed_words
from sluice.policy.lasting import lasting_words
from sluice.policy.subject import Circumstances
from sluice.policy.verdict import Verdict
from sluice.resources.app import AppSpec
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.verify.collect import Examiner
from sluice.verify.facts import Evidence

__all__ = ["EXITS", "WORSE", "ChannelPlan", "Outcome", "Plan", "Rule", "make_plan", "outcome_of"]

Outcome = Literal["allowed", "nothing", "held", "refused", "withdrawn", "problem"]
Rule = Literal["base", "head"]
"""Whose policies judge: those before the change, and those after it, too; or the latter alone."""

EXITS: Final = {"allowed": 0, "problem": 1, "held": 3, "refused": 4, "withdrawn": 4}
"""Exit status of each outcome; 2 is for a wrong command line, as everywhere."""

WORSE: Final = ("nothing", "allowed", "held", "refused", "withdrawn", "problem")
"""Outcomes, each worse than those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """What becomes of one channel."""

    key: Key
    spot: Spot
    what: Literal["added", "changed", "removed", "judged anew", "unchanged"]
    release_before: str | None
    release_after: str | None
    outcome: Outcome
    verdict: Verdict | None = None
    """By the policies in force before the change, or by the only ones when they do not change."""
    verdict_after: Verdict | None = None
    """By the policies that the change brings into force, where they are others."""
    answer_before: str | None = None
    """Answer on the same release before the change; None when it is another release."""
    steps: str = ""
    differences: tuple[Difference, ...] = ()
    """Of the Channel itself, its release left aside."""
    release_differences: tuple[Difference, ...] = ()
    """From the release that it names at base to the one it names at head."""
    contents: tuple[str, ...] = ()
    """What is in the bundle, and new in it, if it is at hand."""
    unknown: tuple[str, ...] = ()
    """Sentences: what manifests can't tell, and what is taken instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What merging would do."""

    cluster: str
    now: datetime
    rule: Rule
    compared: str
    """Which two sets of manifests are compared, for people."""
    channels: tuple[ChannelPlan, ...]
    policies: tuple[PolicyChange, ...]
    words: tuple[WordChange, ...]
    problems: tuple[Problem, ...]
    unknown: tuple[str, ...]
    unaffected: int
    """Channels of which nothing changes, and which are left out."""

    @property
    def outcome(self) -> Outcome:
        """The worst of all: problems first, for with them nothing else can be relied on."""
        if self.problems:
            return "problem"
        return max((each.outcome for each in self.channels), key=WORSE.index, default="nothing")

    @property
    def exit_code(self) -> int:
        """Exit status: see `EXITS`."""
        return EXITS.get(self.outcome, 0)


@dataclass(frozen=True, slots=True)
class _Room:
    """Everything that channels are judged from."""

    base: Manifests
    head: Manifests
    at_hand: AtHand
    policies: Policies
    judge: Judge
    rule: Rule


def make_plan(
    base: Manifests,
    head: Manifests,
    at_hand: AtHand,
    *,
    rule: Rule = "base",
    everything: bool = False,
) -> Plan:
    """Return what it would do to go from one set of manifests to another.

    Args:
        base: what stands in git before.
        head: what would stand there after.
        at_hand: the cluster's name, the time, and evidence that is given by url.
        rule: whose policies judge.
        everything: whether to judge channels, too, of which nothing changes.
    """
    trust, examiner = TrustRoom(), Examiner()
    policies = PolicyBook(at_hand, trust=trust, examiner=examiner).change(base, head)
    judge = Judge(examiner=examiner, trust=trust)
    room = _Room(base, head, at_hand, policies, judge, rule)
    keys = {each.key for side in (base, head) for each in side.of_kind("Channel")}
    found = [_channel(room, key, everything=everything) for key in sorted(keys)]
    channels = tuple(each for each in found if isinstance(each, ChannelPlan))
    problems = [each for each in found if isinstance(each, Problem)]
    problems += [*head.problems, *broken_promises(base, head)]
    return Plan(
        cluster=at_hand.cluster,
        now=at_hand.now,
        rule=rule,
        compared=at_hand.compared,
        channels=channels,
        policies=policies.changes,
        words=changed_words(base, head, policies, trust=trust, examiner=examiner),
        problems=tuple(sorted(set(problems))),
        unknown=unknown_of_all(head, at_hand.unread),
        unaffected=len(found) - len(channels) - sum(isinstance(each, Problem) for each in found),
    )


def outcome_of(verdict: Verdict) -> Outcome:
    """Return what a verdict does to its channel."""
    if verdict.answer != "held":
        return verdict.answer
    wrong = any(each.enforced and each.state == "refused" for each in verdict.findings)
    return "refused" if wrong else "held"


def _channel(room: _Room, key: Key, *, everything: bool) -> ChannelPlan | Problem | None:
    """Return what becomes of a channel; None when nothing does."""
    old, new = room.base.objects.get(key), room.head.objects.get(key)
    before = old.spec if old and isinstance(old.spec, ChannelSpec) else None
    if new is None:
        return _removed(old, before) if old else None
    if not isinstance(new.spec, ChannelSpec):
        return None  # told as a problem of the file
    if problem := problem_of(room.head, new, new.spec):
        return problem
    return _judged(room, old, before, new, new.spec, everything=everything)


def _removed(old: Found, before: ChannelSpec | None) -> ChannelPlan:
    return ChannelPlan(
        key=old.key,
        spot=old.spot(),
        what="removed",
        release_before=before.release if before else None,
        release_after=None,
        outcome="nothing",
    )


def _judged(
    room: _Room,
    old: Found | None,
    before: ChannelSpec | None,
    new: Found,
    after: ChannelSpec,
    *,
    everything: bool,
) -> ChannelPlan | None:
    key = new.key
    cases = _Cases.of(room, old, new)
    same = before == after
    if same and not cases.differ and not everything:
        return None
    judged = [room.judge.verdict(each) for each in cases.judged(room.rule)]
    same_release = before is not None and before.release == after.release
    was = room.judge.verdict(cases.before) if cases.before and same_release else None
    return ChannelPlan(
        key=key,
        spot=new.spot("spec", "release"),
        what="added" if old is None else _what(same=same, differ=cases.differ),
        release_before=before.release if before else None,
        release_after=after.release,
        outcome=max(map(outcome_of, judged), key=WORSE.index, default="nothing"),
        verdict=judged[0] if judged else None,
        verdict_after=judged[1] if len(judged) > 1 else None,
        answer_before=was.answer if was else None,
        steps=_steps(after),
        differences=_channel_differences(before, after),
        release_differences=_release_differences(room, key, before, after),
        contents=_contents(cases.by_new),
        unknown=unknown_of(
            cases.judged(room.rule),
            live_on(room.base, key),
            before.release if before else None,
            room.policies.before.values(),
        ),
    )


def _what(*, same: bool, differ: bool) -> Literal["changed", "judged anew", "unchanged"]:
    if not same:
        return "changed"
    return "judged anew" if differ else "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cases:
    """One channel before, and after, under the policies of both times."""

    before: Case | None
    by_old: Case | None
    by_new: Case | None

    @classmethod
    def of(cls, room: _Room, old: Found | None, new: Found) -> "_Cases":
        around = _circumstances(room, new)
        old_ones = policies_of(room.policies.before, new.key.namespace)
        new_ones = policies_of(room.policies.after, new.key.namespace)
        at_hand, kept = room.at_hand, _kept(room, new, old_ones)
        before = Around(circumstances=around)
        after = Around(circumstances=around, kept=kept)
        return cls(
            before=case_of(room.base, old, old_ones, at_hand, before) if old else None,
            by_old=case_of(room.head, new, old_ones, at_hand, after),
            by_new=case_of(room.head, new, new_ones, at_hand, after),
        )

    @property
    def differ(self) -> bool:
        """Whether the change gives the gate anything else to judge."""
        return self.before != self.by_new

    def judged(self, rule: Rule) -> tuple[Case, ...]:
        """Return the cases to judge."""
        if self.by_old is None or self.by_new is None:
            return ()
        if rule == "head":
            return (self.by_new,)
        return (self.by_old,) if self.by_old == self.by_new else (self.by_old, self.by_new)


def _kept(room: _Room, channel: Found, policies: CasePolicies) -> tuple[Evidence, ...]:
    """Return the words that the cluster keeps though the change deletes their files."""
    spec = channel.spec
    assert isinstance(spec, ChannelSpec)  # noqa: S101 - the caller has looked
    release = Key("Release", channel.key.namespace, spec.release or "")
    names = [
        {each.key for each in side.approvals(release.namespace, release.name)}
        for side in (room.base, room.head)
    ]
    if names[0] <= names[1]:
        return ()
    before = case_for(room.base, release, channel.key.name, policies, room.at_hand, Around())
    if before is None:
        return ()
    facts = room.judge.facts(before)
    lasting = lasting_words(policies, before.subject, facts, before.now)
    return tuple(each for each in before.evidence if each.sha256() in lasting)


def _circumstances(room: _Room, channel: Found) -> Circumstances:
    spec = channel.spec
    assert isinstance(spec, ChannelSpec)  # noqa: S101 - the caller has looked
    namespace = channel.key.namespace
    release = room.head.spec(ReleaseSpec, namespace, spec.release or "")
    app = room.head.spec(AppSpec, namespace, spec.app)
    live, bundles = live_on(room.base, channel.key), room.at_hand.bundles
    return Circumstances(
        live=live,
        version_taken_by=_taken_by(room.base, app.app_id, release) if app and release else None,
        bundle=bundles.get(release.bundle.sha256) if release else None,
        live_bundle=bundles.get(live.bundle_sha256) if live else None,
    )


def _taken_by(base: Manifests, app_id: str, release: ReleaseSpec) -> str | None:
    """Return the other bundle that holds the release's version already, in any namespace."""
    for each in base.releases(release.version):
        spec = each.spec
        if not isinstance(spec, ReleaseSpec):
            continue
        app = base.spec(AppSpec, each.key.namespace, spec.app)
        if app and app.app_id == app_id and spec.bundle.sha256 != release.bundle.sha256:
            return spec.bundle.sha256
    return None


def _contents(case: Case | None) -> tuple[str, ...]:
    around = case.subject.circumstances if case else None
    if around is None or around.bundle is None:
        return ()
    return tuple(contents_lines(around.bundle, around.live_bundle))


def _steps(channel: ChannelSpec) -> str:
    steps = " → ".join(f"{each.share} for {each.hold}" for each in channel.rollout.steps)
    return f"paused, and once it is not: {steps}" if channel.paused else steps


def _channel_differences(before: ChannelSpec | None, after: ChannelSpec) -> tuple[Difference, ...]:
    if before is None:
        return ()
    release = frozenset({"release"})
    return differences(fields_of(before, without=release), fields_of(after, without=release))


def _release_differences(
    room: _Room, key: Key, before: ChannelSpec | None, after: ChannelSpec
) -> tuple[Difference, ...]:
    if before is None or before.release is None or after.release is None:
        return ()
    old = room.base.spec(ReleaseSpec, key.namespace, before.release)
    new = room.head.spec(ReleaseSpec, key.namespace, after.release)
    if old is None or new is None:
        return ()
    evidence = frozenset({"attestations"})
    return differences(fields_of(old, without=evidence), fields_of(new, without=evidence))
