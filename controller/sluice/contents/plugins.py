"""Which native plugins the code calls, also after a minifier renamed `registerPlugin`.

`@capacitor/core` makes a plugin by `registerPlugin("Name", {web: ...})`. Names of properties and
texts outlive a minifier, names of variables do not. So besides the plain calls two things are told:
calls of that shape, and calls of a variable that was given `x.registerPlugin`, in its own file or
under the name by which other files import it (ES modules of Vite, Rollup and esbuild; the exports
of webpack). Also told: `Capacitor.Plugins.Name`, direct calls into the bridge, and Cordova's.

Not seen: a name that is put together when the code runs, and plugins reached through a variable
that holds `Capacitor.Plugins`.
"""

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sluice.contents.gathered import File, Gathered
from sluice.contents.patterns import Hit, Pattern, compiled

__all__ = ["PLUGIN_PATTERNS", "PluginCalls"]

_VARIABLE: Final = r"[A-Za-z_$][\w$]{0,39}"
_NAME: Final = r"""["'`]([A-Za-z]\w{0,63})["'`]"""
_CLASS_NAME: Final = r"""["'`]([A-Z]\w{1,63})["'`]"""

_CALLS: Final = (
    compiled(rf"\bregisterPlugin\b[\"'`\])]{{0,3}}\s*\(\s*{_CLASS_NAME}", b"registerPlugin"),
    # Players of films have a `registerPlugin` too: with a small first letter, and a function.
    compiled(
        rf"\bregisterPlugin\b[\"'`\])]{{0,3}}\s*\(\s*{_NAME}\s*(?:\)|,\s*\{{)", b"registerPlugin"
    ),
    compiled(
        rf"[\w$)\]]\s*\(\s*{_NAME}\s*,\s*\{{\s*(?:web|android|ios|electron)\s*[:(]",
        *(b"web", b"android", b"ios", b"electron"),
    ),
    compiled(r"\.Plugins\s*\??\.\s*([A-Z]\w{1,63})", b".Plugins"),
    compiled(rf"\.Plugins\s*(?:\?\.)?\[\s*{_NAME}\s*\]", b".Plugins"),
    compiled(
        rf"\.(?:nativePromise|nativeCallback|toNative)\s*\(\s*{_NAME}",
        *(b".nativePromise", b".nativeCallback", b".toNative"),
    ),
    compiled(
        rf"""\bexec\s*\([^"'`;(){{}}]{{1,120}},\s*{_NAME}\s*,\s*["'`]\w{{1,64}}["'`]\s*[,)]""",
        b"exec",
    ),
)
"""Calls that show by themselves; the group is the plugin's name."""

_UNPACKED: Final = compiled(r"\{([^{}()]{1,500})\}\s*=\s*[\w$.()]{0,60}\bPlugins\b", b"Plugins")
"""`const {Camera: c, Share} = Capacitor.Plugins`."""

_ALIASES: Final = (
    compiled(rf"({_VARIABLE})\s*=\s*[\w$.()]{{1,60}}\.registerPlugin\b", b"registerPlugin"),
    compiled(rf"\bregisterPlugin\s*(?::|\bas\b)\s*({_VARIABLE})\b", b"registerPlugin"),
)
"""The group is a variable that holds `registerPlugin`."""

_ALIAS_CALL: Final = compiled(rf"=\s*({_VARIABLE})\s*\(\s*{_CLASS_NAME}\s*[,)]")
_MEMBER_CALL: Final = compiled(rf"=\s*\(0,\s*{_VARIABLE}\.({_VARIABLE})\)\(\s*{_CLASS_NAME}\s*[,)]")
"""`x = (0,h.F3)("Name"`, as webpack calls what another module exports."""

_EXPORTS: Final = compiled(
    r"""\bexport\s*\{([^{}]*)\}\s*(?:from\s*["'`]([^"'`]{1,300})["'`])?""", b"export"
)
_IMPORTS: Final = compiled(
    r"""\bimport\s*(?:[\w$]+\s*,\s*)?\{([^{}]*)\}\s*from\s*["'`]([^"'`]{1,300})["'`]""", b"import"
)
_WEBPACK_EXPORTS: Final = (
    compiled(rf"\b({_VARIABLE}):\s*\(\)\s*=>\s*({_VARIABLE})\b", b"=>"),
    compiled(rf"""["'`]({_VARIABLE})["'`],\s*0,\s*({_VARIABLE})\b"""),
    compiled(rf"\b({_VARIABLE}):\s*function\s*\(\)\s*\{{\s*return ({_VARIABLE})\b", b"function"),
)
"""Groups: the name under which a module exports a variable, and the variable."""

PLUGIN_PATTERNS: Final = (
    *_CALLS, _UNPACKED, *_ALIASES, _ALIAS_CALL, _MEMBER_CALL, _EXPORTS, _IMPORTS, *_WEBPACK_EXPORTS
)  # fmt: skip

