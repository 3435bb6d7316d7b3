"""Code that is not in the bundle and could come to run: what scripts load, and text they evaluate.

Text that stands in the code as a constant is not counted, however it is run: `Function("return
this")` is in every second library, and can only ever do that.
"""

from dataclasses import dataclass
from typing import Final

from sluice.contents.gathered import File, Gathered
from sluice.contents.origins import is_elsewhere, shown_address
from sluice.contents.patterns import Pattern, compiled
from sluice.verify.bundle_report import RemoteCodeKind

__all__ = ["SCRIPT_RULES", "ScriptRule", "look_for_remote_code"]


@dataclass(frozen=True, slots=True)
class ScriptRule:
    """One way in which code comes from elsewhere."""

    kind: RemoteCodeKind
    pattern: Pattern
    """Its group, if it has one, is the address or what is evaluated."""

    shows: bool = False
    """Whether the group is an address to show."""


_ELSEWHERE: Final = r"""["'`]\s{0,8}((?:https?:)?[\\/]{2}[^\s"'`<>]{1,500})"""
_ONLY_CONSTANTS: Final = compiled(r"""^\s*(?:(?:"[^"\\]*"|'[^'\\]*'|`[^`\\$]*`)\s*,?\s*){0,20}\)""")
_DEFINITION: Final = compiled(r"^[\w\s,$=]{0,100}\)\s*\{")
_LOOKAHEAD_BYTES: Final = 300

SCRIPT_RULES: Final = (
    ScriptRule(
        "import-from-other-origin",
        compiled(
            r"""(?:\bimport\s*\(|\bimportScripts\s*\(|\bnew\s+(?:Shared)?Worker\s*\(|\.addModule\s*\("""
            r"""|\.register\s*\(|\bfrom|\bimport|Streaming\s*\(\s*fetch\s*\()"""
            rf"""\s*(?:/\*[^*]{{0,100}}\*/\s*)?{_ELSEWHERE}""",
            *(b"import", b"from", b"Worker", b"addModule", b"register", b"Streaming"),
        ),
        shows=True,
    ),
    ScriptRule(
        "script-url-in-code",
        compiled(
            r"""["'`]\s{0,8}((?:https?:)?(?:\\?/){2}[\w*-][^\s"'`<>]{0,500}\.(?:m?js|wasm))"""
            r"""(?:[?#][^\s"'`<>]{0,500})?["'`]""",
            *(b".js", b".mjs", b".wasm"),
        ),
        shows=True,
    ),
    ScriptRule(
        "eval-of-fetched",
        compiled(
            r"(?:\beval\s*\)?\s*\(\s*(?:\(?\s*await\b|[\w$.]{0,100}(?:responseText|\.text\(\)))"
            r"|\.then\(\s*(?:\w{1,20}\.)?eval\s*\))",
            b"eval",
        ),
    ),
    ScriptRule(
        "eval",
        compiled(
            r"(?:(?:^|[^\w$.])eval|\b(?:window|self|globalThis|global|top)\.eval"
            r"|\(\s*0\s*,\s*(?:\w{1,20}\.)?eval\s*\))\s*\(",
            b"eval",
        ),
    ),
    ScriptRule(
        "new-function",
        compiled(
            r"(?:\bnew\s+(?:(?:window|self|globalThis)\.)?Function|(?:^|[^\w$.])Function)\s*\(",
            b"Function",
        ),
    ),
    ScriptRule(
        "document-write-script",
        compiled(
            r"(?i)document\.write(?:ln)?\s*\([^;]{0,300}?<(?:\\?/|[\"'`]\s*\+\s*[\"'`])?scr",
            b"document.write",
        ),
    ),
)
"""All ways that are looked for in scripts."""


def look_for_remote_code(file: File, gathered: Gathered) -> None:
    """Tell where scripts in a file load or make code."""
    for rule in SCRIPT_RULES:
        for hit in gathered.hits(rule.pattern, file):
            after = file.data[hit.end : hit.end + _LOOKAHEAD_BYTES]
            if rule.kind in {"eval", "new-function"} and _is_harmless(after):
                continue
            if rule.shows and not is_elsewhere(hit.group(1).decode("utf-8", "replace")):
                continue
            detail = shown_address(hit.group(1)) if rule.shows else ""
            if not gathered.add("remote code", file, rule.kind, hit.start, detail):
                return
            if not rule.shows:
                break


def _is_harmless(after: bytes) -> bool:
    """Return whether what follows `eval(` or `Function(` is constant, or defines a function."""
    return any(_ONLY_CONSTANTS.hits(after, 0)) or any(_DEFINITION.hits(after, 0))
