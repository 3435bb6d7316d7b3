"""Requirement `version`: versions go up, by the precedence of semver.org 2.0.

In the order of the code: (1) never below the minimum, whatever is served; (2) above what is served
now, or (3) the very same, version and bundle. Going back takes an exception from this requirement,
which is signed and expires (row 32 of the attacks).
"""

from sluice.policy.question import Answer, Question
from sluice.policy.semver import compare
from sluice.resources.requirements import VersionNeed

__all__ = ["judge_version"]


def judge_version(question: Question, need: VersionNeed) -> Answer:
    """Return whether the release's version may follow the one that is served now."""
    release, live = question.subject.release, question.subject.circumstances.live
    if need.minimum is not None and compare(release.version, need.minimum) < 0:
        message = f"{release.version} is below {need.minimum}, the lowest that may be released."
        return Answer(state="refused", reason="VersionTooLow", message=message)
    if live is None:
        return _fits(f"nothing is served on {question.subject.channel} yet.")
    try:
        step = compare(release.version, live.version)
    except ValueError:
        message = f"{live.version!r} is served, which is no version to compare with."
        return Answer(state="refused", reason="VersionNotUp", message=message)
    if step > 0:
        return _fits(f"{release.version} follows {live.version}.")
    if step == 0 and live.bundle_sha256 == release.bundle.sha256:
        return _fits(f"{live.version} is what is served already.")
    if step == 0:
        message = (
            f"{release.version} is no later than {live.version}, which is served with another"
            " bundle: give the release a higher version."
        )
        return Answer(state="refused", reason="VersionNotUp", message=message)
    message = (
        f"{live.version} is served, and {release.version} is older: give the release a higher"
        " version, or have an exception from this requirement signed."
    )
    return Answer(state="refused", reason="Downgrade", message=message)


def _fits(message: str) -> Answer:
    return Answer(state="satisfied", reason="VersionFits", message=message)
