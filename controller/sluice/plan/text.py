"""A plan as text for a terminal: printable whatever the manifests hold, a line for each fact."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sluice.plan.change import ChannelPlan, Plan
from sluice.plan.difference import Difference
from sluice.plan.policies import PolicyChange
from sluice.plan.said import moment
from sluice.plan.words import WordChange
from sluice.policy.verdict import Finding, Verdict
from sluice.resources.fields import BASIS_POINTS, percent
from sluice.resources.text import plain

__all__ = ["HEADLINES", "as_text", "difference_lines", "headline", "summary_of", "verdict_lines"]

DIFFERENCES_SHOWN_MAX: Final = 40
"""Fields of one object that are listed; the rest is counted."""

PROBLEMS_SHOWN_MAX: Final = 200

MESSAGE_CHARS_MAX: Final = 1200
LABEL_CHARS_MAX: Final = 64

HEADLINES: Final = {
    "allowed": "ALLOWED: merging lets it roll out",
    "nothing": "NOTHING NEW: the channel names no release; phones keep what they have",
    "held": "HELD: merging does not let it grow yet",
    "refused": "REFUSED: what was given proves something wrong; waiting changes nothing",
    "withdrawn": "WITHDRAWN: merging takes it away from phones",
    "problem": "PROBLEM: nothing can be said before the files are mended",
}
"""What an outcome means, for people."""

MARKS: Final = {"satisfied": "ok     ", "missing": "missing", "refused": "refused"}


def as_text(plan: Plan) -> str:
    """Return the whole plan."""
    lines = [f"Plan for cluster {plain(plan.cluster, LABEL_CHARS_MAX)} at {moment(plan.now)}"]
    if plan.compared:
        lines.append(plain(plan.compared, MESSAGE_CHARS_MAX))
    if plan.rule == "head":
        lines.append("Judged by the policies of this very change alone (--policies head).")
    for each in plan.channels:
        lines += ["", *_channel(each)]
    if plan.unaffected:
        lines += ["", f"{plan.unaffected} other channels: nothing changes (--all judges them)."]
    lines += _section("Policies", (line for each in plan.policies for line in _policy(each)))
    lines += _section("Signed words", (line for each in plan.words for line in _word(each)))
    lines += _section("Problems", _problems(plan))
    lines += _section("Not known here", plan.unknown)
    lines += ["", f"{headline(plan)} (exit status {plan.exit_code})"]
    return "\n".join(lines) + "\n"


def headline(plan: Plan) -> str:
    """Return the plan in one line."""
    if plan.problems:
        count = len(plan.problems)
        return f"{count} problem{'s' if count > 1 else ''} to mend first."
    if not plan.channels:
        return "No channel changes."
    counts = [
        f"{sum(each.outcome == outcome for each in plan.channels)} {word}"
        for outcome, word in (
            ("withdrawn", "withdrawn"),
            ("refused", "refused"),
            ("held", "held"),
            ("allowed", "allowed"),
            ("nothing", "without a release"),
        )
        if any(each.outcome == outcome for each in plan.channels)
    ]
    return f"Channels: {', '.join(counts)}."


def _problems(plan: Plan) -> Iterator[str]:
    for each in plan.problems[:PROBLEMS_SHOWN_MAX]:
        yield f"{each.spot}: {each.reason}: {each.message}"
    if len(plan.problems) > PROBLEMS_SHOWN_MAX:
        yield f"and {len(plan.problems) - PROBLEMS_SHOWN_MAX} more"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    listed = [f"  {line}" for line in lines]
    return ["", title, *listed] if listed else []


def _channel(plan: ChannelPlan) -> Iterator[str]:
    yield f"Channel {plan.key.namespace}/{plan.key.name} ({plan.what}): {_way(plan)}"
    if plan.what == "removed":
        yield "  REMOVED: the channel serves nothing new; phones keep what they have"
        return
    yield f"  {HEADLINES[plan.outcome]}"
    if plan.answer_before is not None and plan.verdict is not None:
        yield f"  The same release was {plan.answer_before} before this change."
    if plan.verdict is not None:
        if plan.verdict_after is not None:
            yield "  By the policies in force now:"
        yield from (f"  {line}" for line in verdict_lines(plan.verdict))
    if plan.verdict_after is not None:
        yield "  By the policies that this change brings:"
        yield from (f"  {line}" for line in verdict_lines(plan.verdict_after))
    if plan.release_after is not None:
        yield f"  Rollout: {plan.steps}"
    yield from _titled("  Release, from the one before:", plan.release_differences)
    yield from _titled("  Channel:", plan.differences)
    if plan.contents:
        yield "  Bundle:"
        yield from (f"    {each}" for each in plan.contents)
    yield from (f"  ? {each}" for each in plan.unknown)


def _titled(title: str, found: Sequence[Difference]) -> Iterator[str]:
    if found:
        yield title
        yield from (f"    {line}" for line in difference_lines(found))


def _way(plan: ChannelPlan) -> str:
    before, after = plan.release_before or "no release", plan.release_after or "no release"
    return after if before == after else f"{before} → {after}"


def summary_of(verdict: Verdict) -> str:
    """Return why a verdict is what it is, where its findings do not say so themselves."""
    unmet = [each for each in verdict.findings if each.enforced and each.state != "satisfied"]
    if not unmet or verdict.reason == "Revoked":
        return plain(verdict.message, MESSAGE_CHARS_MAX)
    return f"{len(unmet)} requirement{'s are' if len(unmet) > 1 else ' is'} not met"


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield a verdict as lines: its answer, its ceiling, and every finding."""
    yield f"{verdict.answer}: {summary_of(verdict)}"
    if verdict.answer == "allowed" and verdict.ceiling_bp < BASIS_POINTS:
        yield f"up to {percent(verdict.ceiling_bp)} of the phones: approvals have a ceiling"
    if verdict.recheck_at is not None:
        yield f"time alone may change this at {moment(verdict.recheck_at)}"
    policy = None
    for each in verdict.findings:
        if each.policy != policy:
            policy = each.policy
            yield f"  {plain(policy, 300) or 'Of the cluster, and evidence that did not count'}"
        yield f"    {_finding(each)}"


def _finding(finding: Finding) -> str:
    told = finding.enforced or finding.state == "satisfied" or not finding.policy
    warns = "" if told else " (warns only)"
    name = plain(finding.requirement, LABEL_CHARS_MAX)
    message = plain(finding.message, MESSAGE_CHARS_MAX)
    return f"{MARKS[finding.state]} {name}{warns}: {message}"


def difference_lines(found: Sequence[Difference]) -> Iterator[str]:
    """Yield differences as lines, the first so many."""
    yield from (str(each) for each in found[:DIFFERENCES_SHOWN_MAX])
    if len(found) > DIFFERENCES_SHOWN_MAX:
        yield f"and {len(found) - DIFFERENCES_SHOWN_MAX} more fields"


def _policy(change: PolicyChange) -> Iterator[str]:
    yield f"{change.key} ({change.what}): {plain(change.message, MESSAGE_CHARS_MAX)}"
    yield from (f"  {line}" for line in difference_lines(change.differences))


def _word(change: WordChange) -> Iterator[str]:
    mark = {"added": "+", "removed": "-"}[change.what]
    yield f"{mark} {change.key} ({change.what}): {change.said}"
    if change.alarm:
        yield f"  ! {change.alarm}"
