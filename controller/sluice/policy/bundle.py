"""Requirement `bundle`: what may be inside of the bundle.

In the order of the code:
(1) The size stands in the release, and is no smaller than the bundle that is fetched for it.
(2) All else is judged by a report on this very bundle. Without one, nothing is shown.
(3) What is asked not to be there must be absent, origins and plugins must be listed.
(4) What is new is told from the report on the bundle that is served now. Where nothing is served
    there is nothing that was reviewed before and could change behind its back: so nothing is
    refused as new, and all of it is named. Where something is served whose report is not known,
    nobody knows what is new, so the requirement is not met.
(5) Where looking stopped early, absence proves nothing: what is asked not to be there is refused.

All faults are told at once; the reason is that of the first.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from sluice.policy.patterns import origin_matches
from sluice.policy.question import Answer, Question
from sluice.policy.reasons import Reason
from sluice.policy.severity import as_bad_as
from sluice.resources.requirements import BundleNeed
from sluice.resources.text import plain
from sluice.verify.bundle_report import BundleReport, Finding, RemoteCodeKind, difference

__all__ = ["judge_bundle", "report_of"]

SHOWN_MAX = 5
"""Findings of one sort named in a message; the rest is counted."""

NAME_CHARS_SHOWN_MAX = 120

Fault = tuple[Reason, str]

REMOTE: Final[frozenset[RemoteCodeKind]] = frozenset(
    {
        "script-from-other-origin",
        "script-from-data",
        "frame-from-other-origin",
        "base-on-other-origin",
        "import-from-other-origin",
        "script-url-in-code",
        "eval-of-fetched",
    }
)
DYNAMIC: Final[frozenset[RemoteCodeKind]] = frozenset(
    {"eval", "eval-of-fetched", "new-function", "document-write-script"}
)
UNGUARDED: Final[frozenset[RemoteCodeKind]] = frozenset(
    {
        "csp-missing",
        "csp-late",
        "csp-no-script-src",
        "csp-unsafe-eval",
        "csp-unsafe-inline",
        "csp-wildcard",
    }
)


def judge_bundle(question: Question, need: BundleNeed) -> Answer:
    """Return whether the bundle holds nothing that it may not."""
    size = question.subject.release.bundle.size
    if need.max_bytes is not None and size > need.max_bytes:
        message = f"the bundle has {size} bytes, and may have {need.max_bytes}: make it smaller."
        return Answer(state="refused", reason="BundleTooLarge", message=message)
    if not _asks_to_look(need):
        return Answer(state="satisfied", reason="BundleFits", message=f"it has {size} bytes.")
    report = report_of(question)
    if isinstance(report, Answer):
        return report
    live = _live_report(question) if need.new_origins or need.new_plugins else None
    if isinstance(live, Answer):
        return live
    faults = [*_refused(need, report), *_not_listed(need, report), *_new(need, report, live)]
    if faults:
        message = "; ".join(text for _, text in faults)
        return Answer(state="refused", reason=faults[0][0], message=f"{message}.")
    if report.truncated:
        message = (
            f"the bundle could not be looked at as a whole ({_listed(report.limits_reached)}), so"
            " that what was not found may be there: make it smaller or plainer."
        )
        return Answer(state="refused", reason="BundleNotSeenWhole", message=message)
    return Answer(state="satisfied", reason="BundleFits", message=_praise(need, report, live))


def report_of(question: Question) -> BundleReport | Answer:
    """Return the report on the release's bundle, or the answer where there is none."""
    report = question.subject.circumstances.bundle
    wanted = question.subject.release.bundle.sha256
    if report is not None and report.bundle_sha256 == wanted:
        return report
    other = f" (there is a report on sha256:{report.bundle_sha256})" if report else ""
    message = (
        f"nobody has looked inside of the bundle sha256:{wanted} yet{other}: it is looked at when"
        " it has been fetched from spec.bundle.url; nobody needs to do anything for that."
    )
    return Answer(state="missing", reason="BundleNotInspected", message=message)


def _live_report(question: Question) -> BundleReport | Answer | None:
    """Return the report on what is served, or None where nothing is."""
    live, report = question.subject.circumstances.live, question.subject.circumstances.live_bundle
    if live is None:
        return None
    if report is not None and report.bundle_sha256 == live.bundle_sha256:
        return report
    message = (
        f"nobody has looked inside of the bundle that is served now ({live.version}, sha256:"
        f"{live.bundle_sha256}), so that nobody knows what is new in this one: it is looked at"
        " again when the operator next comes by; if that does not help, have an exception from this"
        " requirement signed."
    )
    return Answer(state="missing", reason="LiveBundleNotInspected", message=message)


