"""What every file of this repository must keep, as functions from text to findings.

ruff, mypy and import-linter check most habits; here is what they cannot see.  Each finding is
a sentence that starts with a line number.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

__all__ = [
    "CORES",
    "FUNCTION_LINES_MAX",
    "MODULE_LINES_MAX",
    "TEST_LINES_MAX",
    "in_any_text",
    "in_core",
    "in_file_name",
    "in_module",
    "in_python",
    "in_room",
    "reads_environment",
]

CORES = ("resources", "verify", "contents", "policy", "rollout", "serving", "reconcile", "plan")
"""The rooms that decide and do nothing else."""

MODULE_LINES_MAX = 400
TEST_LINES_MAX = 800
"""A file of tests is a list that is searched, not a thought that is followed."""

FUNCTION_LINES_MAX = 40
"""Without its docstring, so that explaining is free; what does not fit a screen is split."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler"}

CORE_CALLS_BANNED = {"open", "print", "input", "eval", "exec", "compile", "breakpoint"}

DYNAMIC_IMPORTS = {"import_module", "__import__", "spec_from_file_location", "run_path"}
"""import-linter does not see them, so they would get around every contract."""

# Written in pieces, so that this file does not hold what it forbids.
NOT_YET_DONE = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")

REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("docker", "io"),
        ("gcr", "io"),
        ("crates", "io"),
        ("debian", "org"),
    )
)
"""Where packages come from is the machine's business: a name here would bypass its mirror."""

MACHINE_PATHS = re.compile(r"(?<![\w./$}-])/(work|tmp|root|home|opt/wheels)/\w")

SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|ruff:\s*noqa|pragma)\b")
SUPPRESSION_WITH_REASON = re.compile(
    r"#\s*(?:(?:ruff:\s*)?noqa:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|type:\s*ignore\[[a-z, -]+\])"
    r"\s*(?:--?|#|—)\s*\w\S* \S+"
)


def in_file_name(path: str) -> Iterator[str]:
    """Find names that say nothing about what is inside."""
    for part in re.split(r"[/._]", path.lower()):
        if part in VAGUE_NAMES:
            yield f"0: `{part}` says nothing about what is inside"


def in_any_text(text: str) -> Iterator[str]:
    """Find hosts, machine paths and unfinished work in a file of any kind."""
    for number, line in enumerate(text.splitlines(), start=1):
        for host in REGISTRIES:
            if re.search(rf"(?<![\w-]){re.escape(host)}(?![\w-])", line):
                yield f"{number}: names the registry {host}"
        if found := MACHINE_PATHS.search(line):
            yield f"{number}: names the machine's path {found[0]}..."
        if found := NOT_YET_DONE.search(line):
            yield f"{number}: {found[0]} is unfinished work"


def in_python(source: str, lines_max: int = MODULE_LINES_MAX) -> Iterator[str]:
    """Find what no Python file may hold, tests included."""
    lines = source.count("\n")
    if lines > lines_max:
        yield f"0: {lines} lines, more than {lines_max}"
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _length(node)
            if length > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {length} lines, max {FUNCTION_LINES_MAX}"
        if _imports(node, "unittest.mock"):
            yield f"{_line(node)}: use the real thing or a simulator, not a mock"
    yield from _bare_suppressions(source)


def in_module(source: str) -> Iterator[str]:
    """Find what no module of the package may hold; `__init__` files are rooms, not modules."""
    tree = ast.parse(source)
    if not any(
        isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
        for node in tree.body
    ):
        yield "0: says not what it offers: `__all__` is missing"
    if ast.get_docstring(tree) is None:
        yield "0: says not what it is for: the docstring is missing"
    for node in ast.walk(tree):
        if _called_or_named(node) & DYNAMIC_IMPORTS:
            yield f"{_line(node)}: a dynamic import is invisible to the contracts"


def in_room(source: str) -> Iterator[str]:
    """Find anything but one line of duty in a room's `__init__`."""
    tree = ast.parse(source)
    duty = ast.get_docstring(tree)
    if duty is None or "\n" in duty:
        yield "1: a room states its duty in one line"
    if len(tree.body) > 1:
        yield f"{_line(tree.body[1])}: a room's `__init__` holds its docstring and nothing else"


def in_core(source: str) -> Iterator[str]:
    """Find I/O, waiting and shared state in a pure core."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield f"{_line(node)}: a core does not wait"
            case ast.Global():
                yield f"{_line(node)}: a core remembers nothing"
            case ast.Call(func=ast.Name(id=name)) if name in CORE_CALLS_BANNED:
                yield f"{_line(node)}: a core does not call {name}()"


def reads_environment(source: str) -> Iterator[str]:
    """Find reads and writes of the process's environment."""
    for node in ast.walk(ast.parse(source)):
        if _called_or_named(node) & {"environ", "environb", "getenv", "putenv"}:
            yield f"{_line(node)}: only sluice.cli reads the environment"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None and first.end_lineno is not None:
        length -= first.end_lineno - first.lineno + 1
    return length


def _imports(node: ast.AST, module: str) -> bool:
    package, _, name = module.rpartition(".")
    match node:
        case ast.Import(names=names):
            return any(alias.name == module for alias in names)
        case ast.ImportFrom(module=found, names=names):
            return found == module or (
                found == package and any(alias.name == name for alias in names)
            )
    return False


def _called_or_named(node: ast.AST) -> set[str]:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return {name}
        case ast.ImportFrom(names=names):
            return {alias.name for alias in names}
    return set()


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _bare_suppressions(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        for found in SUPPRESSION.finditer(token.string):
            if not SUPPRESSION_WITH_REASON.match(token.string, found.start()):
                yield f"{token.start[0]}: `{found[0]}` needs a code and a reason"
