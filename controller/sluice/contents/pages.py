"""What pages load, and whether they have a content security policy that would stop it.

Tags are read as the HTML standard reads them, but not the tree: a script in a comment is told of,
for what is a comment to one reader may be a page to another. A policy counts the other way round:
only where every reader sees one.

Sources: https://html.spec.whatwg.org/multipage/parsing.html, https://www.w3.org/TR/CSP3/.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

from sluice.contents.gathered import File, Gathered
from sluice.contents.origins import is_elsewhere, origin_of, shown_address
from sluice.contents.patterns import compiled
from sluice.verify.bundle_report import RemoteCodeKind

__all__ = ["PAGE_PATTERNS", "look_at_page"]

TAG_BYTES_MAX: Final = 8192
"""Bytes of one tag that are read: more than any but a script given as data."""

ATTRIBUTES_MAX: Final = 100
"""Attributes of one tag that are read."""

_TAG: Final = compiled(r"(?i)<(script|iframe|frame|embed|object|base|link|meta)[\s/>]", b"<")
PAGE_PATTERNS: Final = (_TAG,)

# One attribute, as the tokenizer of the standard takes them; each alternative moves on.
_ATTRIBUTE: Final = re.compile(
    rb"""[\s/]*(?P<name>[^\s/>][^\s/>=]*)"""
    rb"""(?:\s*=\s*(?:"(?P<double>[^"]*)(?:"|\Z)|'(?P<single>[^']*)(?:'|\Z)|(?P<bare>[^\s>]*)))?"""
)
_TAG_END: Final = re.compile(rb"[\s/]*>")
_NO_TAG: Final = re.compile(
    rb"\s+|\xef\xbb\xbf|<!doctype[^>]{0,1000}>|<!--(?!-?>)(?:(?!--!?>).){0,10000}-->"
    rb"|</(?:meta|link|base)>",
    re.IGNORECASE | re.DOTALL,
)
"""What may stand between the tags of a head."""

_HEAD_TAG: Final = re.compile(
    rb"<(html|head|title|base|link|meta|script|style|noscript)(?=[\s/>])", re.IGNORECASE
)
_TEXT_TAGS: Final = frozenset({b"title", b"script", b"style", b"noscript"})
"""Elements in which a `<meta>` is text."""

HEAD_PARTS_MAX: Final = 2000
"""Tags, comments and white space in a head that are read."""

_UNSAFE_SOURCES: Final = frozenset(
    {"*", "*:*", "http:", "https:", "data:", "blob:", "http://*", "https://*"}
)

_Attributes = dict[str, str]


def look_at_page(file: File, gathered: Gathered, *, is_index: bool) -> None:
    """Tell what a page loads from elsewhere, and what its content security policy lacks.

    Args:
        file: the page.
        gathered: where to tell it.
        is_index: whether it is the page that the app starts with; others need a policy only if
            they have scripts.
    """
    has_script = False
    for hit in gathered.hits(_TAG, file):
        tag = hit.group(1).decode("ascii").lower()
        attributes, end = _attributes(file.data, hit.start + 1 + len(tag))
        if end is None:
            gathered.reach(f"{file.shown}: the start of a very long tag was looked at, no more.")
        has_script = has_script or tag == "script"
        for kind, address in _loads(tag, attributes):
            gathered.add("remote code", file, kind, hit.start, shown_address(address.encode()))
        for origin in _allowed_origins(tag, attributes):
            gathered.add_origin(origin)
    if is_index or has_script:
        for weakness in _policy_weaknesses(file.data):
            gathered.add("remote code", file, weakness)


def _loads(tag: str, attributes: _Attributes) -> Iterator[tuple[RemoteCodeKind, str]]:
    sources = [
        attributes[each] for each in ("src", "href", "xlink:href", "data") if each in attributes
    ]
    for source in sources:
        elsewhere = is_elsewhere(source)
        match tag:
            case "script" if elsewhere:
                yield "script-from-other-origin", source
            case "script" if source.strip().lower().startswith(("data:", "blob:")):
                yield "script-from-data", source.strip()[:5]
            case "iframe" | "frame" | "embed" | "object" if elsewhere:
                yield "frame-from-other-origin", source
            case "base" if elsewhere:
                yield "base-on-other-origin", source
            case "link" if elsewhere and "modulepreload" in attributes.get("rel", "").lower():
                yield "script-from-other-origin", source
            case _:
                pass
    if tag == "meta" and attributes.get("http-equiv", "").strip().lower() == "refresh":
        target = re.split(r"url\s*=\s*[\"']?", attributes.get("content", ""), flags=re.IGNORECASE)
        if is_elsewhere(target[-1]):
            yield "frame-from-other-origin", target[-1]