def _asks_to_look(need: BundleNeed) -> bool:
    asked = need.model_dump(exclude={"max_bytes"}, exclude_none=True)
    return bool(asked)


def _refused(need: BundleNeed, report: BundleReport) -> Iterator[Fault]:
    if need.secrets and report.secrets:
        yield "SecretsFound", f"it holds secrets: {_places(report.secrets)}; revoke them"
    if need.source_maps and report.source_maps:
        yield "SourceMapsFound", f"it holds source maps: {_places(report.source_maps)}"
    if need.native_code and report.native_code:
        yield "NativeCodeFound", f"it holds native code: {_places(report.native_code)}"
    if need.remote_code and (found := _of(report, REMOTE)):
        yield "RemoteCodeFound", f"code from elsewhere may run in it: {_places(found)}"
    if need.dynamic_code and (found := _of(report, DYNAMIC)):
        yield "DynamicCodeFound", f"text may become code in it: {_places(found)}"
    if need.content_security_policy and (found := _of(report, UNGUARDED)):
        yield "ContentSecurityPolicyWeak", f"its pages are not guarded: {_places(found)}"
    if need.vulnerabilities_below is not None:
        bad = [
            f"{each.library} {each.version} ({each.severity}: {', '.join(each.ids[:SHOWN_MAX])})"
            for each in report.vulnerable
            if as_bad_as(each.severity, need.vulnerabilities_below)
        ]
        if bad:
            yield "VulnerabilitiesFound", f"it holds vulnerable libraries: {_listed(bad)}"
    if need.max_files is not None and report.files > need.max_files:
        yield "BundleFilesTooMany", f"it has {report.files} files, and may have {need.max_files}"


def _of(report: BundleReport, kinds: frozenset[RemoteCodeKind]) -> list[Finding]:
    return [each for each in report.remote_code if each.kind in kinds]


def _not_listed(need: BundleNeed, report: BundleReport) -> Iterator[Fault]:
    if need.origins is not None:
        allowed = need.origins
        other = [
            each
            for each in sorted(report.origins)
            if not any(origin_matches(pattern, each) for pattern in allowed)
        ]
        if other:
            yield "OriginsNotListed", f"it names origins that are not listed: {_listed(other)}"
    if need.plugins is not None and (extra := sorted(report.plugin_calls - set(need.plugins))):
        yield "PluginsNotListed", f"it calls plugins that not every app has: {_listed(extra)}"


def _new(need: BundleNeed, report: BundleReport, live: BundleReport | None) -> Iterator[Fault]:
    if live is None:
        return
    change = difference(live, report)
    if need.new_origins and change.origins_added:
        added = _listed(sorted(change.origins_added))
        yield "OriginsNew", f"it names origins that what is served now does not: {added}"
    if need.new_plugins and change.plugin_calls_added:
        added = _listed(sorted(change.plugin_calls_added))
        yield "PluginsNew", f"it calls plugins that what is served now does not: {added}"


def _praise(need: BundleNeed, report: BundleReport, live: BundleReport | None) -> str:
    message = f"{report.files} files were looked at, and hold nothing that is refused."
    if live is None and need.new_origins:
        message += f" Nothing is served yet: its origins are the first ({_named(report.origins)})."
    if live is None and need.new_plugins:
        plugins = _named(report.plugin_calls)
        message += f" Nothing is served yet: the plugins that it calls are the first ({plugins})."
    if report.archives:
        message += f" Not looked into, for they are archives: {_listed(report.archives)}."
    return message


def _places(findings: Sequence[Finding]) -> str:
    return _listed([_place(each) for each in findings])


def _place(finding: Finding) -> str:
    return f"{finding.kind} in {finding.file}" + (f":{finding.line}" if finding.line else "")


def _named(names: Collection[str]) -> str:
    return _listed(sorted(names)) if names else "none"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - SHOWN_MAX
    shown = ", ".join(plain(each, NAME_CHARS_SHOWN_MAX) for each in texts[:SHOWN_MAX])
    return shown + (f" and {more} more" if more > 0 else "")
