"""What is in a bundle, and new in it, in sentences for reviewers."""

from collections.abc import Iterable, Iterator
from typing import Final

from sluice.resources.text import plain
from sluice.verify.bundle_report import BundleDifference, BundleReport, Finding, difference

__all__ = ["contents_lines"]

NAMES_SHOWN_MAX: Final = 12
NAME_CHARS_MAX: Final = 128


def contents_lines(new: BundleReport, old: BundleReport | None) -> Iterator[str]:
    """Yield what a reviewer should know of a bundle.

    Args:
        new: the report on the bundle that is to come.
        old: the report on the one that is taken to be served now; None when it is not at hand.
    """
    changed = difference(old, new)
    yield f"{new.files:,} files, {new.unpacked_bytes:,} bytes unpacked{_grown(changed)}"
    word = "" if old is None else "new "
    yield from _named(f"{word}network origins", changed.origins_added)
    yield from _named(f"{word}native plugin calls", changed.plugin_calls_added)
    if old is not None:
        yield from _named("network origins that are gone", changed.origins_removed)
        yield from _named("native plugin calls that are gone", changed.plugin_calls_removed)
    for what, found in (
        ("credentials", new.secrets),
        ("source maps", new.source_maps),
        ("native code", new.native_code),
        ("code that comes from elsewhere, or from text", new.remote_code),
    ):
        places = (f"{each.kind} in {_place(each)}" for each in found)
        yield from _named(what, places, ordered=False)
    weak = (f"{each.library} {each.version} ({', '.join(each.ids[:2])})" for each in new.vulnerable)
    yield from _named("libraries with known weaknesses", weak)
    if changed.uncertain:
        yield "looking stopped early, or was done by other rules: something new may not show"


def _grown(changed: BundleDifference) -> str:
    if changed.first:
        return ""
    return f", which is {changed.files_grown:+,} files and {changed.unpacked_bytes_grown:+,} bytes"


def _place(found: Finding) -> str:
    return f"{found.file}:{found.line}" if found.line else found.file


def _named(what: str, names: Iterable[str], *, ordered: bool = True) -> Iterator[str]:
    listed = [plain(each, NAME_CHARS_MAX) for each in names]
    if not listed:
        return
    shown = sorted(listed) if ordered else listed
    more = len(shown) - NAMES_SHOWN_MAX
    yield f"{what}: {', '.join(shown[:NAMES_SHOWN_MAX])}" + (
        f" and {more} more" if more > 0 else ""
    )