def _allowed_origins(tag: str, attributes: _Attributes) -> Iterator[str]:
    """Yield what a policy in the page lets it talk to."""
    if tag == "meta" and _is_policy(attributes):
        for source in re.split(r"[\s;,]+", attributes.get("content", "").lower()):
            scheme, mark, rest = source.partition("://")
            if mark and scheme in {"http", "https", "ws", "wss"}:
                origin = origin_of(scheme.encode(), rest.partition("/")[0].encode())
                if origin is not None:
                    yield origin


def _policy_weaknesses(data: bytes) -> list[RemoteCodeKind]:
    """Return what is weak in all policies of a page together: each one alone can forbid."""
    policies, late = _policies(data)
    if not policies:
        return ["csp-missing"]
    common = set.intersection(*(set(_weak(policy)) for policy in policies))
    if "csp-no-script-src" in common:
        common = {"csp-no-script-src"}
    if late:
        common.add("csp-late")
    return sorted(common)


def _policies(data: bytes) -> tuple[list[str], bool]:
    """Return the policies in a page's head, and whether a script stands before one.

    Only a head that every browser reads alike is read. It ends where anything is unclear, so that
    nobody can claim a policy that browsers don't see.
    """
    policies: list[str] = []
    late, had_script, place = False, False, 0
    for _ in range(HEAD_PARTS_MAX):
        if skipped := _NO_TAG.match(data, place):
            place = skipped.end()
            continue
        tag = _HEAD_TAG.match(data, place)
        attributes, end = _attributes(data, tag.end()) if tag else ({}, None)
        if tag is None or end is None:
            break
        place, name = end, tag[1].lower()
        if name == b"meta" and _is_policy(attributes):
            found = [each for each in attributes.get("content", "").split(",") if each.strip()]
            policies += found
            late = late or (had_script and bool(found))
        had_script = had_script or name == b"script"
        if name in _TEXT_TAGS:
            closed = re.compile(rb"</%s\s*>" % name, re.IGNORECASE).search(data, place)
            if closed is None or b"<!--" in data[place : closed.start()]:
                break
            place = closed.end()
    return policies, late


def _is_policy(attributes: _Attributes) -> bool:
    return attributes.get("http-equiv", "").strip().lower() == "content-security-policy"


def _weak(policy: str) -> Iterator[RemoteCodeKind]:
    directives: dict[str, list[str]] = {}
    for directive in policy.lower().split(";"):
        name, *sources = directive.split() or [""]
        directives.setdefault(name, sources)
    if "script-src" not in directives and "default-src" not in directives:
        # A policy without either forbids no script.
        yield from ("csp-no-script-src", "csp-unsafe-eval", "csp-unsafe-inline", "csp-wildcard")
        return
    sources = directives.get("script-src", directives.get("default-src", []))
    elements = directives.get("script-src-elem", sources)
    attributes = directives.get("script-src-attr", sources)
    if "'unsafe-eval'" in sources:
        yield "csp-unsafe-eval"
    if _allows_inline(elements) or _allows_inline(attributes):
        yield "csp-unsafe-inline"
    if "'strict-dynamic'" not in elements and _UNSAFE_SOURCES & set(elements):
        yield "csp-wildcard"


def _allows_inline(sources: list[str]) -> bool:
    # A nonce or a digest makes browsers ignore 'unsafe-inline'.
    return "'unsafe-inline'" in sources and not any(
        each.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'"))
        for each in sources
    )


def _attributes(data: bytes, place: int) -> tuple[_Attributes, int | None]:
    """Return the attributes of a tag, the first of each name, and where the tag ends.

    Args:
        data: the page.
        place: right after the tag's name.

    Returns:
        The place after `>`, or None when the tag is longer than is read.
    """
    window = data[place : place + TAG_BYTES_MAX]
    found: _Attributes = {}
    at, end = 0, None
    for _ in range(ATTRIBUTES_MAX):
        if (end := _TAG_END.match(window, at)) or not (attribute := _ATTRIBUTE.match(window, at)):
            break
        at = attribute.end()
        value = attribute["double"] or attribute["single"] or attribute["bare"] or b""
        found.setdefault(_text(attribute["name"]).lower(), _text(value))
    return found, place + end.end() if end else None


def _text(data: bytes) -> str:
    return html.unescape(data.decode("utf-8", "replace"))