_PAIR: Final = compiled(rf"({_VARIABLE})(?:\s+as\s+({_VARIABLE}))?\s*(?:,|$)")

ALIASES_MAX: Final = 1000
"""Variables in one file that hold `registerPlugin`, and exports around one; usual are 1 and 20."""

MODULE_BYTES: Final = 20_000
"""How far from it a variable's export is looked for: minified, `@capacitor/core` has 9,000."""

LINKS_MAX: Final = 100_000
"""Names imported and exported that are followed; a large app has some 10,000."""

PASSES_MAX: Final = 8
"""Files through which an export is followed when each passes it on to the next."""

_Export = tuple[str, bytes]
"""File, and the name that it exports."""


@dataclass(slots=True)
class PluginCalls:
    """Calls seen so far; what other files export is only known at the end."""

    calls: dict[_Export, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """Plugin names by the import through which they were called."""

    member_calls: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    exporting: set[_Export] = field(default_factory=set)
    """Exports that hold `registerPlugin`."""

    passed_on: dict[_Export, _Export] = field(default_factory=dict)
    members: set[bytes] = field(default_factory=set)
    links: int = 0

    def look(self, file: File, gathered: Gathered) -> None:
        """Look at one file."""
        for pattern in _CALLS:
            for hit in gathered.hits(pattern, file):
                gathered.add_plugin(hit.group(1))
        for hit in gathered.hits(_UNPACKED, file):
            for part in hit.group(1).split(b","):
                name = part.partition(b":")[0].strip()
                if name.isalnum() and name[:1].isupper():
                    gathered.add_plugin(name)
        given = [hit for each in _ALIASES for hit in gathered.hits(each, file)]
        aliases = {hit.group(1) for hit in given}
        imported = self._imported(file, gathered)
        self._note_exports(file, gathered, aliases, imported)
        for alias in given[:ALIASES_MAX]:
            self._note_members(file, alias)
        if aliases or imported:
            for hit in gathered.hits(_ALIAS_CALL, file):
                if hit.group(1) in aliases:
                    gathered.add_plugin(hit.group(2))
                elif hit.group(1) in imported:
                    self.calls[imported[hit.group(1)]].add(hit.group(2))
        for hit in gathered.hits(_MEMBER_CALL, file):
            self.member_calls[hit.group(1)].add(hit.group(2))

    def finish(self, gathered: Gathered) -> None:
        """Tell of the calls whose meaning was open until all files were seen."""
        for _ in range(PASSES_MAX):
            more = {here for here, there in self.passed_on.items() if there in self.exporting}
            if more <= self.exporting:
                break
            self.exporting |= more
        for export in self.exporting:
            for name in self.calls.get(export, ()):
                gathered.add_plugin(name)
        for member in self.members:
            for name in self.member_calls.get(member, ()):
                gathered.add_plugin(name)

    def _imported(self, file: File, gathered: Gathered) -> dict[bytes, _Export]:
        """Return what each variable of a file was imported as."""
        return {
            local: (_place(file, hit.group(2)), theirs)
            for hit, theirs, local in self._pairs(file, gathered, _IMPORTS)
        }

    def _note_members(self, file: File, alias: Hit) -> None:
        """Note under which names webpack exports a variable from the module around it."""
        module = file.data[max(0, alias.start - MODULE_BYTES) : alias.end + MODULE_BYTES]
        for pattern in _WEBPACK_EXPORTS:
            for hit in pattern.hits(module, ALIASES_MAX):
                if hit.group(2) == alias.group(1):
                    self.members.add(hit.group(1))

    def _pairs(
        self, file: File, gathered: Gathered, pattern: Pattern
    ) -> Iterator[tuple[Hit, bytes, bytes]]:
        """Yield what imports or exports of a file pair, while there is room to remember it."""
        for hit in gathered.hits(pattern, file):
            for first, second in _pairs(hit.group(1)):
                if self.links >= LINKS_MAX:
                    gathered.reach(f"More than {LINKS_MAX} names are imported: not all followed.")
                    return
                self.links += 1
                yield hit, first, second

    def _note_exports(
        self, file: File, gathered: Gathered, aliases: set[bytes], imported: dict[bytes, _Export]
    ) -> None:
        for hit, ours, exported in self._pairs(file, gathered, _EXPORTS):
            if hit.group(2):
                self.passed_on[file.name, exported] = (_place(file, hit.group(2)), ours)
            elif ours in aliases:
                self.exporting.add((file.name, exported))
            elif ours in imported:
                self.passed_on[file.name, exported] = imported[ours]


def _place(file: File, address: bytes) -> str:
    """Return the name of the file that an import in `file` is from."""
    path = address.decode("utf-8", "replace").partition("?")[0]
    if path.startswith("/"):
        return path.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(file.name), path))


def _pairs(listed: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of `a as b, c`: a and b, c and c."""
    for found in _PAIR.hits(listed, LINKS_MAX):
        yield found.group(1), found.group(2) or found.group(1)
