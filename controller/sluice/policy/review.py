"""Requirement `review`: enough people have reviewed the change on the forge.

In the order of the code:
(1) The newest statement by the authority decides (`sluice.policy.statements`).
(2) It is about the repository that the policy names, and about the revision in spec.source.
(3) Of each reviewer only the last word counts, by the time it was given; of several at one time the
    most careful. A comment is no word. It counts if it approves the revision in spec.source.
(4) An author does not count: whoever the release, the provenance or the statement names, under any
    name that the policy knows them by.
(5) Two names of one person are one reviewer. A reviewer whom the policy does not know counts under
    their own name; neither case nor width makes another name of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sluice.errors import VerificationError
from sluice.policy.question import Answer, Question
from sluice.policy.registry import folded
from sluice.policy.review_statement import (
    REVIEW_TYPE,
    ReviewGiven,
    ReviewStatement,
    read_review,
)
from sluice.policy.statements import about, by_authority, judge_newest, not_by
from sluice.resources.requirements import Review
from sluice.resources.text import plain
from sluice.verify.facts import Statement

__all__ = ["judge_review"]

CAREFUL: Final = {"approved": 0, "dismissed": 1, "changesRequested": 2}
"""Of two words at one time the higher one counts; comments are no words."""

NAMES_SHOWN_MAX = 8
NAME_CHARS_SHOWN_MAX = 64
TEXT_CHARS_SHOWN_MAX = 200


def judge_review(question: Question, need: Review) -> Answer:
    """Return whether the authority attests enough reviews of the revision in spec.source."""
    authority = question.policy.authority(need.authority)
    found = about(question, REVIEW_TYPE)
    own = by_authority(found, authority)
    if not own:
        how = "attest the reviews in the pipeline and add the sigstore bundle to spec.attestations"
        return not_by(authority, found, f"statement {REVIEW_TYPE}", "ReviewMissing", how)
    return judge_newest(own, question, None, lambda each: _judge(question, need, each))


def _judge(question: Question, need: Review, statement: Statement) -> Answer:
    by = (statement.signer.subject,)
    try:
        review = read_review(statement)
    except VerificationError as error:
        return Answer(state="refused", reason="ReviewUnreadable", message=error.message, by=by)
    source = question.subject.release.source
    if source is None:
        message = "fill in spec.source: which revision was it built from?"
        return Answer(state="missing", reason="SourceMissing", message=message)
    for what, said, meant in (
        ("repository", review.repository, need.repository),
        ("repository in spec.source", source.repository, need.repository),
        ("revision", review.revision, source.revision),
    ):
        if said != meant:
            message = f"the reviews' {what} is {plain(said, 200)!r}, but must be {meant!r}."
            return Answer(state="refused", reason="ReviewDiffers", message=message, by=by)
    return _counted(question, need, review, source.revision)


def _counted(question: Question, need: Review, review: ReviewStatement, revision: str) -> Answer:
    last = _last_words(question, review.reviews)
    faults = {who: _fault(question, review, who, last[who], revision) for who in last}
    people = tuple(sorted(who for who, fault in faults.items() if not fault))
    message = f"{len(people)} of {need.count} reviews of {revision} on {plain(review.change, 200)}"
    message += f": {_listed(people)}." if people else "."
    if len(people) >= need.count:
        return Answer(state="satisfied", reason="Reviewed", message=message, by=people)
    message += (
        f" Still needed: {need.count - len(people)} by somebody who did not write the change; then"
        " attest the reviews again and make a release with that."
    )
    why = [f"{plain(who, NAME_CHARS_SHOWN_MAX)} {fault}" for who, fault in faults.items() if fault]
    message += f" Not counted: {_listed(why, '; ')}." if why else ""
    return Answer(state="missing", reason="ReviewersMissing", message=message, by=people)


def _last_words(question: Question, reviews: Iterable[ReviewGiven]) -> dict[str, ReviewGiven]:
    """Return the last word of each reviewer: of a person of the policy, or of a folded name."""
    last: dict[str, ReviewGiven] = {}
    for each in reviews:
        if each.state == "commented":
            continue
        for who in _whose(question, each.reviewer):
            last[who] = max(last.get(who, each), each, key=_rank)
    return dict(sorted(last.items()))


def _rank(review: ReviewGiven) -> tuple[datetime, int]:
    return review.submitted_at, CAREFUL.get(review.state, 0)


def _whose(question: Question, name: str) -> frozenset[str]:
    return question.policy.registry.named([name]) or frozenset({folded(name)})


def _fault(
    question: Question, review: ReviewStatement, who: str, last: ReviewGiven, revision: str
) -> str:
    """Return why a reviewer does not count; empty when they do."""
    authors = question.authors | question.author_names | _whose(question, review.author)
    if who in authors:
        return "is an author of the change"
    if last.state != "approved":
        return "asked for changes" if last.state == "changesRequested" else "was dismissed"
    if last.revision != revision:
        return f"approved another revision ({last.revision})"
    if len(_whose(question, last.reviewer)) > 1:
        return f"goes by a name that others go by, too ({plain(last.reviewer, 64)})"
    return ""


def _listed(names: Sequence[str], joint: str = ", ") -> str:
    more = len(names) - NAMES_SHOWN_MAX
    shown = joint.join(plain(each, TEXT_CHARS_SHOWN_MAX) for each in names[:NAMES_SHOWN_MAX])
    return shown + (f"{joint}{more} more" if more > 0 else "")
