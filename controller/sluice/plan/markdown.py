"""A plan as Markdown for a comment on a pull request.

What manifests hold is anybody's: it must not mention people, link, embed, or close the table that
it stands in. So it is escaped for GitHub's and GitLab's Markdown, and identifiers stand in code
spans, in which neither of them looks for anything.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sluice.plan.change import WORSE, ChannelPlan, Plan
from sluice.plan.difference import Difference
from sluice.plan.said import moment
from sluice.plan.text import DIFFERENCES_SHOWN_MAX, HEADLINES, headline, summary_of
from sluice.policy.verdict import Finding, Verdict
from sluice.resources.fields import BASIS_POINTS, percent
from sluice.resources.text import plain

__all__ = ["as_markdown", "code", "escaped"]

COMMENT_CHARS_MAX: Final = 60_000
"""GitHub takes comments of 65,536 characters."""

CHANNELS_SHOWN_MAX: Final = 30
"""Channels that are shown, the worst first; their policies and words come after them."""

TEXT_CHARS_MAX: Final = 1200
CODE_CHARS_MAX: Final = 160

BREAK: Final = "\u200b"
"""Zero width space: breaks up what would be looked for, and shows as nothing."""

_SYNTAX: Final = re.compile(r"[\\`*_{}\[\]#+!|~<>&$^=\"@]")
_REFERENCE: Final = re.compile(r"[@#!~%$&^](?=[\w\"])|www(?=\.)|GH(?=-\d)", re.IGNORECASE)

ICONS: Final = {
    "allowed": "✅",
    "nothing": "⚪",
    "held": "⏳",
    "refused": "❌",
    "withdrawn": "⛔",
    "problem": "❌",
    "satisfied": "✅",
    "missing": "⏳",
}


def escaped(text: str, characters_max: int = TEXT_CHARS_MAX) -> str:
    """Return text of unknown origin that shows as itself, and as nothing else, on one line."""
    shown = plain(text, characters_max)
    # Behind a scheme, a zero width space would count as part of a host.
    broken = _REFERENCE.sub(lambda found: f"{found[0]}{BREAK}", shown).replace("://", f"{BREAK}://")
    # A backslash would escape from Markdown, but not from what is looked for in its outcome.
    return _SYNTAX.sub(lambda found: f"&#{ord(found[0])};", broken)


def code(text: str) -> str:
    """Return text as a code span that may stand in a table."""
    shown = plain(text, CODE_CHARS_MAX).replace("|", "\N{DIVIDES}")
    longest = max((len(each) for each in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown}{space}{fence}"


def as_markdown(plan: Plan) -> str:
    """Return the whole plan, cut to what a comment may hold."""
    lines = [
        f"### Sluice plan for cluster {code(plan.cluster)}: {escaped(headline(plan))}",
        "",
        f"{escaped(plan.compared)} Judged as at {moment(plan.now)}, with the operator's own code.",
    ]
    if plan.rule == "head":
        lines += ["", "**Judged by the policies of this very change alone.**"]
    lines += _listed("Problems to mend first", _problems(plan))
    worst = sorted(plan.channels, key=lambda each: WORSE.index(each.outcome), reverse=True)
    for each in worst[:CHANNELS_SHOWN_MAX]:
        lines += ["", *_channel(each)]
    if len(worst) > CHANNELS_SHOWN_MAX:
        lines += ["", f"… and {len(worst) - CHANNELS_SHOWN_MAX} more channels, none of them worse."]
    lines += _listed("Policies", _policies(plan))
    lines += _listed("Signed words", _words(plan))
    lines += _listed("Not known here", (escaped(each) for each in plan.unknown))
    if plan.unaffected:
        lines += ["", f"{plan.unaffected} other channels: nothing changes."]
    return _cut(lines)


def _cut(lines: Iterable[str]) -> str:
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > COMMENT_CHARS_MAX:
            kept += ["", "… and more than fits into a comment: run `sluice plan` for the rest."]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _listed(title: str, items: Iterable[str]) -> list[str]:
    listed = [each if each.startswith("  ") else f"- {each}" for each in items]
    return ["", f"#### {title}", "", *listed] if listed else []


def _problems(plan: Plan) -> Iterator[str]:
    for each in plan.problems:
        yield f"❌ {code(str(each.spot))} {each.reason}: {escaped(each.message)}"


def _policies(plan: Plan) -> Iterator[str]:
    for each in plan.policies:
        yield f"{code(str(each.key))} ({each.what}): {escaped(each.message)}"
        yield from _nested(each.differences)


def _words(plan: Plan) -> Iterator[str]:
    for each in plan.words:
        alarm = f" **⚠ {escaped(each.alarm)}**" if each.alarm else ""
        yield f"{code(each.key.name)} ({each.what}): {escaped(each.said)}{alarm}"


def _nested(found: Iterable[Difference]) -> Iterator[str]:
    listed = list(found)
    for each in listed[:DIFFERENCES_SHOWN_MAX]:
        yield f"  - {code(str(each))}"
    if len(listed) > DIFFERENCES_SHOWN_MAX:
        yield f"  - and {len(listed) - DIFFERENCES_SHOWN_MAX} more fields"


def _channel(plan: ChannelPlan) -> Iterator[str]:
    before, after = (
        code(each) if each else "no release" for each in (plan.release_before, plan.release_after)
    )
    way = after if before == after else f"{before} → {after}"
    yield f"#### {ICONS[plan.outcome]} {code(f'{plan.key.namespace}/{plan.key.name}')}: {way}"
    yield ""
    if plan.what == "removed":
        yield "The channel is removed: it serves nothing new, and phones keep what they have."
        return
    yield f"**{HEADLINES[plan.outcome]}.**"
    if plan.answer_before is not None:
        yield f"The same release was {plan.answer_before} before this change."
    for title, verdict in _verdicts(plan):
        yield from ("", f"{title}{escaped(summary_of(verdict))}", "", *_table(verdict))
    if plan.release_after:
        yield from ("", f"Rollout: {plan.steps}")
    for title, found in (("Release", plan.release_differences), ("Channel", plan.differences)):
        if found:
            yield from ("", f"{title}, from the one before:", "")
            yield from (line.strip() for line in _nested(found))
    if plan.contents:
        yield from ("", "Bundle:", "")
        yield from (f"- {escaped(each)}" for each in plan.contents)
    if plan.unknown:
        yield from ("", "<details><summary>Not known here</summary>", "")
        yield from (f"- {escaped(each)}" for each in plan.unknown)
        yield from ("", "</details>")


def _verdicts(plan: ChannelPlan) -> Iterator[tuple[str, Verdict]]:
    both = plan.verdict_after is not None
    if plan.verdict is not None:
        yield "By the policies in force now: " if both else "", plan.verdict
    if plan.verdict_after is not None:
        yield "By the policies that this change brings: ", plan.verdict_after


def _table(verdict: Verdict) -> Iterator[str]:
    if verdict.answer == "allowed" and verdict.ceiling_bp < BASIS_POINTS:
        yield f"Up to {percent(verdict.ceiling_bp)} of the phones: approvals have a ceiling."
        yield ""
    if verdict.findings:
        yield "| | requirement | what was found |"
        yield "|---|---|---|"
        yield from (_row(each) for each in verdict.findings)


def _row(finding: Finding) -> str:
    icon = "❌" if finding.state == "refused" else ICONS[finding.state]
    where = f"{code(finding.policy)} " if finding.policy else ""
    told = finding.enforced or finding.state == "satisfied" or not finding.policy
    warns = "" if told else " (warns only)"
    return f"| {icon} | {where}{code(finding.requirement)}{warns} | {escaped(finding.message)} |"
